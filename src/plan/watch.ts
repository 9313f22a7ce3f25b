import type { Event } from '../events/event.ts';
import { suspectImages } from '../events/suspects.ts';
import type { WatchChange, WatchHold } from '../events/watch-event.ts';
import { parseImageRef } from '../model/image.ts';

/** A tag in use, and all that speaks for and against rolling out what it stands for now. */
export interface WatchedTag {
  /** `registry.example.com/shop/app:dev` */
  readonly tag: string;
  /** The digest that the registry gave; undefined where it did not say. */
  readonly seen: string | undefined;
  /** When that image was made, as it says itself; undefined where it does not. Epoch milliseconds. */
  readonly createdMs?: number | undefined;
  /** When the digest was seen first. Epoch milliseconds. */
  readonly firstSeenMs: number;
  /** The digest that each host's service runs; undefined for one that has none of this repository. */
  readonly running: readonly (string | undefined)[];
  /** It was rolled out before, and sent back. */
  readonly isBad: boolean;
}

/** What to do about the tags of one look. */
export interface WatchDecision {
  /** To be rolled out by one run; none: nothing is to be done. */
  readonly changes: readonly WatchChange[];
  readonly held: readonly WatchHold[];
  /** By tag: the digest that the run takes, whatever the registry says by then. */
  readonly pins: ReadonlyMap<string, string>;
  /** Tags that cannot stay as they are, for no host runs them, and cannot be rolled out either: no run is possible. */
  readonly blocked: readonly string[];
}

/**
 * All changes in one run. A tag that is held, or of which the registry says nothing, stays with what most hosts run.
 * A bad digest that every host runs all the same is current: somebody has rolled it out by hand.
 */
export function decideWatch(
  tags: readonly WatchedTag[],
  { nowMs, minAgeMs }: { readonly nowMs: number; readonly minAgeMs: number },
): WatchDecision {
  const changes: WatchChange[] = [];
  const held: WatchHold[] = [];
  const blocked: string[] = [];
  const pins = new Map<string, string>();
  for (const watched of tags) {
    const { tag, seen, running } = watched;
    const isCurrent = running.length > 0 && running.every((digest) => digest === seen);
    const hold = seen === undefined || isCurrent ? undefined : holdOf(watched, seen, { nowMs, minAgeMs });
    const stays = seen === undefined || hold !== undefined;
    const pin = stays ? mostCommon(running.filter((digest) => digest !== undefined && digest !== hold?.digest)) : seen;
    if (hold !== undefined) held.push(hold);
    if (pin !== undefined) pins.set(tag, pin);
    else blocked.push(tag);
    if (stays || isCurrent) continue;
    const from = [...new Set(running)].filter((digest) => digest !== undefined && digest !== seen);
    changes.push({ tag, from: from as readonly string[], to: seen });
  }
  return { changes, held, pins, blocked: changes.length > 0 ? blocked : [] };
}

/** Why a new digest is not for now; undefined where nothing speaks against it. */
export function holdOf(
  { tag, isBad, ...ages }: Pick<WatchedTag, 'tag' | 'isBad' | 'createdMs' | 'firstSeenMs'>,
  digest: string,
  { nowMs, minAgeMs }: { readonly nowMs: number; readonly minAgeMs: number },
): WatchHold | undefined {
  if (isBad) return { tag, digest, reason: 'bad' };
  const untilMs = madeAtMs(ages) + minAgeMs;
  return minAgeMs > 0 && untilMs > nowMs ? { tag, digest, reason: 'young', untilMs } : undefined;
}

/** Images that are built to be the same every time say 1970 or 1980: those are as old as we have known them. */
const firstBelievableMs = Date.UTC(1990, 0, 1);

function madeAtMs({ createdMs, firstSeenMs }: Pick<WatchedTag, 'createdMs' | 'firstSeenMs'>): number {
  return createdMs !== undefined && createdMs >= firstBelievableMs ? createdMs : firstSeenMs;
}

function mostCommon(values: readonly (string | undefined)[]): string | undefined {
  const counts = new Map<string | undefined, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one)[0]?.[0];
}

/** What becomes of a change by how its run ended. */
export type WatchVerdict =
  | { readonly kind: 'done' }
  /** Their new containers failed, or a verdict was against them: those digests are not tried again. */
  | { readonly kind: 'bad'; readonly digests: readonly string[] }
  /** Nothing speaks against the images: nothing was touched, or the hosts were in trouble. It is tried again. */
  | { readonly kind: 'again' }
  /** Its window has closed: it is gone on with when that opens. */
  | { readonly kind: 'closed' }
  /** It waits for somebody, and is not begun anew. */
  | { readonly kind: 'paused' }
  | { readonly kind: 'interrupted' };

/** @param exitCode as in the table of exit codes */
export function judgeWatchedRun(
  exitCode: number,
  changes: readonly Pick<WatchChange, 'to'>[],
  events: readonly Event[],
): WatchVerdict {
  const suspects = suspectImages(events).map((written) => parseImageRef(written)?.digest);
  const digests = changes.map(({ to }) => to).filter((digest) => suspects.includes(digest));
  const hasStarted = events.some(({ type }) => type === 'node_started');
  switch (exitCode) {
    case 0:
      return { kind: 'done' };
    case 7:
      if (!hasStarted) return { kind: 'again' };
      return {
        kind: events.some((event) => event.type === 'run_paused' && event.by === 'window') ? 'closed' : 'paused',
      };
    case 130:
      return { kind: 'interrupted' };
    default:
      return digests.length > 0 ? { kind: 'bad', digests } : { kind: 'again' };
  }
}

/** The longest pause of a registry, or of a run, that fails again and again. */
const longestBackOffMs = 15 * 60_000;

/**
 * How long until the next look. Each failure in a row doubles it. `random` (0 to below 1) keeps many watches of one
 * registry apart: by a tenth, and after failures by half. A registry that says when to come again is not asked earlier.
 */
export function nextLookMs(
  everyMs: number,
  {
    failures,
    retryAfterMs = 0,
    random,
  }: { readonly failures: number; readonly retryAfterMs?: number | undefined; readonly random: number },
): number {
  if (failures === 0) return Math.round(everyMs * (0.9 + 0.1 * random));
  const backOffMs = Math.min(everyMs * 2 ** Math.min(failures, 20), Math.max(everyMs, longestBackOffMs));
  return Math.max(retryAfterMs, Math.round(backOffMs * (0.5 + 0.5 * random)));
}
