import type { Command } from 'commander';
import { addHostOptions, deskOf, type RegistryFlags } from './options.ts';

interface WhereFlags extends RegistryFlags {
  readonly hosts?: string;
}

export function registerWhere(group: Command): void {
  const command = group
    .command('where')
    .argument('<file>', 'the composition')
    .description('which runs brought it where, when and by whom; with --hosts, what each host runs of it now')
    .option('--hosts <playbook>', 'ask the hosts of this playbook; changes nothing');
  addHostOptions(command).action(async (file: string, flags: WhereFlags) => {
    const { whereComposition } = await import('../../api/composition/where.ts');
    const { formatHosts, table } = await import('../../composition/text.ts');
    const { summariseRun } = await import('../../render/history-text.ts');
    const { access, show } = deskOf(flags);
    const { file: read, runs, hosts } = await whereComposition(file, { ...access, hosts: flags.hosts });
    const rows = runs.map((ends) => {
      const { run, startedAtMs = 0, command: did = 'run', playbook = '-', user = '-', outcome } = summariseRun(ends);
      const started = new Date(startedAtMs).toISOString().slice(0, 19).replace('T', ' ');
      return [run, started, user, did, playbook, outcome?.replaceAll('_', ' ') ?? 'no end yet'];
    });
    const table0 = rows.length === 0 ? 'No run of this folder deployed it.' : table([headRow, ...rows]);
    const data = {
      name: read.composition.name,
      runs: runs.map((ends) => ({ ...summariseRun(ends), hosts: ends.finished?.hosts ?? {} })),
      ...(hosts === undefined ? {} : { hosts }),
    };
    show(data, hosts === undefined ? table0 : `${table0}\n\n${formatHosts(hosts)}`);
  });
}

const headRow = ['run', 'started (UTC)', 'by', 'command', 'playbook', 'outcome'];
