import type { Comparison, ServerCount } from './comparison.ts';
import { errorRatioOf, nothingCounted, sumOf, type Count } from './traffic.ts';

/** The servers that updated ones are compared with. */
export interface Peers {
  readonly count: Count;
  /** Each series of counters of each of them. */
  readonly servers: readonly ServerCount[];
  /** Names of those left out, as they are broken themselves. */
  readonly broken: readonly string[];
}

/** A peer is broken that fails so much, by so many requests, and so many times as much as the better half of them. */
const brokenRatio = 0.1;
const brokenErrors = 30;
const brokenTimes = 5;

/**
 * Peers, but for those that are broken themselves: next to a server that fails a third of its requests every release
 * would look good. Always fewer than half of them: where more fail it is the fleet that fails.
 */
export function peersOf({ others, servers }: Pick<Comparison, 'others' | 'servers'>): Peers {
  const own = [...servers.values()].filter(({ isUpdated }) => !isUpdated);
  // Most of the time none has failed as much.
  if (own.every(isSound)) return { count: others, servers: own, broken: [] };
  const byName = new Map<string, Count>();
  for (const each of own) byName.set(each.server, sumOf(byName.get(each.server) ?? nothingCounted, each));
  const bestFirst = [...byName].sort(([, a], [, b]) => errorRatioOf(a) - errorRatioOf(b));
  const most = Math.floor(bestFirst.length / 2) + 1;
  const good = errorRatioOf(bestFirst.slice(0, most).reduce((sum, [, count]) => sumOf(sum, count), nothingCounted));
  const broken = bestFirst
    .slice(most)
    .filter(([, count]) => !isSound(count) && errorRatioOf(count) >= brokenTimes * good);
  const names = new Set(broken.map(([name]) => name));
  return {
    count: broken.reduce((rest, [, count]) => without(rest, count), others),
    servers: own.filter(({ server }) => !names.has(server)),
    broken: [...names],
  };
}

const isSound = (count: Count): boolean => count.errors < brokenErrors || errorRatioOf(count) < brokenRatio;

function without(all: Count, part: Count): Count {
  return {
    requests: all.requests - part.requests,
    errors: all.errors - part.errors,
    answered: all.answered === undefined || part.answered === undefined ? undefined : all.answered - part.answered,
  };
}
