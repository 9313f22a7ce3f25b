import type { Command } from 'commander';
import { addFormOption } from '../options.ts';
import { deskOf } from './options.ts';

export function registerList(group: Command): void {
  const command = group
    .command('list')
    .argument('[folder]', 'where they lie', 'compositions')
    .description('the compositions of a folder, newest first, and when each was deployed last from here');
  addFormOption(command).action(async (folder: string, flags: { output: 'plain' | 'json' }) => {
    const { listCompositions } = await import('../../api/composition/list.ts');
    const { compositionToJson } = await import('../../composition/json.ts');
    const { table } = await import('../../composition/text.ts');
    const { summariseRun } = await import('../../render/history-text.ts');
    const { access, show, note } = deskOf(flags);
    const { compositions, notes } = await listCompositions(folder, access);
    for (const text of notes) note(`warning: ${text}\n`);
    const rows = compositions.map(({ composition, isLocked, runs: [last] }) => {
      const run = last === undefined ? undefined : summariseRun(last);
      return [
        composition.name,
        composition.created ?? '-',
        composition.from ?? '-',
        isLocked ? 'locked' : 'not locked',
        `${composition.components.size}`,
        run === undefined
          ? '-'
          : `${run.playbook ?? '-'}: ${run.outcome?.replaceAll('_', ' ') ?? 'no end yet'} (${run.run})`,
      ];
    });
    const data = compositions.map(({ composition, runs: [last] }) => ({
      ...compositionToJson(composition),
      ...(last === undefined ? {} : { lastRun: summariseRun(last) }),
    }));
    const head = ['composition', 'created', 'from', 'digests', 'components', 'last deployed'];
    show(data, rows.length === 0 ? 'No compositions yet.' : table([head, ...rows]));
  });
}
