import type { Command } from 'commander';
import { addFormOption } from '../options.ts';
import { deskOf } from './options.ts';

export function registerShow(group: Command): void {
  const command = group
    .command('show')
    .argument('<file>', 'the composition')
    .description('what it says: its components with their images, and where it came from');
  addFormOption(command).action(async (written: string, flags: { output: 'plain' | 'json' }) => {
    const { readFile } = await import('../../api/composition/files.ts');
    const { compositionToJson } = await import('../../composition/json.ts');
    const { formatComponents, table } = await import('../../composition/text.ts');
    const { unlockedOf } = await import('../../composition/diff.ts');
    const { access, show } = deskOf(flags);
    const { composition } = readFile(written, access);
    const { name, from, created, source, components } = composition;
    const unlocked = unlockedOf(components);
    const head = [
      ['name', name],
      ['from', from],
      ['created', created],
      ['source', source],
      ['digests', unlocked.length === 0 ? 'locked' : `not locked: ${unlocked.join(', ')}`],
    ].flatMap(([key = '', value]) => (value === undefined ? [] : [[key, value]]));
    show(compositionToJson(composition), `${table(head)}\n\n${formatComponents(components)}`);
  });
}
