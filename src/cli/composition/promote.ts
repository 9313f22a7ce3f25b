import type { Command } from 'commander';
import { addRegistryOptions, deskOf, type RegistryFlags } from './options.ts';

interface PromoteFlags extends RegistryFlags {
  readonly as: string;
  readonly name?: string;
  readonly file?: string;
  readonly tag?: string | true;
}

export function registerPromoteComposition(group: Command): void {
  const command = group
    .command('promote')
    .argument('<file>', 'the composition, locked')
    .description("write the next stage's composition with the same digests; it records what it came from")
    .requiredOption('--as <stage>', 'the next stage: c_20261120_1504 as rc is rc_20261120_1504')
    .option('--name <name>', 'the new name, instead')
    .option('--file <file>', 'where to write it; beside the old one by default')
    .option('--tag [tag]', 'tag the images in their registries too; with the new name by default');
  addRegistryOptions(command).action(async (file: string, flags: PromoteFlags) => {
    const { promoteComposition } = await import('../../api/composition/promote.ts');
    const { compositionToJson } = await import('../../composition/json.ts');
    const { access, show } = deskOf(flags);
    const { as, name, file: target, tag = false } = flags;
    const promoted = await promoteComposition(file, {
      ...access,
      as,
      tag,
      ...(name === undefined ? {} : { name }),
      ...(target === undefined ? {} : { file: target }),
    });
    const { composition } = promoted.file;
    const lines = [
      `${composition.file}${promoted.isNew ? '' : ': was promoted before'}`,
      ...promoted.tagged.map((each) => `tagged ${each}`),
    ];
    show({ ...compositionToJson(composition), new: promoted.isNew, tagged: promoted.tagged }, lines.join('\n'));
  });
}
