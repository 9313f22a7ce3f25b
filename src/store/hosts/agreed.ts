import { imageName, isImageId, parseImageRef } from '../../model/image.ts';
import type { KeptRun } from './kept-run.ts';

/** What hosts have kept, each by its own name in the inventory that is read now. */
export interface Remembered {
  readonly host: string;
  readonly runs: readonly KeptRun[];
}

/** One run, as all hosts that know it tell it. */
export interface AgreedRun {
  readonly run: KeptRun;
  /** Those that know it. */
  readonly hosts: readonly string[];
  /** What each of them says of itself. */
  readonly byHost: ReadonlyMap<string, KeptRun>;
}

/** Why nothing is taken from what hosts say. */
export interface Disagreement {
  readonly message: string;
  readonly details: readonly string[];
}

/**
 * A run by its id, or the beginning of it. A host may have been taken over: nothing of it is believed alone where others
 * know the run as well, and images only as all of them have them, in the repository that their tag names.
 */
export function agreedRun(remembered: readonly Remembered[], id: string): AgreedRun | Disagreement {
  const found = remembered.flatMap(({ host, runs }) =>
    runs.filter(({ run }) => run.startsWith(id)).map((run) => [host, run] as const),
  );
  const ids = [...new Set(found.map(([, { run }]) => run))].sort().reverse();
  const [only] = ids;
  if (only === undefined) return { message: `no host knows a run ${id}`, details: [] };
  if (ids.length > 1 && !ids.includes(id))
    return { message: `hosts know ${ids.length} runs that begin with '${id}'`, details: ids.slice(0, 5) };
  const wanted = ids.includes(id) ? id : only;
  return agreeOn(new Map(found.filter(([, { run }]) => run === wanted)));
}

/** The newest run for which `isWanted` holds, of those that more than half of the hosts know. */
export function newestAgreed(
  remembered: readonly Remembered[],
  isWanted: (run: KeptRun) => boolean,
): AgreedRun | Disagreement | undefined {
  const ids = new Set(remembered.flatMap(({ runs }) => runs.filter(isWanted).map(({ run }) => run)));
  for (const id of [...ids].sort().reverse()) {
    const found = remembered.flatMap(({ host, runs }) =>
      runs.filter((run) => run.run === id && isWanted(run)).map((run) => [host, run] as const),
    );
    // A single host could have made it up, to have what it likes rolled out.
    if (found.length * 2 > remembered.length) return agreeOn(new Map(found));
  }
  return undefined;
}

/** Everything that hosts may know a run by, told alike by all of them. */
function agreeOn(byHost: ReadonlyMap<string, KeptRun>): AgreedRun | Disagreement {
  const [[first, run] = []] = byHost;
  if (first === undefined || run === undefined) return { message: 'no host knows the run', details: [] };
  for (const [host, other] of byHost) {
    const differs = shared.find((key) => JSON.stringify(sorted(other[key])) !== JSON.stringify(sorted(run[key])));
    if (differs !== undefined)
      return {
        message: `hosts do not agree on run ${run.run}; nothing is taken from them`,
        details: [
          `${first} and ${host} differ in its ${differs}`,
          'one of them may be damaged or have been changed: leave it out with --limit, or give a composition with digests',
        ],
      };
  }
  const foreign = Object.entries(run.images).filter(([written, pinned]) => !isSameRepository(written, pinned));
  if (foreign.length > 0)
    return {
      message: `what hosts say of the images of run ${run.run} cannot be; nothing is taken from them`,
      details: foreign.map(([written, pinned]) => `${written} would be ${pinned}`),
    };
  return { run, hosts: [...byHost.keys()], byHost };
}

const shared = [
  'command',
  'playbook',
  'composition',
  'user',
  'controller',
  'startedAtMs',
  'images',
  'components',
  'selection',
  'extraVars',
  'rollbackTo',
  'undoes',
  'first',
  'isRollback',
] as const satisfies readonly (keyof KeptRun)[];

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
}

/**
 * A tag may only become a digest of its own repository, or the id of what a controller sent under it, which nobody can
 * pull; a digest stays itself.
 */
function isSameRepository(written: string, pinned: string): boolean {
  const [tagged, image] = [parseImageRef(written), parseImageRef(pinned)];
  if (isImageId(pinned)) return tagged !== undefined && tagged.digest === undefined;
  if (tagged === undefined || image?.digest === undefined || imageName(tagged) !== imageName(image)) return false;
  return tagged.digest === undefined ? tagged.tag === image.tag : tagged.digest === image.digest;
}
