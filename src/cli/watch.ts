import { InvalidArgumentError, type Command } from 'commander';
import type { ConnectionOptions, PlaybookOptions } from '../api/options.ts';
import { takeSignals } from '../boot/early-signals.ts';
import { parseDuration } from '../model/duration.ts';
import { addConnectionOptions, addFormOption, addLockOption, addPlaybookOptions, duration } from './options.ts';
import { systemWorld, type World } from './world.ts';

interface WatchFlags extends PlaybookOptions, ConnectionOptions {
  readonly output: 'plain' | 'json';
  readonly verbose: number;
  readonly every: number;
  readonly once: boolean;
  readonly minAge: number;
  readonly metrics?: string;
}

/** `rollout watch PLAYBOOK`. */
export function registerWatch(program: Command): void {
  const command = program.command('watch').argument('<playbook>', 'the playbook whose tags are watched');
  addLockOption(addConnectionOptions(addPlaybookOptions(command)));
  addFormOption(command, 'lines, or one JSON object a line')
    .description('rolls out when a tag in use gets a new image')
    .option('--every <duration>', 'between two looks', every, 60_000)
    .option('--once', 'one look, for cron', false)
    .option('--min-age <duration>', 'roll out an image only when it is so old', duration, 0)
    .option('--metrics <file>', "write metrics for Prometheus' textfile collector, after each look and each run")
    .option('-v, --verbose', 'say more of the runs; -vvv for every command', (_: string, times: number) => times + 1, 0)
    .action(async (playbook: string, flags: WatchFlags) => {
      process.exitCode = await watchCommand(playbook, flags, systemWorld());
    });
}

function every(text: string): number {
  const everyMs = parseDuration(text) ?? 0;
  if (everyMs < 1000) throw new InvalidArgumentError(`wanted a duration from 1s, such as 60s; got ${text}.`);
  return everyMs;
}

async function watchCommand(playbook: string, flags: WatchFlags, world: World): Promise<number> {
  const { watchPlaybook } = await import('../api/watch/watcher.ts');
  const { perform } = await import('./perform.ts');
  const { readingHooks } = await import('./reading.ts');
  const { MetricsFile } = await import('./watch-metrics.ts');
  const { guardedWriter, printableJson, textWriter } = await import('../render/output.ts');
  const { formatWatchEvent } = await import('../render/watch-text.ts');
  const stopped = new AbortController();
  const giveBack = takeSignals((signal) => stopped.abort(new Error(signal)));
  const printJson = guardedWriter(world.stdout);
  const printText = textWriter(world.stdout);
  const shown = { output: flags.output, color: false, verbose: flags.verbose };
  const file = flags.metrics === undefined ? undefined : new MetricsFile(playbook, flags.metrics, world);
  try {
    return await watchPlaybook(playbook, {
      ...flags,
      ...readingHooks(world),
      everyMs: flags.once ? undefined : flags.every,
      minAgeMs: flags.minAge,
      signal: stopped.signal,
      onWatchEvent: (event) => {
        if (flags.output === 'json') printJson(`${printableJson(event)}\n`);
        else printText(formatWatchEvent(event));
        file?.note(event);
      },
      onLook: (atMs, isGood) => file?.noteLook(atMs, isGood),
      roll: (open) => perform((hooks) => open(file?.hearing(hooks) ?? hooks), shown, world),
    });
  } finally {
    await file?.written;
    giveBack();
  }
}
