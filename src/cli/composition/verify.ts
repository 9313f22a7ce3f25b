import type { Command } from 'commander';
import { exitCodes } from '../../events/exit-code.ts';
import { addHostOptions, deskOf, type RegistryFlags } from './options.ts';

interface VerifyFlags extends RegistryFlags {
  readonly platform: readonly string[];
  readonly hosts?: string;
}

const collect = (value: string, list: readonly string[]): readonly string[] => [...list, value];

export function registerVerify(group: Command): void {
  const command = group
    .command('verify')
    .argument('<file>', 'the composition')
    .description(
      'ask the registries for every image, by digest, and for every platform that is needed; exit code 2 if one is missing',
    )
    .option('--platform <platform>', 'needed, as linux/arm64 (repeatable)', collect, [])
    .option('--hosts <playbook>', 'the platforms of its hosts are needed');
  addHostOptions(command).action(async (file: string, flags: VerifyFlags) => {
    const { verifyComposition } = await import('../../api/composition/verify.ts');
    const { table } = await import('../../composition/text.ts');
    const { access, show } = deskOf(flags);
    const verified = await verifyComposition(file, { ...access, platforms: flags.platform, hosts: flags.hosts });
    const { components, platforms } = verified;
    const bad = components.filter(({ ok }) => !ok);
    const rows = components.map(({ component, image, ok, message = '', tagNow }) => [
      ok ? 'ok' : 'missing',
      component,
      ok ? image : message,
      tagNow === undefined ? '' : `its tag is ${tagNow} by now`,
    ]);
    const needed = platforms.length === 0 ? '' : `, for ${platforms.join(', ')}`;
    const end = `${components.length - bad.length} of ${components.length} images are there${needed}`;
    const { name, file: shown } = verified.file.composition;
    show({ name, file: shown, ok: bad.length === 0, platforms, components }, `${table(rows)}\n${end}`);
    process.exitCode = bad.length === 0 ? exitCodes.done : exitCodes.usage;
  });
}
