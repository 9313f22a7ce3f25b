import { once } from 'node:events';
import { InvalidArgumentError, type Command } from 'commander';
import type { ConnectionOptions, PlaybookOptions } from '../api/options.ts';
import { takeSignals } from '../boot/early-signals.ts';
import { groupAlike } from '../model/alike.ts';
import { parseDuration } from '../model/duration.ts';
import { addConnectionOptions, addFormOption, addPlaybookOptions, count } from './options.ts';
import { systemWorld, type World } from './world.ts';

interface LogsFlags extends PlaybookOptions, Omit<ConnectionOptions, 'lockTimeout'> {
  readonly output: 'plain' | 'json';
  readonly color: boolean;
  readonly follow: boolean;
  readonly timestamps: boolean;
  readonly since?: string;
  readonly until?: string;
  readonly tail?: number;
  readonly grep?: RegExp;
}

export function registerLogs(program: Command): void {
  const command = program
    .command('logs')
    .argument('<playbook>', 'the playbook whose services are heard')
    .argument('[services...]', 'only these services');
  addFormOption(addConnectionOptions(addPlaybookOptions(command), '--forks <n>'), 'text, or one JSON object a line')
    .description('the logs of all hosts, interleaved by time; changes nothing')
    .option('-f, --follow', 'go on with what comes, through restarts and lost connections, until Ctrl-C', false)
    .option('--since <time>', 'from then on: a duration ago such as 10m, or a time', moment)
    .option('--until <time>', 'up to then, as --since', moment)
    .option(
      '--tail <n>',
      'the last so many lines of each container, instead of all; 0 with -f: only what comes',
      countOrNone,
    )
    .option('--grep <regex>', 'only lines in which this JavaScript regular expression is found', regex)
    .option('--timestamps', 'the time of every line', false)
    .option('--no-color', 'no colours')
    .action(async (playbook: string, services: readonly string[], flags: LogsFlags) => {
      process.exitCode = await logsCommand(playbook, services, flags, systemWorld());
    });
}

/** As hosts come in the plays: they answer in any order. */
function inOrder<Trouble extends { readonly host: string; readonly text: string }>(
  troubles: readonly Trouble[],
  hosts: readonly string[],
): readonly Trouble[] {
  return troubles.toSorted(
    (a, b) => hosts.indexOf(a.host) - hosts.indexOf(b.host) || (a.text < b.text ? -1 : a.text > b.text ? 1 : 0),
  );
}

/** A whole number, 0 or more. */
function countOrNone(text: string): number {
  return text.trim() === '0' ? 0 : count(text);
}

/** In docker's form. */
/** A line, and what to do about it below. */
const indented = (text: string): string => `${text.replaceAll('\n', '\n    ')}\n`;

function moment(text: string): string {
  const durationMs = parseDuration(text);
  if (durationMs !== undefined) return `${Math.round(durationMs)}ms`;
  if (/^\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?$/.test(text) && !Number.isNaN(Date.parse(text))) return text;
  if (/^\d{9,}(?:\.\d+)?$/.test(text)) return text;
  throw new InvalidArgumentError(`wanted a duration such as 10m or a time such as 2026-11-27T13:00:00Z, got ${text}.`);
}

function regex(text: string): RegExp {
  try {
    return new RegExp(text, 'u');
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

async function logsCommand(
  playbook: string,
  services: readonly string[],
  flags: LogsFlags,
  world: World,
): Promise<number> {
  const { readLogs } = await import('../api/logs.ts');
  const { readingHooks, hasColor } = await import('./reading.ts');
  const { guardedWriter, printableJson, textWriter } = await import('../render/output.ts');
  const { createPainter } = await import('../render/paint.ts');
  const { formatHosts } = await import('../render/host-list.ts');
  const { LogLines } = await import('../render/log-lines.ts');
  const ended = new AbortController();
  const giveBack = takeSignals(() => ended.abort(new Error('ended by a signal')));
  // Nobody reads any more, as with `| head`.
  world.stdout.on('error', () => ended.abort(new Error('the reader is gone')));
  const { follow, since, until, tail, grep } = flags;
  const lines = new LogLines(createPainter(hasColor(flags, world)), flags.timestamps);
  const print = guardedWriter(world.stdout);
  const note = textWriter(world.stderr);
  let hosts: readonly string[] = [];
  const troubles: { readonly host: string; readonly text: string }[] = [];
  try {
    return await readLogs(playbook, {
      ...flags,
      ...readingHooks(world),
      services,
      range: {
        follow,
        ...(since === undefined ? {} : { since }),
        ...(until === undefined ? {} : { until }),
        ...(tail === undefined ? {} : { tail }),
      },
      signal: ended.signal,
      // For a reader that is slow, or has stopped, nothing gathers here.
      room: async () => {
        if (world.stdout.writableNeedDrain) await once(world.stdout, 'drain', ended).catch(() => undefined);
      },
      onSources: (sources) => {
        lines.expect(sources);
        hosts = sources.map(({ host }) => host);
      },
      onLine: (line) => {
        if (grep?.test(line.text) === false) return;
        print(flags.output === 'json' ? `${printableJson(line)}\n` : lines.format(line));
      },
      // While it goes on at once; else behind the lines, where it is seen, and once for all hosts.
      onTrouble: (host, message) => {
        if (follow) note(indented(`${host}: ${message}`));
        else troubles.push({ host, text: message });
      },
    });
  } finally {
    giveBack();
    note(groupAlike(inOrder(troubles, hosts), formatHosts).map(indented).join(''));
  }
}
