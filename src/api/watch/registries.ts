import { RegistryError } from '../../docker/registry-error.ts';
import type { Registry } from '../../docker/registry.ts';
import { nextLookMs } from '../../plan/watch.ts';
import type { UsedTag } from './tags.ts';

/** What a look found of a tag: its digest, or why it has none. Undefined: its registry is left alone for now. */
export type TagLook = { readonly digest: string } | { readonly trouble: RegistryError } | undefined;

/** Registries as a watch sees them: each tag asked once a look, and one that fails left alone for longer each time. */
export class WatchedRegistries {
  readonly #random: () => number;
  readonly #away = new Map<string, { failures: number; untilMs: number }>();

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Asks for every tag whose registry may be asked at `nowMs`. */
  async look(
    tags: readonly UsedTag[],
    registry: Registry,
    { nowMs, everyMs }: { readonly nowMs: number; readonly everyMs: number },
  ): Promise<ReadonlyMap<string, TagLook>> {
    registry.forget();
    const isDue = ({ image }: UsedTag): boolean => (this.#away.get(image.registry)?.untilMs ?? 0) <= nowMs;
    const looks = await Promise.all(
      tags.map(async (used) => [used, isDue(used) ? await lookAt(used, registry) : undefined] as const),
    );
    for (const name of new Set(tags.filter(isDue).map(({ image }) => image.registry))) {
      const own = looks.flatMap(([{ image }, look]) => (image.registry === name && look !== undefined ? [look] : []));
      this.#note(name, own, { nowMs, everyMs });
    }
    return new Map(looks.map(([{ tag }, look]) => [tag, look]));
  }

  /** When a registry that is away is asked again. */
  untilMs(registry: string): number | undefined {
    return this.#away.get(registry)?.untilMs;
  }

  #note(
    registry: string,
    looks: readonly NonNullable<TagLook>[],
    { nowMs, everyMs }: { readonly nowMs: number; readonly everyMs: number },
  ): void {
    const troubles = looks.flatMap((look) => ('trouble' in look && isOfRegistry(look.trouble) ? [look.trouble] : []));
    const isBusy = troubles.some(({ kind }) => kind === 'rate_limited');
    // One image that may not be read is its own trouble.
    if (troubles.length === 0 || (troubles.length < looks.length && !isBusy)) {
      this.#away.delete(registry);
      return;
    }
    const failures = (this.#away.get(registry)?.failures ?? 0) + 1;
    const retryAfterMs = Math.max(0, ...troubles.map((trouble) => trouble.retryAfterMs ?? 0));
    const untilMs = nowMs + nextLookMs(everyMs, { failures, retryAfterMs, random: this.#random() });
    this.#away.set(registry, { failures, untilMs });
  }
}

/** A missing tag is one image's trouble, all else the whole registry's. */
function isOfRegistry({ kind }: RegistryError): boolean {
  return kind !== 'not_found' && kind !== 'platform_missing';
}

async function lookAt({ image }: UsedTag, registry: Registry): Promise<TagLook> {
  try {
    const { digest } = await registry.resolve(image);
    return digest === undefined ? undefined : { digest };
  } catch (trouble) {
    if (trouble instanceof RegistryError) return { trouble };
    throw trouble;
  }
}
