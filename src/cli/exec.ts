import { InvalidArgumentError, type Command } from 'commander';
import type { ExecOptions } from '../api/exec.ts';
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
  readonly interactive: boolean;
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
    .option(
      '--interactive',
      'also -it: at this terminal, on one host or in one container; a shell, an editor, a debugger',
      false,
    )
    .option('--no-color', 'no colours')
    .action(async (playbook: string, pattern: string, given: readonly string[], flags: ExecFlags) => {
      // As of a variable that is not set: all hosts may be the last that was meant.
      if (pattern.trim() === '') command.error('error: which hosts? the pattern is empty; all is every one');
      const words = given[0] === '--' ? given.slice(1) : given;
      if (words.length === 0) command.error('error: what is to be run? give it after --');
      if (given[0]?.startsWith('-') === true && given[0] !== '--') {
        const end = given.indexOf('--');
        const misplaced = (end === -1 ? given.slice(0, 1) : given.slice(0, end)).join(' ');
        command.error(
          `error: flags stand before the playbook: rollout exec ${misplaced.replace('--interactive', '-it')} ${playbook} ${pattern} -- COMMAND`,
        );
      }
      if (flags.interactive && flags.output === 'json')
        command.error(
          'error: a terminal shows what the command prints: --output json does not go with --interactive (-it)',
        );
      if (flags.interactive && command.getOptionValueSource('timeout') === 'cli')
        command.error(
          'error: at a terminal a command ends when you end it: --timeout does not go with --interactive (-it)',
        );
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
  const { timeout: timeoutMs, interactive, ...others } = flags;
  const options = { ...others, pattern, command, timeoutMs };
  if (interactive) return execHere(playbook, options, world);
  const { execute, worstExitCode } = await import('../api/exec.ts');
  const { readingHooks, hasColor } = await import('./reading.ts');
  const { guardedWriter, printableJson } = await import('../render/output.ts');
  const { createPainter } = await import('../render/paint.ts');
  const { formatOutcomes } = await import('../render/exec-text.ts');
  const outcomes = await execute(playbook, { ...options, ...readingHooks(world) });
  const text =
    flags.output === 'json'
      ? outcomes.map((outcome) => `${printableJson(outcome)}\n`).join('')
      : formatOutcomes(outcomes, createPainter(hasColor(flags, world)));
  guardedWriter(world.stdout)(text);
  return worstExitCode(outcomes);
}

/** @returns the command's exit code */
async function execHere(playbook: string, options: ExecOptions, world: World): Promise<number> {
  const { executeAtTerminal } = await import('../api/exec.ts');
  const { lendTerminal } = await import('./terminal.ts');
  const { readingHooks } = await import('./reading.ts');
  return lendTerminal(world, (terminal) =>
    executeAtTerminal(playbook, { ...options, ...readingHooks(world) }, terminal),
  );
}

/** `exec -it` is `exec --interactive`, as docker has it; everywhere else `-i` is the inventory. */
export function withInteractive(words: readonly string[]): string[] {
  const at = words[0] === 'exec' ? words.findIndex((word) => word === '-it' || word === '-ti') : -1;
  const end = words.indexOf('--');
  if (at === -1 || (end !== -1 && end < at)) return [...words];
  return [...words.slice(0, at), '--interactive', ...words.slice(at + 1)];
}
