import { formatImageRef, type ImageRef } from '../model/image.ts';

/** A composition as data: what its file says. */
export interface CompositionJson {
  readonly name: string;
  readonly file: string;
  readonly from?: string;
  readonly created?: string;
  readonly source?: string;
  /** Every image has a digest. */
  readonly locked: boolean;
  readonly components: Readonly<Record<string, string>>;
}

/** For `--output json`; keys that the file does not have are left out. */
export function compositionToJson({
  components,
  ...head
}: Omit<CompositionJson, 'locked' | 'components'> & {
  readonly components: ReadonlyMap<string, ImageRef>;
}): CompositionJson {
  const { name, file, from, created, source } = head;
  return {
    name,
    file,
    ...(from === undefined ? {} : { from }),
    ...(created === undefined ? {} : { created }),
    ...(source === undefined ? {} : { source }),
    locked: [...components.values()].every(({ digest }) => digest !== undefined),
    components: imagesToJson(components),
  };
}

export function imagesToJson(components: ReadonlyMap<string, ImageRef>): Readonly<Record<string, string>> {
  return Object.fromEntries([...components].map(([component, image]) => [component, formatImageRef(image)]));
}
