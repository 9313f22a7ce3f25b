import { RegistryError } from '../../docker/registry-error.ts';
import { isFor } from '../../docker/registry-config.ts';
import { platformsOf } from '../../docker/registry-manifest.ts';
import type { Registry } from '../../docker/registry.ts';
import { platformOfHost } from '../../docker/platform.ts';
import { RunRefused } from '../../engine/context.ts';
import { exitCodes } from '../../events/exit-code.ts';
import { groupAlike } from '../../model/alike.ts';
import type { ImageRef } from '../../model/image.ts';
import { askEach, withAccess, wordsOf, type AccessOptions } from './access.ts';
import { readFile, type CompositionFile } from './files.ts';
import { foundOf, lookAtHosts, troublesOf } from './hosts.ts';

/** What a registry says of one component. */
export interface VerifiedComponent {
  readonly component: string;
  readonly image: string;
  readonly ok: boolean;
  /** What its tag, or the composition, stands for. */
  readonly digest?: string;
  readonly platforms?: readonly string[];
  /** The image that the tag has by now, where it is another one: what is deployed is the digest all the same. */
  readonly tagNow?: string;
  /** Why it cannot be deployed. */
  readonly message?: string;
}

export interface VerifiedComposition {
  readonly file: CompositionFile;
  /** That every image is needed for. */
  readonly platforms: readonly string[];
  readonly components: readonly VerifiedComponent[];
}

/**
 * Asks the registry for every image, and for every platform: those that are given, and those of the hosts of `hosts`, a
 * playbook. @throws ConfigError, RunRefused where a host does not tell its platform
 */
export async function verifyComposition(
  written: string,
  options: AccessOptions & { readonly platforms: readonly string[]; readonly hosts?: string | undefined },
): Promise<VerifiedComposition> {
  const file = readFile(written, options);
  const composition = file.path;
  const playbook = options.hosts ?? options.playbook;
  return withAccess({ ...options, playbook, composition }, async ({ registry, opened }) => {
    const ofHosts = options.hosts === undefined || opened === undefined ? [] : await platformsOfHosts(opened);
    const platforms = [...new Set([...options.platforms, ...ofHosts])].sort();
    const answers = await askEach(file.composition.components, (image) => verify(image, platforms, registry));
    const components = answers.map((answer): VerifiedComponent => {
      const { component } = answer;
      const image = file.composition.components.get(component)?.written ?? '';
      return 'value' in answer
        ? { component, image, ok: true, ...answer.value }
        : { component, image, ok: false, message: wordsOf(answer.trouble) };
    });
    return { file, platforms, components };
  });
}

/** @throws RegistryError */
async function verify(image: ImageRef, platforms: readonly string[], registry: Registry) {
  const { digest } = await registry.resolve(image);
  const pinned: ImageRef = digest === undefined ? image : { ...image, digest };
  const manifest = await registry.manifest(pinned);
  const has = platformsOf(manifest) ?? [(await registry.config(pinned)).platform];
  const missing = platforms.filter((wanted) => !has.some((platform) => isFor(platform, wanted)));
  if (missing.length > 0)
    throw new RegistryError(
      image.registry,
      'platform_missing',
      `${image.written} has no image for ${missing.join(', ')}; it has ${has.join(', ')}`,
      { hint: `Push an image for ${missing.join(', ')}, or leave the hosts of that platform out.` },
    );
  const tagNow = await digestOfTag(image, registry);
  return {
    ...(digest === undefined ? {} : { digest }),
    platforms: has,
    ...(tagNow === undefined || tagNow === digest ? {} : { tagNow }),
  };
}

/** Of a locked component: what its tag stands for now. A tag that is gone is no trouble, the digest is what is deployed. */
async function digestOfTag({ digest, ...image }: ImageRef, registry: Registry): Promise<string | undefined> {
  if (digest === undefined || image.tag === undefined) return undefined;
  return (await registry.resolve(image).catch(() => undefined))?.digest;
}

async function platformsOfHosts(opened: Parameters<typeof lookAtHosts>[0]): Promise<readonly string[]> {
  const looks = await lookAtHosts(opened);
  const troubles = troublesOf(looks);
  if (troubles.length > 0)
    throw new RunRefused(exitCodes.unreachable, 'not every host tells its platform', groupAlike(troubles));
  return foundOf(looks).map(({ facts }) => platformOfHost(facts));
}
