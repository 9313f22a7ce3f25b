import type { BalancerReading, BalancerView, ServerCounters, ServerState } from '../balancer/view.ts';

/** Requests over a span of time. */
export interface Count {
  readonly requests: number;
  /** What the server failed: 5xx answers, connections and responses that broke. A 4xx is the client's own. */
  readonly errors: number;
  /** Answers that were no errors; undefined where the balancer does not look into them. */
  readonly answered: number | undefined;
}

export const nothingCounted: Count = { requests: 0, errors: 0, answered: 0 };

export const sumOf = (a: Count, b: Count): Count => ({
  requests: a.requests + b.requests,
  errors: a.errors + b.errors,
  answered: a.answered === undefined || b.answered === undefined ? undefined : a.answered + b.answered,
});

/** errors / requests; 0 without requests. A request that was tried more than once may have failed more than once. */
export const errorRatioOf = ({ requests, errors }: Count): number =>
  requests === 0 ? 0 : Math.min(1, errors / requests);

/** What a balancer counted of each server, at one moment. */
type Page = ReadonlyMap<string, ServerState>;

/**
 * The last page of every series of counters: each balancer, and each process of one, counts for itself. Several where
 * pages of one balancer do not go on from each other: after a reload, or where an address leads to several processes in
 * turns; the newest first.
 */
export type Readings = ReadonlyMap<string, readonly Page[]>;

/** What one series adds to a server since its last reading. */
export interface Counted extends Count {
  readonly series: string;
  readonly server: string;
  readonly responseTimeMs: number;
}

/**
 * What a look shows since the last one of the same series. The first page of a series is where it starts, and so is one
 * with counters that are lower than before: what was counted up to then may be of any time, so none of it is taken.
 */
export function countTraffic(
  readings: Readings,
  view: BalancerView,
): { readonly readings: Readings; readonly counted: readonly Counted[] } {
  const latest = new Map(readings);
  const counted: Counted[] = [];
  for (const reading of view.readings) {
    if ('error' in reading) continue;
    const series = seriesOf(reading);
    const pages = latest.get(series) ?? [];
    const last = nearestOf(pages, reading.servers);
    latest.set(series, [reading.servers, ...pages.filter((page) => page !== last)].slice(0, mostPages));
    if (last === undefined) continue;
    for (const [server, { counters }] of reading.servers) {
      const before = last.get(server)?.counters;
      // A server that was not there before has counted from 0.
      if (counters === undefined || (before === undefined && last.has(server))) continue;
      const { responseTimeMs } = counters;
      counted.push({ series, server, responseTimeMs, ...difference(counters, before) });
    }
  }
  return { readings: latest, counted };
}

/** More processes than this behind one address are not told apart. */
const mostPages = 4;

/** The page that these counters go on from: of those with none above them, the one that they have left least behind. */
function nearestOf(pages: readonly Page[], now: Page): Page | undefined {
  let nearest: Page | undefined;
  let least = Infinity;
  for (const page of pages) {
    const ahead = requestsAhead(now, page);
    if (ahead === undefined || ahead >= least) continue;
    nearest = page;
    least = ahead;
  }
  return nearest;
}

/** How many requests `now` has counted more than `page`; undefined where any counter is lower. */
function requestsAhead(now: Page, page: Page): number | undefined {
  let ahead = 0;
  for (const [server, { counters }] of now) {
    const before = page.get(server)?.counters;
    if (counters === undefined || before === undefined) continue;
    if (counterNames.some((name) => (counters[name] ?? 0) < (before[name] ?? 0))) return undefined;
    ahead += counters.requests - before.requests;
  }
  return ahead;
}

/** All that the balancers have counted of some servers since they were started or reloaded. */
export function countedSoFar(view: BalancerView, servers: ReadonlySet<string>): Count {
  return view.readings.reduce((sum, reading) => {
    if ('error' in reading) return sum;
    return [...reading.servers].reduce(
      (all, [server, { counters }]) =>
        counters === undefined || !servers.has(server) ? all : sumOf(all, difference(counters, undefined)),
      sum,
    );
  }, nothingCounted);
}

/** Mean response time of some servers, in ms, weighted by requests; undefined where nobody knows one. */
export function responseTimeSoFar(view: BalancerView, servers: ReadonlySet<string>): number | undefined {
  let requests = 0;
  let sumMs = 0;
  for (const reading of view.readings) {
    if ('error' in reading) continue;
    for (const [server, { counters }] of reading.servers) {
      if (counters === undefined || !servers.has(server)) continue;
      requests += counters.requests;
      sumMs += counters.requests * counters.responseTimeMs;
    }
  }
  return requests === 0 ? undefined : Math.round(sumMs / requests);
}

/** HAProxy with `nbproc` answers as any one of its processes, each with counters of its own. */
function seriesOf(reading: Exclude<BalancerReading, { readonly error: string }>): string {
  const [first] = reading.servers.values();
  return `${reading.balancer} ${first?.counters?.process ?? 1}`;
}

const counterNames = [
  'requests',
  'http5xx',
  'connectionErrors',
  'responseErrors',
  'redispatches',
  'answered',
] as const satisfies readonly (keyof ServerCounters)[];

function difference(now: ServerCounters, before: ServerCounters | undefined): Count {
  return {
    requests: now.requests - (before?.requests ?? 0),
    errors: errorsOf(now) - (before === undefined ? 0 : errorsOf(before)),
    answered: now.answered === undefined ? undefined : now.answered - (before?.answered ?? 0),
  };
}

/**
 * HAProxy counts a response that it gave up on under eresp and a refused connection under econ; a 5xx is the server's
 * own. What it gave to another server after this one had failed it, no client has noticed: this one has failed it all the
 * same. Another try at the same server is no further request, and is counted by how it ends.
 */
function errorsOf({ http5xx, connectionErrors, responseErrors, redispatches = 0 }: ServerCounters): number {
  return http5xx + connectionErrors + responseErrors + redispatches;
}
