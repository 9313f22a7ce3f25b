import { Option, type Command } from 'commander';
import { addHostOptions, deskOf, type RegistryFlags } from './options.ts';

interface NewFlags extends RegistryFlags {
  readonly from?: string;
  readonly fromRun?: string;
  readonly fromHosts?: string;
  readonly hosts?: string;
  readonly without: readonly string[];
  readonly source?: string;
  readonly file?: string;
  readonly lock: boolean;
  readonly force: boolean;
}

const collect = (value: string, list: readonly string[]): readonly string[] => [...list, value];

export function registerNew(group: Command): void {
  const command = group
    .command('new')
    .argument('[words...]', 'a name (c_ and the time by default), and COMPONENT=IMAGE for each component')
    .description('write a new composition: from arguments, another composition, a run, or what runs')
    .addOption(
      new Option('--from <file>', 'take the components of this composition').conflicts(['fromRun', 'fromHosts']),
    )
    .addOption(
      new Option('--from-run <run>', "what this run deployed: an id, its beginning, or 'latest'").conflicts(
        'fromHosts',
      ),
    )
    .option('--from-hosts <playbook>', 'what the hosts of this playbook run now')
    .option('--hosts <playbook>', 'with --from-run, where its journal is gone: ask the hosts of this playbook')
    .option('--without <component>', 'leave this component out (repeatable)', collect, [])
    .option('--source <commit>', 'the git tag or commit that it was built from')
    .option('--file <file>', 'where to write it; compositions/NAME.yaml by default')
    .option('--lock', 'ask the registry for the digest of every tag at once', false)
    .option('--force', 'replace a file that is there', false);
  addHostOptions(command).action(async (words: readonly string[], flags: NewFlags) => {
    const { cutComposition } = await import('../../api/composition/cut.ts');
    const { compositionToJson } = await import('../../composition/json.ts');
    const { access, show } = deskOf(flags);
    const [name, ...images] = words[0]?.includes('=') === false ? words : [undefined, ...words];
    const { composition } = await cutComposition({
      ...access,
      ...(name === undefined ? {} : { name }),
      ...(flags.source === undefined ? {} : { source: flags.source }),
      images: images.filter((word) => word !== undefined),
      without: flags.without,
      ...(flags.from === undefined ? {} : { from: flags.from }),
      ...(flags.fromRun === undefined ? {} : { fromRun: flags.fromRun }),
      ...(flags.fromHosts === undefined ? {} : { fromHosts: flags.fromHosts }),
      ...(flags.hosts === undefined ? {} : { hosts: flags.hosts }),
      ...(flags.file === undefined ? {} : { file: flags.file }),
      locks: flags.lock,
      mayReplace: flags.force,
    });
    show(compositionToJson(composition), composition.file);
  });
}
