import { logGamma } from '../src/plan/sequential.ts';
import type { BalancerView, ServerCounters, ServerState } from '../src/balancer/view.ts';

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Random = () => number;

/** Events in a span in which `mean` are expected: Knuth's product, and Hörmann's transformed rejection (PTRS, 1993). */
export function poisson(mean: number, random: Random): number {
  if (mean <= 0) return 0;
  if (mean >= 10) return rejected(mean, random);
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random(); product > limit; product *= random()) count += 1;
  return count;
}

function rejected(mean: number, random: Random): number {
  const b = 0.931 + 2.53 * Math.sqrt(mean);
  const a = -0.059 + 0.02483 * b;
  const inverseAlpha = 1.1239 + 1.1328 / (b - 3.4);
  const quick = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const u = random() - 0.5;
    const v = random();
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / us + b) * u + mean + 0.43);
    if (us >= 0.07 && v <= quick) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    const accepted = Math.log((v * inverseAlpha) / (a / (us * us) + b));
    if (accepted <= k * Math.log(mean) - mean - logGamma(k + 1)) return k;
  }
}

/** Successes in `n` tries. */
export function binomial(n: number, probability: number, random: Random): number {
  if (probability <= 0) return 0;
  if (probability >= 1) return n;
  // From one success to the next: most requests do not fail.
  const step = Math.log1p(-probability);
  let count = 0;
  for (let at = Math.floor(Math.log(1 - random()) / step); at < n; count += 1)
    at += 1 + Math.floor(Math.log(1 - random()) / step);
  return count;
}

/** What one server gets and fails in one interval. */
export interface Interval {
  /** Requests per second that are expected. */
  readonly rate: number;
  /** Share of them that fails. */
  readonly errorRatio: number;
  /** How many failures come together, on average; 1: each by itself. */
  readonly cluster?: number;
}

export const lookMs = 500;

/** A backend whose counters grow as traffic does: looked at every {@link lookMs}. */
export class SimulatedBackend {
  readonly #servers: readonly string[];
  readonly #random: Random;
  readonly #counters = new Map<string, ServerCounters>();
  #atMs = 0;

  constructor(servers: readonly string[], random: Random) {
    this.#servers = servers;
    this.#random = random;
    for (const server of servers) this.#counters.set(server, zero);
  }

  get atMs(): number {
    return this.#atMs;
  }

  /** `seconds` of the same traffic at once, as it was before the run. */
  past(seconds: number, interval: Interval): void {
    for (const server of this.#servers) this.#add(server, { ...interval, rate: interval.rate * seconds }, 1);
  }

  /** One look further. */
  advance(intervalOf: (server: string, atMs: number) => Interval): BalancerView {
    this.#atMs += lookMs;
    for (const server of this.#servers) this.#add(server, intervalOf(server, this.#atMs), lookMs / 1000);
    return this.view();
  }

  /** A reload: counters from 0. */
  reload(): void {
    for (const server of this.#servers) this.#counters.set(server, zero);
  }

  view(): BalancerView {
    const servers = new Map<string, ServerState>();
    for (const [server, counters] of this.#counters)
      servers.set(server, { status: 'up', raw: 'UP', sessions: 0, queued: 0, counters });
    return { atMs: this.#atMs, readings: [{ balancer: 'lb', servers }] };
  }

  #add(server: string, { rate, errorRatio, cluster = 1 }: Interval, seconds: number): void {
    const before = this.#counters.get(server) ?? zero;
    const requests = poisson(rate * seconds, this.#random);
    const failed = Math.min(requests, this.#failures(requests, errorRatio, cluster));
    this.#counters.set(server, {
      ...before,
      requests: before.requests + requests,
      http5xx: before.http5xx + failed,
      answered: (before.answered ?? 0) + requests - failed,
    });
  }

  /** Clusters of geometric size, as of a client that tries again. */
  #failures(requests: number, errorRatio: number, cluster: number): number {
    const clusters = binomial(requests, errorRatio / cluster, this.#random);
    let failed = clusters;
    if (cluster > 1) for (let each = 0; each < clusters; each++) while (this.#random() > 1 / cluster) failed += 1;
    return failed;
  }
}

const zero: ServerCounters = {
  requests: 0,
  http5xx: 0,
  connectionErrors: 0,
  responseErrors: 0,
  responseTimeMs: 10,
  answered: 0,
};
