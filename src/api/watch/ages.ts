import { RegistryError } from '../../docker/registry-error.ts';
import type { Registry } from '../../docker/registry.ts';
import type { UsedTag } from './tags.ts';

/** When images were made, as their own documents say. Each is asked for once, and none where ages do not matter. */
export class ImageAges {
  readonly #matter: boolean;
  /** By digest, in epoch milliseconds. */
  readonly #created = new Map<string, number | undefined>();

  constructor(minAgeMs: number) {
    this.#matter = minAgeMs > 0;
  }

  /** What is known by now. */
  known(digest: string): number | undefined {
    return this.#created.get(digest);
  }

  async ask({ image }: UsedTag, digest: string, registry: Registry): Promise<number | undefined> {
    if (!this.#matter || this.#created.has(digest)) return this.#created.get(digest);
    try {
      const { createdMs } = await registry.config({ ...image, digest });
      this.#created.set(digest, createdMs);
      return createdMs;
    } catch (error) {
      // It is as old as it is known here, until the registry tells.
      if (error instanceof RegistryError) return undefined;
      throw error;
    }
  }
}
