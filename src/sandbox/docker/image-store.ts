import { imageName, parseImageRef, type ImageRef } from '../../model/image.ts';
import type { RegistryImage } from './image.ts';

export interface StoredImage {
  readonly image: RegistryImage;
  readonly repoTags: Set<string>;
  readonly repoDigests: Set<string>;
}

/** The images that one host has, by id. */
export class ImageStore {
  readonly #byId = new Map<string, StoredImage>();

  all(): StoredImage[] {
    return [...this.#byId.values()];
  }

  /** By `name:tag`, `name@digest`, id or the beginning of an id. */
  find(reference: string): StoredImage | undefined {
    const hex = reference.replace(/^sha256:/, '');
    const ref = parseImageRef(reference);
    return this.all().find(
      ({ image, repoTags, repoDigests }) =>
        (ref !== undefined && (repoDigests.has(digestName(ref)) || repoTags.has(tagName(ref)))) ||
        (/^[0-9a-f]{4,64}$/.test(hex) && image.configDigest.startsWith(`sha256:${hex}`)),
    );
  }

  /** As after a pull: the tag moves here from whichever image had it. @returns whether anything is new. */
  add(image: RegistryImage, ref: ImageRef): boolean {
    let stored = this.#byId.get(image.configDigest);
    const isNew = stored === undefined;
    stored ??= { image, repoTags: new Set(), repoDigests: new Set() };
    this.#byId.set(image.configDigest, stored);
    stored.repoDigests.add(`${imageName(ref)}@${image.manifestDigest}`);
    if (ref.digest === undefined) {
      const tag = tagName(ref);
      for (const other of this.#byId.values()) other.repoTags.delete(tag);
      stored.repoTags.add(tag);
    }
    return isNew;
  }

  /** @returns docker's lines: what was untagged, what was deleted. */
  remove(reference: string): string[] {
    const stored = this.find(reference);
    const ref = parseImageRef(reference);
    if (stored === undefined) return [];
    const isTag = ref !== undefined && stored.repoTags.has(tagName(ref));
    const lines: string[] = [];
    const untag = (names: Set<string>, name: string) => {
      if (names.delete(name)) lines.push(`Untagged: ${name}`);
    };
    for (const tag of isTag ? [tagName(ref)] : [...stored.repoTags]) untag(stored.repoTags, tag);
    if (stored.repoTags.size > 0) return lines;
    for (const digest of [...stored.repoDigests]) untag(stored.repoDigests, digest);
    this.#byId.delete(stored.image.configDigest);
    return [...lines, `Deleted: ${stored.image.configDigest}`];
  }
}

const tagName = (ref: ImageRef): string => `${imageName(ref)}:${ref.tag ?? 'latest'}`;
const digestName = (ref: ImageRef): string => `${imageName(ref)}@${ref.digest ?? ''}`;
