import { InvalidArgumentError, type Command } from 'commander';
import type { ConnectionOptions, PlaybookOptions } from '../api/options.ts';
import { parseDuration } from '../model/duration.ts';
import { addConnectionOptions, addFormOption, addPlaybookOptions } from './options.ts';
import { systemWorld, type World } from './world.ts';

interface ExecFlags extends PlaybookOptions, Omit<ConnectionOptions, 'lockTimeout'> {
  readonly output: 'plain' | 'json';
  readonly color: boolean;
  readonly service?: string;
  /** Milliseconds. */
  readonly timeout: number;
}

export function registerExec(program: Command): void {
  const command = program
    .command('exec')
    .argument('<playbook>', 'the playbook whose hosts are meant')
    .argument('<pattern>', 'which of them, as in --limit; all is every one')
    .argument('<command...>', 'what to run, after --; one word with blanks is a line for the shell')
    .passThroughOptions();
  addFormOption(addConnectionOptions(addPlaybookOptions(command)), 'text, or one JSON object a host')
    .description('run a command on hosts, or in the containers of a service; equal outputs are shown once')
    .option('-s, --service <service>', "in this service's container")
    .option('--timeout <duration>', 'for the command on each host', duration, 60_000)
    .option('--no-color', 'no colours')
    .action(async (playbook: string, pattern: string, given: readonly string[], flags: ExecFlags) => {
      const words = given[0] === '--' ? given.slice(1) : given;
      if (words.length === 0) command.error('error: what is to be run? give it after --');
      process.exitCode = await execCommand(playbook, pattern, words, flags, systemWorld());
    });
}

function duration(text: string): number {
  const durationMs = parseDuration(text);
  if (durationMs === undefined || durationMs < 1000)
    throw new InvalidArgumentError(`wanted a duration of 1s or more such as 30s, got ${text}.`);
  return durationMs;
}

/** @returns the worst exit code of all hosts */
async function execCommand(
  playbook: string,
  pattern: string,
  command: readonly string[],
  flags: ExecFlags,
  world: World,
): Promise<number> {
  const { execute, worstExitCode } = await import('../api/exec.ts');
  const { readingHooks, hasColor } = await import('./reading.ts');
  const { guardedWriter, printableJson } = await import('../render/output.ts');
  const { createPainter } = await import('../render/paint.ts');
  const { formatOutcomes } = await import('../render/exec-text.ts');
  const { timeout: timeoutMs, limit, ...others } = flags;
  const outcomes = await execute(playbook, {
    ...others,
    ...readingHooks(world),
    limit: limit === undefined ? pattern : `${pattern}:&${limit}`,
    command,
    timeoutMs,
  });
  const text =
    flags.output === 'json'
      ? outcomes.map((outcome) => `${printableJson(outcome)}\n`).join('')
      : formatOutcomes(outcomes, createPainter(hasColor(flags, world)));
  guardedWriter(world.stdout)(text);
  return worstExitCode(outcomes);
}
