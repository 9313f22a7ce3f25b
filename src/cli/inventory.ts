import { printableJson } from '../render/output.ts';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { ListingAction, ListingOptions } from '../config/inventory/command.ts';
import { exitCodes } from '../events/exit-code.ts';
import { ConfigError } from '../model/problem.ts';
import { formatProblems, problemToJson } from '../render/problems.ts';
import { addExtraVarsOption, addFormOption, addInventoryOption, addVaultOptions } from './options.ts';
import { askVaultPassword, textIo, type TextIo, type TextWorld } from './text-world.ts';

interface InventoryFlags {
  readonly inventory: readonly string[];
  readonly list: boolean;
  readonly graph: boolean | string;
  readonly vars: boolean;
  readonly host?: string;
  readonly hosts?: string;
  readonly limit?: string;
  readonly extraVars: readonly string[];
  readonly playbookDir?: string;
  readonly vaultPasswordFile?: string;
  readonly askVaultPass: boolean;
  readonly output: 'plain' | 'json';
}

export function registerInventory(program: Command, world?: TextWorld): void {
  const command = program
    .command('inventory')
    .description('what an inventory says, as ansible-inventory prints it')
    .option('--list', 'every group, and the variables of every host, as JSON', false)
    .option('--graph [group]', 'groups and hosts as a tree', false)
    .option('--vars', 'with --graph: variables too', false)
    .option('--host <host>', 'the variables of one host, as JSON')
    .option('--hosts <pattern>', 'the hosts that a pattern selects')
    .option('-l, --limit <pattern>', 'with --hosts: only these')
    .option('--playbook-dir <folder>', 'read group_vars and host_vars of this folder too');
  addVaultOptions(addExtraVarsOption(addInventoryOption(command)));
  addFormOption(command, 'how problems are shown').action(async (flags: InventoryFlags) => {
    process.exitCode = await inventoryCommand(flags, textIo(world));
  });
}

/** Prints what was asked for; resolves to the exit code. */
async function inventoryCommand(flags: InventoryFlags, { print, note, cwd, env }: TextIo): Promise<number> {
  if (flags.inventory.length === 0) {
    note('rollout: which inventory? give it with -i FILE\n');
    return exitCodes.usage;
  }
  const actions = actionsOf(flags);
  const [action] = actions;
  if (action === undefined || actions.length > 1) {
    note('rollout: give one of --list, --graph, --host HOST and --hosts PATTERN\n');
    return 2;
  }
  const options: ListingOptions = {
    sources: flags.inventory,
    extraVars: flags.extraVars,
    playbookFolder: flags.playbookDir === undefined ? undefined : resolve(cwd, flags.playbookDir),
    vaultPasswordFile: flags.vaultPasswordFile,
    askVaultPass: flags.askVaultPass ? askVaultPassword : undefined,
    cwd,
    env,
  };
  try {
    const { listing } = await import('../config/inventory/command.ts');
    const { text, warnings } = await listing(action, options);
    if (warnings.length > 0) note(warnings.map(({ file, message }) => `warning: ${file}: ${message}\n`).join(''));
    // A pattern that matches no host prints nothing: the warning has said so.
    if (text !== '') print(`${text}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (flags.output === 'json') print(`${printableJson(error.problems.map(problemToJson), 2)}\n`);
    else note(formatProblems(error.problems));
    return 2;
  }
}

function actionsOf({ list, graph, vars, host, hosts, limit }: InventoryFlags): ListingAction[] {
  return [
    ...(list ? [{ kind: 'list' } as const] : []),
    ...(graph === false ? [] : [{ kind: 'graph', group: graph === true ? 'all' : graph, vars } as const]),
    ...(host === undefined ? [] : [{ kind: 'host', host } as const]),
    ...(hosts === undefined ? [] : [{ kind: 'hosts', pattern: hosts, limit } as const]),
  ];
}
