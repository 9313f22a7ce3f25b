import type { Command } from 'commander';
import { addRegistryOptions, deskOf, type RegistryFlags } from './options.ts';

export function registerLock(group: Command): void {
  const command = group
    .command('lock')
    .argument('<file>', 'the composition')
    .description('write the digest behind every tag that has none; comments and order stay');
  addRegistryOptions(command).action(async (file: string, flags: RegistryFlags) => {
    const { lockComposition } = await import('../../api/composition/lock.ts');
    const { compositionToJson } = await import('../../composition/json.ts');
    const { formatComponents } = await import('../../composition/text.ts');
    const { access, show } = deskOf(flags);
    const { file: written, locked } = await lockComposition(file, access);
    const { components } = written.composition;
    const chosen = new Map([...components].filter(([component]) => locked.includes(component)));
    const text = locked.length === 0 ? 'it was locked already' : formatComponents(chosen);
    show({ ...compositionToJson(written.composition), newlyLocked: locked }, `${written.composition.file}\n${text}`);
  });
}
