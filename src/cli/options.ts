import { InvalidArgumentError, Option, type Command } from 'commander';
import { parseDuration } from '../model/duration.ts';

/** Flags of every command that reads a playbook; Ansible's names where Ansible has one. */
export interface PlaybookOptions {
  readonly inventory: readonly string[];
  readonly limit?: string;
  readonly extraVars: readonly string[];
  readonly composition?: string;
  readonly tags: readonly string[];
  readonly skipTags: readonly string[];
  readonly user?: string;
  readonly privateKey?: string;
  readonly become: boolean;
  readonly vaultPasswordFile?: string;
  readonly askVaultPass: boolean;
}

/** Only what decides what a run does, of options that hold more; not `-e`, whose values may be passwords. */
export function playbookOptionsOf(options: PlaybookOptions): Omit<PlaybookOptions, 'extraVars'> {
  const { inventory, limit, composition, tags, skipTags, user, privateKey, become, vaultPasswordFile, askVaultPass } =
    options;
  return {
    inventory,
    tags,
    skipTags,
    become,
    askVaultPass,
    ...(limit === undefined ? {} : { limit }),
    ...(composition === undefined ? {} : { composition }),
    ...(user === undefined ? {} : { user }),
    ...(privateKey === undefined ? {} : { privateKey }),
    ...(vaultPasswordFile === undefined ? {} : { vaultPasswordFile }),
  };
}

/** Flags of every command that connects. */
export interface ConnectionOptions {
  readonly forks: number;
  readonly acceptNew: boolean;
}

/** Flags of every command that shows a run. */
export interface OutputOptions {
  readonly output: 'auto' | 'tty' | 'plain' | 'json';
  readonly color: boolean;
  readonly verbose: number;
  /** Where to write the HTML report when the run has ended. */
  readonly report?: string;
}

export function addPlaybookOptions(command: Command): Command {
  return addExtraVarsOption(command)
    .option('-i, --inventory <source>', 'inventory file, folder, script or comma list (repeatable)', collect, [])
    .option('-l, --limit <pattern>', 'only these hosts of the inventory')
    .option('-c, --composition <file>', "the release's components, instead of the playbook's")
    .option('-t, --tags <tags>', 'only services and tasks with these tags', collectList, [])
    .option('--skip-tags <tags>', 'no services and tasks with these tags', collectList, [])
    .option('-u, --user <name>', 'connect as this user')
    .option('--private-key <file>', 'authenticate with this key')
    .option('-b, --become', 'run commands with sudo', false)
    .option('--vault-password-file <file>', 'the password of vaulted values')
    .option('--ask-vault-pass', 'ask for the password of vaulted values', false);
}

export function addExtraVarsOption(command: Command): Command {
  const description = 'k=v, JSON, or @FILE (repeatable); wins over every other variable';
  return command.option('-e, --extra-vars <vars>', description, collect, []);
}

export function addConnectionOptions(command: Command): Command {
  return command
    .option('-f, --forks <n>', 'hosts worked on at once before the rollout', positiveInteger, 50)
    .option(
      '--accept-new',
      'trust the keys of hosts that known_hosts does not know; a changed key is refused all the same',
      false,
    );
}

export function addOutputOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--output <form>', 'how to show it').choices(['auto', 'tty', 'plain', 'json']).default('auto'),
    )
    .option('--no-color', 'no colours')
    .option('-v, --verbose', 'say more; -vvv for every command', (_: string, count: number) => count + 1, 0);
}

export function addReportOption(command: Command): Command {
  return command.option('--report <file>', 'write a self-contained HTML page about the run');
}

export function duration(text: string): number {
  const durationMs = parseDuration(text);
  if (durationMs === undefined) throw new InvalidArgumentError(`wanted a duration such as 30s, got ${text}.`);
  return durationMs;
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError(`wanted a number from 1, got ${text}.`);
  return value;
}

const collect = (value: string, list: readonly string[]): readonly string[] => [...list, value];
const collectList = (value: string, list: readonly string[]): readonly string[] => [
  ...list,
  ...value
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== ''),
];
