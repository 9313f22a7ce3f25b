import { InvalidArgumentError, Option, type Command } from 'commander';
import { defaultOptions } from '../api/options.ts';
import type { TimingOptions } from '../api/timing.ts';
import { RunRefused } from '../engine/context.ts';
import { exitCodes } from '../events/exit-code.ts';
import { parseDuration } from '../model/duration.ts';

/** Flags of every command that shows a run. */
export interface OutputOptions extends RecordFlags {
  readonly output: 'auto' | 'tty' | 'plain' | 'json';
  readonly color: boolean;
  readonly verbose: number;
  /** Only what goes wrong, and one line at the end. */
  readonly quiet?: boolean;
}

/** What is kept of a run when it has ended, beside its journal. */
export interface RecordFlags {
  /** A self-contained HTML page. */
  readonly report?: string;
  /** Test results, for CI systems. */
  readonly junit?: string;
  /** For Prometheus' textfile collector. */
  readonly metrics?: string;
  /** An OpenTelemetry collector's address. */
  readonly otlp?: string;
}

export function addPlaybookOptions(command: Command): Command {
  addExtraVarsOption(addInventoryOption(command))
    .option('-l, --limit <pattern>', 'only these hosts of the inventory')
    .option('-c, --composition <file>', "the release's components, instead of the playbook's")
    .option('-t, --tags <tags>', 'only services and tasks with these tags', collectList, [])
    .option('--skip-tags <tags>', 'no services and tasks with these tags', collectList, [])
    .option('-u, --user <name>', 'connect as this user')
    .option('--private-key <file>', 'authenticate with this key')
    .option('-b, --become', 'run commands with sudo', false);
  return addVaultOptions(command);
}

export function addInventoryOption(
  command: Command,
  description = 'inventory file, folder, script or comma list (repeatable)',
): Command {
  return command.option('-i, --inventory <source>', description, collect, []);
}

export function addExtraVarsOption(command: Command): Command {
  const description = 'k=v, JSON, or @FILE (repeatable); wins over every other variable';
  return command.option('-e, --extra-vars <vars>', description, collect, []);
}

export function addVaultOptions(command: Command): Command {
  return command
    .option('--vault-password-file <file>', 'the password of vaulted values')
    .option('--ask-vault-pass', 'ask for the password of vaulted values', false);
}

/** `forks`: how that flag is written, where `-f` means something else. */
export function addConnectionOptions(command: Command, forks = '-f, --forks <n>'): Command {
  return command
    .option(forks, 'hosts worked on at once before the rollout', count, defaultOptions.forks)
    .option(
      '--accept-new',
      'trust the keys of hosts that known_hosts does not know; a changed key is refused all the same',
      false,
    );
}

export function addPushOption(command: Command): Command {
  return command.option(
    '--push <image>',
    'send this image from the docker here, or IMAGE=FILE from an archive (repeatable); hosts need no registry',
    collect,
    [],
  );
}

export function addLockOption(command: Command): Command {
  return command.option('--lock-timeout <duration>', 'wait for another run on the same hosts', duration, 0);
}

export function addOutputOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--output <form>', 'how to show it').choices(['auto', 'tty', 'plain', 'json']).default('auto'),
    )
    .option('--no-color', 'no colours')
    .option('-q, --quiet', 'only what goes wrong, and one line at the end', false)
    .option('-v, --verbose', 'say more; -vvv for every command', (_: string, times: number) => times + 1, 0);
}

/** For commands that print data, not a run. */
export function addFormOption(command: Command, description = 'text, or JSON'): Command {
  return command.addOption(new Option('--output <form>', description).choices(['plain', 'json']).default('plain'));
}

/** What a run leaves out of what its playbook asks for, and why; and what a scheduler starts it by. */
export interface ExceptionFlags {
  /** False: no bake. */
  readonly bake: boolean;
  readonly ignoreWindow: boolean;
  readonly reason?: string;
  readonly scheduled?: string;
  readonly timezone?: string;
}

export function addExceptionOptions(command: Command): Command {
  return command
    .option('--no-bake', 'no bake after the canary, stages and zones; needs --reason')
    .option('--ignore-window', 'run outside the window and in a freeze; needs --reason', false)
    .option('--reason <text>', 'why, for the journal')
    .option('--scheduled <cron>', 'started by this schedule: a run that it has missed does not start, see misfire')
    .option('--timezone <name>', "of --scheduled; that of the playbook's window by default, or the machine's");
}

/** Flags as a run is opened with them. @throws RunRefused for a reason of nothing, or a flag that has lost its other half */
export function withExceptions<Flags extends ExceptionFlags>(
  flags: Flags,
): Omit<Flags, keyof ExceptionFlags> & { readonly noBake?: { readonly reason: string } } & TimingOptions {
  const { bake, ignoreWindow, reason, scheduled, timezone, ...others } = flags;
  if (bake && !ignoreWindow && reason !== undefined)
    throw new RunRefused(exitCodes.usage, '--reason says why: it goes with --no-bake or --ignore-window');
  if (scheduled === undefined && timezone !== undefined)
    throw new RunRefused(exitCodes.usage, '--timezone is that of a schedule: it goes with --scheduled');
  const why = { reason: reason ?? '' };
  return {
    ...others,
    ...(bake ? {} : { noBake: why }),
    ...(ignoreWindow ? { ignoreWindow: why } : {}),
    ...(scheduled === undefined
      ? {}
      : { scheduled: { cron: scheduled, ...(timezone === undefined ? {} : { timezone }) } }),
  };
}

export function addRecordOptions(command: Command): Command {
  return command
    .option('--report <file>', 'write a self-contained HTML page about the run')
    .option('--junit <file>', 'write the run as JUnit test results; also --output junit FILE')
    .option('--metrics <file>', "write metrics for Prometheus' textfile collector")
    .option('--otlp <url>', 'send the run as a trace to an OpenTelemetry collector');
}

/** Milliseconds of a duration such as `30s`. */
export function duration(text: string): number {
  const durationMs = parseDuration(text);
  if (durationMs === undefined) throw new InvalidArgumentError(`wanted a duration such as 30s, got ${text}.`);
  return durationMs;
}

/** A whole number, 1 or more. */
export function count(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text.trim()) || value < 1) throw new InvalidArgumentError(`wanted a number from 1, got ${text}.`);
  return value;
}

export const collect = (value: string, list: readonly string[]): readonly string[] => [...list, value];
const collectList = (value: string, list: readonly string[]): readonly string[] => [
  ...list,
  ...value
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== ''),
];
