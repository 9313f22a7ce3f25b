import type { LoadedPlaybook } from '../../config/load.ts';
import type { Facts } from '../../model/host.ts';
import { formatImageRef, imageName, parseImageRef, type ImageRef } from '../../model/image.ts';
import { ConfigError } from '../../model/problem.ts';

/** A tag that the playbook's services use, and by which of them. */
export interface UsedTag {
  /** `registry.example.com/shop/app:dev` */
  readonly tag: string;
  readonly image: ImageRef;
  readonly uses: readonly { readonly play: string; readonly host: string; readonly service: string }[];
}

/** Tags in use, and whether hosts have to be asked for their facts to know them all. */
export interface TagsInUse {
  readonly tags: readonly UsedTag[];
  readonly needsFacts: boolean;
}

/**
 * Every tag that a run would ask the registry for. An image with a digest has none, and a service whose `pull_policy` is
 * not `always` goes by what its host has.
 * @throws ConfigError for a host whose facts are known, and whose part of the playbook is wrong all the same
 */
export function tagsInUse(playbook: LoadedPlaybook, facts: ReadonlyMap<string, Facts>): TagsInUse {
  const tags = new Map<string, { image: ImageRef; uses: UsedTag['uses'][number][] }>();
  let needsFacts = false;
  for (const play of playbook.plays) {
    for (const host of play.hosts) {
      const known = facts.get(host.name);
      try {
        for (const { name, image, pullPolicy } of playbook.desired(play, host, known).services) {
          if (image.digest !== undefined || pullPolicy !== 'always') continue;
          const tag = formatImageRef(image);
          const entry = tags.get(tag) ?? { image, uses: [] };
          entry.uses.push({ play: play.name, host: host.name, service: name });
          tags.set(tag, entry);
        }
      } catch (error) {
        if (!(error instanceof ConfigError) || known !== undefined) throw error;
        needsFacts = true;
      }
    }
  }
  return { tags: [...tags].map(([tag, entry]) => ({ tag, ...entry })).sort(byTag), needsFacts };
}

const byTag = (one: UsedTag, other: UsedTag): number => (one.tag < other.tag ? -1 : 1);

/** What hosts run, by host, play and service, as its label has it. */
export type RunningImages = ReadonlyMap<string, string>;

export const placeOf = (host: string, play: string, service: string): string => `${host}\0${play}\0${service}`;

/** The digest that each use of a tag runs now, of hosts that could be read; another repository's image is none. */
export function runningDigests(
  { image, uses }: UsedTag,
  running: RunningImages,
  hosts: ReadonlySet<string>,
): readonly (string | undefined)[] {
  return uses.flatMap(({ host, play, service }) => {
    if (!hosts.has(host)) return [];
    const found = parseImageRef(running.get(placeOf(host, play, service)) ?? '');
    return [found !== undefined && imageName(found) === imageName(image) ? found.digest : undefined];
  });
}
