import type { BalancerView } from '../balancer/view.ts';
import { addStretch, noEvidence, type Evidence } from './sequential.ts';
import { countTraffic, nothingCounted, sumOf, type Count, type Counted, type Readings } from './traffic.ts';

/** Which servers are compared right now; those of neither side, as while they are updated, are left out. */
export interface Sides {
  readonly updated: ReadonlySet<string>;
  readonly others: ReadonlySet<string>;
}

/** What updated nodes and the others have done on the same traffic, side by side, since the first look. */
export interface Comparison {
  readonly readings: Readings;
  /** As of the last look. */
  readonly sides: Sides;
  readonly updated: Count;
  readonly others: Count;
  /** Of all servers of the backend, on whichever side or none. */
  readonly backendRequests: number;
  /** Each server in each series of counters, since it came to its side. */
  readonly servers: ReadonlyMap<string, ServerCount>;
  /** The seconds that are over. */
  readonly past: Past;
  /** The running second; undefined before the first look. */
  readonly second: Second | undefined;
  /** When the updated side was first seen with a request; undefined before. */
  readonly firstRequestMs: number | undefined;
  readonly atMs: number;
}

export interface ServerCount extends Counted {
  readonly isUpdated: boolean;
}

interface Second {
  readonly index: number;
  readonly updated: Count;
  readonly others: Count;
}

export interface Past {
  readonly evidence: Evidence;
  /** Seconds in which the updated side failed a request. */
  readonly badSeconds: number;
  /** The last of them; undefined where there is none. */
  readonly lastBadIndex: number | undefined;
  /** Requests of each side, the older the less: what share of the traffic it gets. */
  readonly recentUpdated: number;
  readonly recentOthers: number;
  readonly bursts: Bursts;
}

/** How much errors come in bursts: by how much a second differs from the one before, against what chance would make of it. */
interface Bursts {
  readonly seconds: number;
  readonly squares: number;
  readonly variances: number;
  /** Errors of the updated side above its share, in the last second; undefined before the first. */
  readonly last: { readonly index: number; readonly residual: number; readonly variance: number } | undefined;
}

export const emptyComparison: Comparison = {
  readings: new Map(),
  sides: { updated: new Set(), others: new Set() },
  updated: nothingCounted,
  others: nothingCounted,
  backendRequests: 0,
  servers: new Map(),
  past: {
    evidence: noEvidence,
    badSeconds: 0,
    lastBadIndex: undefined,
    recentUpdated: 0,
    recentOthers: 0,
    bursts: { seconds: 0, squares: 0, variances: 0, last: undefined },
  },
  second: undefined,
  firstRequestMs: undefined,
  atMs: 0,
};

/** Adds what a look shows since the last one: of servers that were on the same side then. */
export function compare(comparison: Comparison, view: BalancerView, sides: Sides): Comparison {
  const { readings, counted } = countTraffic(comparison.readings, view);
  const servers = new Map(comparison.servers);
  let updated = nothingCounted;
  let others = nothingCounted;
  for (const each of counted) {
    const isUpdated = sides.updated.has(each.server);
    const side = isUpdated ? 'updated' : 'others';
    if (!sides[side].has(each.server) || !comparison.sides[side].has(each.server)) continue;
    if (isUpdated) updated = sumOf(updated, each);
    else others = sumOf(others, each);
    addToServer(servers, isUpdated, each);
  }
  const index = Math.floor(view.atMs / 1000);
  const { second } = comparison;
  const isSame = second?.index === index;
  return {
    readings,
    sides,
    updated: sumOf(comparison.updated, updated),
    others: sumOf(comparison.others, others),
    backendRequests: counted.reduce((sum, { requests }) => sum + requests, comparison.backendRequests),
    servers,
    past: isSame ? comparison.past : endSecond(comparison.past, second),
    second: isSame
      ? { index, updated: sumOf(second.updated, updated), others: sumOf(second.others, others) }
      : { index, updated, others },
    firstRequestMs: comparison.firstRequestMs ?? (updated.requests > 0 ? view.atMs : undefined),
    atMs: view.atMs,
  };
}

function addToServer(servers: Map<string, ServerCount>, isUpdated: boolean, counted: Counted): void {
  const key = `${counted.series} ${counted.server}`;
  const before = servers.get(key);
  if (before?.isUpdated !== isUpdated) {
    servers.set(key, { ...counted, isUpdated });
    return;
  }
  const { series, server, responseTimeMs } = counted;
  servers.set(key, { series, server, responseTimeMs, isUpdated, ...sumOf(before, counted) });
}

/** All seconds, the running one among them. */
export function soFar({ past, second }: Comparison): Past {
  return endSecond(past, second);
}

/** A second with fewer requests on a side tells its share of the traffic only together with those before it. */
const leastRequests = 10;
/** What is left of a second's weight after each further one. */
const keptEachSecond = 0.8;

function endSecond(past: Past, second: Second | undefined): Past {
  if (second === undefined) return past;
  const { index, updated, others } = second;
  const elapsed = past.bursts.last === undefined ? 1 : index - past.bursts.last.index;
  const kept = keptEachSecond ** elapsed;
  const recentUpdated = past.recentUpdated * kept + updated.requests;
  const recentOthers = past.recentOthers * kept + others.requests;
  const isEnough = Math.min(updated.requests, others.requests) >= leastRequests;
  const share = isEnough ? shareOf(updated.requests, others.requests) : shareOf(recentUpdated, recentOthers);
  const errors = { errors: updated.errors, otherErrors: others.errors };
  return {
    evidence: share === undefined ? past.evidence : addStretch(past.evidence, { ...errors, share }),
    badSeconds: past.badSeconds + (updated.errors > 0 ? 1 : 0),
    lastBadIndex: updated.errors > 0 ? index : past.lastBadIndex,
    recentUpdated,
    recentOthers,
    bursts: addSecond(past.bursts, { ...errors, share: share ?? 0, index }),
  };
}

function shareOf(updated: number, others: number): number | undefined {
  return updated > 0 && others > 0 ? updated / (updated + others) : undefined;
}

function addSecond(
  { seconds, squares, variances, last }: Bursts,
  second: { readonly index: number; readonly errors: number; readonly otherErrors: number; readonly share: number },
): Bursts {
  const { index, errors, otherErrors, share } = second;
  const residual = errors - (errors + otherErrors) * share;
  const variance = (1 - share) ** 2 * errors + share ** 2 * otherErrors;
  const next = { index, residual, variance };
  if (last === undefined) return { seconds, squares, variances, last: next };
  return {
    seconds: seconds + 1,
    squares: squares + (residual - last.residual) ** 2,
    variances: variances + variance + last.variance,
    last: next,
  };
}

/** How many errors come together, at least 1: what one client retries, or one query breaks, is one piece of evidence. */
export interface Dispersion {
  /** For what has been seen up to a planned end. */
  readonly atEnd: number;
  /** For a look at any moment: after a few seconds nobody knows yet whether errors come in bursts. */
  readonly atAnyTime: number;
}

/**
 * Estimated from what the seconds differ (von Neumann's successive differences, so that a release that turns bad is no
 * burst), and from what the other servers differ among themselves.
 */
export function dispersionOf(peers: readonly Count[], { bursts }: Past): Dispersion {
  const atEnd = Math.max(1, betweenSeconds(bursts), betweenServers(peers));
  return { atEnd, atAnyTime: atEnd * (1 + Math.sqrt(3 / Math.max(1, bursts.seconds))) };
}

/** What is above 1 by more than a standard error counts, and counts more than it is: an estimate may be too low. */
function betweenSeconds({ seconds, squares, variances }: Bursts): number {
  if (variances === 0) return 1;
  return 1 + cautiousTimes * (squares / variances - 1 - Math.sqrt(3 / seconds + 1.5 / variances));
}

const cautiousTimes = 2;

/** Pearson's statistic over its degrees of freedom. */
function betweenServers(servers: readonly Count[]): number {
  const serving = servers.filter(({ requests }) => requests > 0);
  const requests = serving.reduce((sum, each) => sum + each.requests, 0);
  const errors = serving.reduce((sum, each) => sum + each.errors, 0);
  const freedom = serving.length - 1;
  if (freedom < 1 || errors === 0) return 1;
  const ratio = errors / requests;
  const statistic = serving.reduce(
    (sum, each) => sum + (each.errors - each.requests * ratio) ** 2 / (each.requests * ratio),
    0,
  );
  return statistic / freedom - 2 * Math.sqrt(2 / freedom + 1 / errors);
}

/** HAProxy's mean response time is one of so many requests: before they are all of the new version it is not its own. */
export const requestsOfMean = 1024;

/**
 * Mean response time of a side, in ms, weighted by requests. Of updated servers only where all that the mean holds was
 * served since they were admitted; undefined where there is none.
 */
export function responseTimeOf({ servers }: Comparison, side: 'updated' | 'others'): number | undefined {
  const least = side === 'updated' ? requestsOfMean : 1;
  const own = [...servers.values()].filter(
    ({ isUpdated, requests }) => isUpdated === (side === 'updated') && requests >= least,
  );
  const requests = own.reduce((sum, each) => sum + each.requests, 0);
  if (requests === 0) return undefined;
  return Math.round(own.reduce((sum, each) => sum + each.responseTimeMs * each.requests, 0) / requests);
}

/** How far the updated server that has served most is on the way to a mean of its own. */
export function requestsTowardsMean({ servers }: Comparison): number {
  return Math.max(0, ...[...servers.values()].map(({ isUpdated, requests }) => (isUpdated ? requests : 0)));
}
