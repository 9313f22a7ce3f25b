import { statesOf, type BalancerView, type ServerCounters } from '../balancer/view.ts';
import type { Traffic } from '../events/event.ts';
import type { CanaryPolicy } from '../model/strategy.ts';

/** Counters per server and balancer, and what they have added up to since the bake began. */
export interface TrafficRecord {
  readonly last: ReadonlyMap<string, ServerCounters>;
  readonly total: ReadonlyMap<string, { readonly requests: number; readonly errors: number }>;
  /** Latest mean response time per server, in ms. */
  readonly responseTimeMs: ReadonlyMap<string, number>;
}

export const emptyTraffic: TrafficRecord = { last: new Map(), total: new Map(), responseTimeMs: new Map() };

/** Adds what a reading shows since the last one. Counters that went back were reset by a reload: they count from 0. */
export function recordTraffic(record: TrafficRecord, view: BalancerView): TrafficRecord {
  const last = new Map(record.last);
  const total = new Map(record.total);
  const responseTimeMs = new Map(record.responseTimeMs);
  for (const reading of view.readings) {
    if ('error' in reading) continue;
    for (const [server, { counters }] of reading.servers) {
      if (counters === undefined) continue;
      const key = `${reading.balancer} ${server}`;
      const before = last.get(key);
      last.set(key, counters);
      responseTimeMs.set(server, counters.responseTimeMs);
      if (before === undefined) continue;
      const base = counters.requests < before.requests ? undefined : before;
      const sum = total.get(server) ?? { requests: 0, errors: 0 };
      total.set(server, {
        requests: sum.requests + counters.requests - (base?.requests ?? 0),
        errors: sum.errors + errorsOf(counters) - (base === undefined ? 0 : errorsOf(base)),
      });
    }
  }
  return { last, total, responseTimeMs };
}

export interface Verdict {
  readonly verdict: 'passed' | 'failed' | 'inconclusive';
  /** `2 of 410 requests failed (0.5 %), peers 0.0 %`. */
  readonly reason: string;
  readonly canary: Traffic;
  readonly peers: Traffic;
}

/**
 * The canary's error ratio against its peers' over the bake. It fails when it is more than `maxErrorRatio` (a
 * difference of ratios) above theirs, or slower than `maxLatencyRatio` times theirs; with fewer than `minRequests`
 * requests nothing can be said.
 */
export function judgeCanary(
  record: TrafficRecord,
  canaries: readonly string[],
  peers: readonly string[],
  policy: CanaryPolicy,
): Verdict {
  const canary = trafficOf(record, canaries);
  const others = trafficOf(record, peers);
  const words = `${canary.errors} of ${canary.requests} requests failed (${percent(canary.errorRatio)}), peers ${percent(others.errorRatio)}`;
  const traffic = { canary, peers: others };
  if (canary.requests < policy.minRequests) {
    return {
      verdict: 'inconclusive',
      reason: `${canary.requests} requests reached the canary, ${policy.minRequests} are needed to judge it`,
      ...traffic,
    };
  }
  if (canary.errorRatio > others.errorRatio + policy.maxErrorRatio) {
    return {
      verdict: 'failed',
      reason: `${words}; at most ${percent(policy.maxErrorRatio)} more is allowed`,
      ...traffic,
    };
  }
  const slowness = latencyRatio(canary, others);
  if (policy.maxLatencyRatio !== undefined && slowness !== undefined && slowness > policy.maxLatencyRatio) {
    const reason = `mean response time ${canary.responseTimeMs ?? 0} ms, peers ${others.responseTimeMs ?? 0} ms; at most ${policy.maxLatencyRatio} × is allowed`;
    return { verdict: 'failed', reason, ...traffic };
  }
  return { verdict: 'passed', reason: words, ...traffic };
}

/** A canary that left rotation by itself during its bake. */
export function lostRotation(view: BalancerView, canaries: readonly string[]): string | undefined {
  return canaries.find((server) => {
    const states = statesOf(view, server);
    return states.some(({ status }) => status === 'down' || status === 'nolb');
  });
}

function trafficOf({ total, responseTimeMs }: TrafficRecord, servers: readonly string[]): Traffic {
  let requests = 0;
  let errors = 0;
  const times: number[] = [];
  for (const server of servers) {
    requests += total.get(server)?.requests ?? 0;
    errors += total.get(server)?.errors ?? 0;
    const time = responseTimeMs.get(server);
    if (time !== undefined) times.push(time);
  }
  const mean =
    times.length === 0 ? {} : { responseTimeMs: Math.round(times.reduce((a, b) => a + b, 0) / times.length) };
  return { requests, errors, errorRatio: requests === 0 ? 0 : Math.min(1, errors / requests), ...mean };
}

function latencyRatio(canary: Traffic, peers: Traffic): number | undefined {
  if (canary.responseTimeMs === undefined || peers.responseTimeMs === undefined || peers.responseTimeMs === 0)
    return undefined;
  return canary.responseTimeMs / peers.responseTimeMs;
}

/** HAProxy counts a response that it gave up on under eresp and a refused connection under econ; a 5xx is the server's own. */
function errorsOf({ http5xx, connectionErrors, responseErrors }: ServerCounters): number {
  return http5xx + connectionErrors + responseErrors;
}

const percent = (ratio: number): string => `${(ratio * 100).toFixed(1)} %`;
