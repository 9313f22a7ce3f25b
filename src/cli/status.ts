import { InvalidArgumentError, type Command } from 'commander';
import type { ConnectionOptions, PlaybookOptions } from '../api/options.ts';
import type { StatusReader } from '../api/status.ts';
import { takeSignals } from '../boot/early-signals.ts';
import { exitCodes } from '../events/exit-code.ts';
import { parseDuration } from '../model/duration.ts';
import type { FleetStatus } from '../plan/status-model.ts';
import { addConnectionOptions, addFormOption, addPlaybookOptions } from './options.ts';
import { systemWorld, type World } from './world.ts';

interface StatusFlags extends PlaybookOptions, Omit<ConnectionOptions, 'lockTimeout'> {
  readonly output: 'plain' | 'json';
  readonly color: boolean;
  readonly exitCode: boolean;
  /** Milliseconds between two looks; true: the default. */
  readonly watch?: number | true;
}

const defaultWatchMs = 2000;

export function registerStatus(program: Command): void {
  const command = program.command('status').argument('<playbook>', 'the playbook whose hosts are looked at');
  addFormOption(addConnectionOptions(addPlaybookOptions(command)), 'text, or one JSON object a look')
    .description('what runs where, since when, and what differs from the playbook; changes nothing, takes no lock')
    .option('--exit-code', 'exit 10 when something is not as wanted', false)
    .option('-w, --watch [interval]', 'look again and again, every 2s by default, until Ctrl-C', interval)
    .option('--no-color', 'no colours')
    .action(async (playbook: string, flags: StatusFlags) => {
      process.exitCode = await statusCommand(playbook, flags, systemWorld());
    });
}

function interval(text: string): number {
  const everyMs = parseDuration(text);
  if (everyMs === undefined || everyMs < 100)
    throw new InvalidArgumentError(`wanted a duration of 100ms or more such as 5s, got ${text}.`);
  return everyMs;
}

/** `status --watch prod.yaml`: a playbook is no interval, wherever it stands. */
export function withWatchLast(words: readonly string[]): string[] {
  const end = words.includes('--') ? words.indexOf('--') : words.length;
  const at = words[0] === 'status' ? words.findIndex((word) => word === '--watch' || word === '-w') : -1;
  const next = words[at + 1] ?? '';
  if (at === -1 || at + 1 >= end || !/\/|\.ya?ml$/.test(next)) return [...words];
  return [...words.slice(0, at), ...words.slice(at + 1, end), words[at] ?? '', ...words.slice(end)];
}

async function statusCommand(playbook: string, flags: StatusFlags, world: World): Promise<number> {
  const { openStatus } = await import('../api/status.ts');
  const { readingHooks } = await import('./reading.ts');
  const reader = await openStatus(playbook, { ...flags, ...readingHooks(world) });
  try {
    const status = flags.watch === undefined ? await lookOnce(reader, flags, world) : await watch(reader, flags, world);
    return flags.exitCode && status?.asWanted === false ? exitCodes.changes : exitCodes.done;
  } finally {
    await reader.close();
  }
}

async function lookOnce(reader: StatusReader, flags: StatusFlags, world: World): Promise<FleetStatus> {
  const { guardedWriter } = await import('../render/output.ts');
  const status = await reader.look();
  // Sanitised piece by piece, before our own colours came into it.
  guardedWriter(world.stdout)(`${await textOf(status, reader, flags, world)}\n`);
  return status;
}

/** What a look shows, without what must not be shown. */
async function textOf(status: FleetStatus, reader: StatusReader, flags: StatusFlags, world: World): Promise<string> {
  const { printableJson } = await import('../render/output.ts');
  if (flags.output === 'json') return reader.redact(printableJson(status));
  const { createPainter } = await import('../render/paint.ts');
  const { formatStatus } = await import('../render/status-text.ts');
  const { hasColor } = await import('./reading.ts');
  return reader.redact(formatStatus(status, createPainter(hasColor(flags, world))));
}

/** Until a signal. @returns the last look */
async function watch(reader: StatusReader, flags: StatusFlags, world: World): Promise<FleetStatus | undefined> {
  const { createScreen, fitScreen } = await import('../render/screen.ts');
  const { sizeOf } = await import('../render/output.ts');
  const { stdout, clock } = world;
  const isLive = flags.output === 'plain' && stdout.isTTY && world.env['TERM'] !== 'dumb';
  const everyMs = flags.watch === true || flags.watch === undefined ? defaultWatchMs : flags.watch;
  const ended = new AbortController();
  const giveBack = takeSignals(() => ended.abort(new Error('ended by a signal')));
  const screen = createScreen(stdout);
  let status: FleetStatus | undefined;
  try {
    while (!ended.signal.aborted) {
      if (isLive) {
        status = await reader.look();
        const lines = (await textOf(status, reader, flags, world)).split('\n');
        const at = new Date(status.atMs).toISOString().slice(11, 19);
        const head = [`${at} UTC, every ${everyMs / 1000} s, Ctrl-C ends it`, ''];
        screen.draw([], fitScreen([...head, ...lines], stdout), sizeOf(stdout));
      } else status = await lookOnce(reader, flags, world);
      await clock.sleep(everyMs, ended.signal).catch(() => undefined);
    }
  } finally {
    screen.restore();
    giveBack();
  }
  return status;
}
