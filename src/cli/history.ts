import type { Command } from 'commander';
import type { ConnectionOptions, PlaybookOptions } from '../api/options.ts';
import { journalDir } from '../store/journal.ts';
import { listRuns } from '../store/runs.ts';
import { formatHistory, summariseRun } from '../render/history-text.ts';
import { printableJson, textWriter, type OutputStream } from '../render/output.ts';
import {
  addConnectionOptions,
  addExtraVarsOption,
  addFormOption,
  addInventoryOption,
  addVaultOptions,
  count,
} from './options.ts';
import { systemWorld, type World } from './world.ts';

/** Where journals are, and where to print. */
export interface JournalWorld extends Pick<World, 'env' | 'cwd'> {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
}

type HostFlags = Pick<
  PlaybookOptions,
  'inventory' | 'composition' | 'extraVars' | 'vaultPasswordFile' | 'askVaultPass'
> &
  Pick<ConnectionOptions, 'forks' | 'acceptNew'>;

interface HistoryFlags extends HostFlags {
  readonly limit: number;
  readonly output: 'plain' | 'json';
  readonly fromHosts?: string;
}

export function registerHistory(program: Command, world?: JournalWorld): void {
  const command = program
    .command('history')
    .description('list the runs of this working folder, or those that hosts remember, newest first')
    .option('-n, --limit <count>', 'at most so many', count, 20)
    .option('--from-hosts <playbook>', 'what the hosts of this playbook remember, whoever started it and wherever')
    .option('-c, --composition <file>', "a composition for the playbook's images, where it needs one to be read");
  addConnectionOptions(addVaultOptions(addExtraVarsOption(addInventoryOption(command))));
  addFormOption(command, 'a table, or one JSON object a line').action(async (flags: HistoryFlags) => {
    const { env, cwd, stdout } = world ?? systemWorld();
    const print = textWriter(stdout);
    const { limit, output, fromHosts } = flags;
    if (fromHosts !== undefined) {
      await showHistoryOfHosts(fromHosts, flags);
      return;
    }
    const runs = (await listRuns(journalDir(env, cwd), limit)).map(summariseRun);
    if (output === 'json') print(runs.map((run) => `${printableJson(run)}\n`).join(''));
    else print(`${formatHistory(runs)}\n`);
  });
}

async function showHistoryOfHosts(playbook: string, flags: HistoryFlags): Promise<void> {
  const { historyOfHosts } = await import('../api/host-history.ts');
  const { formatHostHistory } = await import('../render/host-history.ts');
  const { deskOf } = await import('./composition/options.ts');
  const { access, print, note } = deskOf(flags);
  const { limit, output, inventory, composition, extraVars, vaultPasswordFile, askVaultPass, forks, acceptNew } = flags;
  const files = {
    ...(vaultPasswordFile === undefined ? {} : { vaultPasswordFile }),
    ...(composition === undefined ? {} : { composition }),
  };
  // The count of this command is no pattern of hosts.
  const { limit: _, ...reached } = { ...access, inventory, extraVars, askVaultPass, forks, acceptNew, ...files };
  const { runs, troubles } = await historyOfHosts(playbook, reached, limit);
  for (const trouble of troubles) note(`not asked: ${trouble}\n`);
  if (output === 'json') print(runs.map((run) => `${printableJson(run)}\n`).join(''));
  else print(`${formatHostHistory(runs)}\n`);
}
