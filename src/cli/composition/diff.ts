import type { Command } from 'commander';
import { exitCodes } from '../../events/exit-code.ts';
import { addRegistryOptions, deskOf, type RegistryFlags } from './options.ts';

interface DiffFlags extends RegistryFlags {
  readonly commits: boolean;
  readonly detailedExitcode: boolean;
}

export function registerDiff(group: Command): void {
  const command = group
    .command('diff')
    .argument('<before>', 'a composition')
    .argument('<after>', 'another one')
    .description('what a release changes: components added, removed and changed, with the commits of their images')
    .option('--no-commits', 'ask no registry for the commits')
    .option('--detailed-exitcode', 'exit 10 when they differ', false);
  addRegistryOptions(command).action(async (before: string, after: string, flags: DiffFlags) => {
    const { compareCompositions } = await import('../../api/composition/compare.ts');
    const { isUnchangedDiff } = await import('../../composition/diff.ts');
    const { formatDiff } = await import('../../composition/text.ts');
    const { formatImageRef } = await import('../../model/image.ts');
    const { access, show, note } = deskOf(flags);
    const compared = await compareCompositions(before, after, { ...access, asksRegistry: flags.commits });
    const { diff } = compared;
    for (const text of compared.notes) note(`warning: no commits of ${text}\n`);
    const images = ({ component, image }: (typeof diff.added)[number]) => ({ component, image: formatImageRef(image) });
    const changes = ({ component, from, to, ...more }: (typeof diff.changed)[number]) => ({
      component,
      from: formatImageRef(from),
      to: formatImageRef(to),
      ...more,
    });
    const data = {
      before: compared.before.composition.name,
      after: compared.after.composition.name,
      added: diff.added.map(images),
      removed: diff.removed.map(images),
      changed: diff.changed.map(changes),
      renamed: diff.renamed.map(changes),
      unchanged: diff.unchanged,
    };
    show(data, formatDiff(diff));
    if (flags.detailedExitcode && !isUnchangedDiff(diff)) process.exitCode = exitCodes.changes;
  });
}
