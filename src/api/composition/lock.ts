import { editComposition } from '../../composition/edit.ts';
import { unlockedOf } from '../../composition/diff.ts';
import { writtenImages } from '../../composition/argument.ts';
import type { Registry } from '../../docker/registry.ts';
import type { ImageRef } from '../../model/image.ts';
import { askEach, valuesOf, withAccess, type AccessOptions } from './access.ts';
import { readFile, saveFile, type CompositionFile } from './files.ts';

/** What `lock` has done. */
export interface Locked {
  readonly file: CompositionFile;
  /** Components that had no digest before. */
  readonly locked: readonly string[];
}

/** Writes its digest behind every tag that has none; what is locked stays. @throws RunRefused, ConfigError */
export async function lockComposition(written: string, options: AccessOptions): Promise<Locked> {
  const file = readFile(written, options);
  const { components } = file.composition;
  const locked = unlockedOf(components);
  if (locked.length === 0) return { file, locked };
  const pinned = await withAccess({ ...options, composition: file.path }, ({ registry }) =>
    pinAll(components, registry),
  );
  const images = new Map([...writtenImages(pinned)].filter(([component]) => locked.includes(component)));
  const text = editComposition(file.text, { images });
  return { file: saveFile(file.path, text, pinned, { cwd: options.cwd, mayReplace: true }), locked };
}

/** Every component with its digest. @throws RunRefused with each that the registry does not have */
export async function pinAll(
  components: ReadonlyMap<string, ImageRef>,
  registry: Registry,
): Promise<ReadonlyMap<string, ImageRef>> {
  const answers = await askEach(components, (image) =>
    image.digest === undefined ? registry.resolve(image) : Promise.resolve(image),
  );
  return valuesOf(answers, 'not every component could be locked; nothing was written');
}
