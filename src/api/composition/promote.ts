import { isSameImage, rivalsForTag, unlockedOf } from '../../composition/diff.ts';
import { editComposition } from '../../composition/edit.ts';
import { isName, promotedName } from '../../composition/name.ts';
import { exists } from '../../config/files.ts';
import { RegistryError } from '../../docker/registry-error.ts';
import type { Registry } from '../../docker/registry.ts';
import { RunRefused } from '../../engine/context.ts';
import { exitCodes } from '../../events/exit-code.ts';
import { formatImageRef, imageName, type ImageRef } from '../../model/image.ts';
import { dirname, join } from 'node:path';
import { resolvePath } from '../../config/files.ts';
import { askEach, valuesOf, withAccess, type AccessOptions } from './access.ts';
import { readFile, saveFile, type CompositionFile } from './files.ts';

/** Where a release goes next. */
export interface PromoteOptions extends AccessOptions {
  /** The next stage: `rc`. */
  readonly as: string;
  /** The new name, where the stage and the old one do not make it. */
  readonly name?: string;
  /** The new file; beside the old one by default. */
  readonly file?: string;
  /** Give the images this tag in their registries too; true: the new name. */
  readonly tag: string | boolean;
}

export interface Promoted {
  readonly file: CompositionFile;
  /** False: it had been promoted before, and nothing was written. */
  readonly isNew: boolean;
  /** `name:tag` of every image that has a new tag. */
  readonly tagged: readonly string[];
}

/** Writes the next stage's composition: the same digests, or none. @throws RunRefused, ConfigError */
export async function promoteComposition(written: string, options: PromoteOptions): Promise<Promoted> {
  const old = readFile(written, options);
  const { composition } = old;
  refuseUnlocked(old, written);
  if (!/^[A-Za-z][A-Za-z0-9]*$/.test(options.as))
    throw refused(`--as takes the name of a stage, letters and digits only; got ${JSON.stringify(options.as)}`);
  const name = options.name ?? promotedName(composition.name, options.as, composition.from);
  if (!isName(name)) throw refused(`${JSON.stringify(name)} cannot be a composition's name`);
  const path =
    options.file === undefined
      ? join(dirname(old.path), `${name}.yaml`)
      : resolvePath(options.cwd, options.file, options.env);
  const before = exists(path) ? readFile(path, options) : undefined;
  if (before !== undefined) refuseOther(before, old);
  const tag = options.tag === true ? name : options.tag;
  if (tag !== false && !/^\w[\w.-]{0,127}$/.test(tag)) throw refused(`${JSON.stringify(tag)} cannot be a tag`);
  if (tag !== false) refuseRivals(old, tag);
  // Tags first: a file that says promoted while its images are not would be believed.
  const tagged =
    tag === false
      ? []
      : await withAccess({ ...options, composition: old.path }, ({ registry }) =>
          tagAll(composition.components, tag, registry),
        );
  if (before !== undefined) return { file: before, isNew: false, tagged };
  const created = `${new Date(options.clock.now()).toISOString().slice(0, 19)}Z`;
  const text = editComposition(old.text, { name, from: composition.name, created });
  const file = saveFile(path, text, composition.components, { cwd: options.cwd, mayReplace: false });
  return { file, isNew: true, tagged };
}

function refuseUnlocked({ composition }: CompositionFile, written: string): void {
  const unlocked = unlockedOf(composition.components);
  if (unlocked.length === 0) return;
  throw refused(`${written} is not locked, and its tags may be other images by now: ${unlocked.join(', ')}`, [
    `rollout composition lock ${written}`,
  ]);
}

/** A stage that is there already must be the same release. */
function refuseOther(before: CompositionFile, { composition: { name, components } }: CompositionFile): void {
  const own = before.composition.components;
  const differ = [...new Set([...own.keys(), ...components.keys()])].filter((component) => {
    const [one, other] = [own.get(component), components.get(component)];
    return one === undefined || other === undefined || !isSameImage(one, other);
  });
  if (differ.length === 0) return;
  throw refused(`${before.composition.file} is there already, and is not ${name}`, [
    `it differs in ${differ.sort().join(', ')}; promote to another --name, or remove the file`,
  ]);
}

/** A tag names one image of a repository: with two of them the last one would have it. */
function refuseRivals({ composition }: CompositionFile, tag: string): void {
  const rivals = rivalsForTag(composition.components);
  if (rivals.length === 0) return;
  throw refused(`the tag ${tag} cannot name several images of one repository`, [
    ...rivals.map(({ repository, components }) => `${repository}: ${components.join(', ')} have different digests`),
    'promote without --tag: the composition names each image by its digest',
  ]);
}

/** @throws RunRefused with every image that could not be tagged */
async function tagAll(
  components: ReadonlyMap<string, ImageRef>,
  tag: string,
  registry: Registry,
): Promise<readonly string[]> {
  // Every image first: of a release half of which is missing nothing is tagged.
  valuesOf(
    await askEach(components, (image) => registry.manifest(image)),
    'not every image is in its registry; nothing was tagged and nothing written',
  );
  const answers = await askEach(components, async (image) => {
    await registry.tag(image, tag);
    const { digest: _, ...named } = { ...image, tag };
    const now = await registry.resolve(named);
    if (now.digest === image.digest) return `${imageName(image)}:${tag}`;
    const message = `${imageName(image)}:${tag} is not ${formatImageRef(image)} after it was tagged, but ${now.digest ?? 'nothing'}`;
    throw new RegistryError(image.registry, 'failed', message);
  });
  return [...new Set(valuesOf(answers, 'not every image could be tagged; nothing was written').values())].sort();
}

function refused(message: string, details: readonly string[] = []): RunRefused {
  return new RunRefused(exitCodes.usage, message, details);
}
