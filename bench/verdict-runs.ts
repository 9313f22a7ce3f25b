import type { BalancerView } from '../src/balancer/view.ts';
import { judgeTraffic, type Verdict } from '../src/plan/canary.ts';
import { compare, emptyComparison, type Comparison, type Sides } from '../src/plan/comparison.ts';
import { countedSoFar, countTraffic, nothingCounted, sumOf, type Count, type Readings } from '../src/plan/traffic.ts';
import { budgets, type Baseline } from '../src/plan/worse.ts';
import { SimulatedBackend, type Interval } from './verdict-simulation.ts';

/** The strategy's defaults. */
const policy = { minRequests: 50, maxErrorRatio: 0.002 };
export const bakeMs = 30_000;
const bakeMaxMs = 300_000;

/** How a simulated release went. */
export interface Bake {
  /** When it was sent back, counted from the beginning of the bake; undefined: it was let through. */
  readonly sentBackAtMs: number | undefined;
  /** The end of the bake, prolonged or not. */
  readonly endMs: number;
}

export interface Release {
  readonly hosts: number;
  /** Requests per second on each server. */
  readonly rate: number;
  readonly fleet: Partial<Interval> & Pick<Interval, 'errorRatio'>;
  /** Of the updated nodes, so long after each was updated. */
  readonly updated: (sinceMs: number) => Partial<Interval> & Pick<Interval, 'errorRatio'>;
  /** What else happens: changes every interval, of updated nodes and others alike. */
  readonly weather?: (interval: Interval, server: string, atMs: number, random: () => number) => Interval;
  /** When the balancer is reloaded. */
  readonly reloadAtMs?: number;
}

const canaryOnly = (hosts: number): Sides => {
  const [canary = '', ...others] = namesOf(hosts);
  return { updated: new Set([canary]), others: new Set(others) };
};

const namesOf = (hosts: number): readonly string[] => Array.from({ length: hosts }, (_, index) => `h${index + 1}`);

/** The canary's bake as a run does it, by the real function. */
export function bakeOnce(release: Release, random: () => number): Bake {
  return bakeWith(release, random, new Judge());
}

/** The same under the rule that rollout had before: a fixed threshold at every look. */
export function bakeByThreshold(release: Release, random: () => number): Bake {
  return bakeWith(release, random, new Threshold());
}

interface Rule {
  look(view: BalancerView, sides: Sides, baseline: Baseline, isEnd: boolean): Verdict['verdict'];
}

function bakeWith(release: Release, random: () => number, rule: Rule): Bake {
  const backend = new SimulatedBackend(namesOf(release.hosts), random);
  const sides = canaryOnly(release.hosts);
  backend.past(600, intervalOf(release, release.fleet));
  const baseline = baselineOf(backend.view(), sides);
  rule.look(backend.view(), sides, baseline, false);
  for (;;) {
    if (backend.atMs === release.reloadAtMs) backend.reload();
    const view = backend.advance((server, atMs) =>
      weathered(release, sides.updated.has(server) ? release.updated(atMs) : release.fleet, server, atMs, random),
    );
    const isEnd = backend.atMs >= bakeMs;
    const verdict = rule.look(view, sides, baseline, isEnd);
    if (verdict === 'failed') return { sentBackAtMs: backend.atMs, endMs: backend.atMs };
    if ((isEnd && verdict === 'passed') || backend.atMs >= bakeMaxMs)
      return { sentBackAtMs: undefined, endMs: backend.atMs };
  }
}

const intervalOf = ({ rate }: Release, kind: Partial<Interval> & Pick<Interval, 'errorRatio'>): Interval => ({
  rate,
  ...kind,
});

function weathered(
  release: Release,
  kind: Partial<Interval> & Pick<Interval, 'errorRatio'>,
  server: string,
  atMs: number,
  random: () => number,
): Interval {
  const interval = intervalOf(release, kind);
  return release.weather?.(interval, server, atMs, random) ?? interval;
}

function baselineOf(view: BalancerView, { updated, others }: Sides): Baseline {
  const before = countedSoFar(view, new Set([...updated, ...others]));
  return { before, during: nothingCounted, responseTimeMs: undefined };
}

/** The canary's rule: each look, the one that counts once, and those of a bake that goes on. */
class Judge implements Rule {
  #comparison: Comparison = emptyComparison;
  #hasEnded = false;

  look(view: BalancerView, sides: Sides, baseline: Baseline, isEnd: boolean): Verdict['verdict'] {
    this.#comparison = compare(this.#comparison, view, sides);
    const look = !isEnd ? 'running' : this.#hasEnded ? 'late_end' : 'planned_end';
    this.#hasEnded ||= isEnd;
    return judgeTraffic({ comparison: this.#comparison, policy, baseline, budget: budgets.canary, look }).verdict;
  }
}

/** From 50 requests on, one percentage point above the peers. */
class Threshold implements Rule {
  #readings: Readings = new Map();
  #canary: Count = nothingCounted;
  #peers: Count = nothingCounted;

  look(view: BalancerView, sides: Sides): Verdict['verdict'] {
    const { readings, counted } = countTraffic(this.#readings, view);
    this.#readings = readings;
    for (const each of counted) {
      if (sides.updated.has(each.server)) this.#canary = sumOf(this.#canary, each);
      else this.#peers = sumOf(this.#peers, each);
    }
    const ratio = ({ requests, errors }: Count): number => (requests === 0 ? 0 : errors / requests);
    const isAbove = this.#canary.requests >= 50 && ratio(this.#canary) > ratio(this.#peers) + 0.01;
    return isAbove ? 'failed' : 'passed';
  }
}

export interface WholeRun {
  readonly sentBackIn: 'canary' | 'fan_out' | 'soak' | undefined;
  /** How many nodes had been updated. */
  readonly updated: number;
}

const updateMs = 10_000;
const soakMs = 120_000;

/** Canary, fan-out with a quarter of the nodes out at once, soak: what chance, or a late fault, does to a whole run. */
export function runOnce(release: Release, random: () => number): WholeRun {
  const names = namesOf(release.hosts);
  const backend = new SimulatedBackend(names, random);
  backend.past(600, intervalOf(release, release.fleet));
  const before = countedSoFar(backend.view(), new Set(names));
  const updatedAtMs = new Map([['h1', 0]]);
  const leavesAtMs = new Map<string, number>();
  const advance = (): BalancerView =>
    backend.advance((server, atMs) => {
      if (leavesAtMs.has(server)) return { rate: 0, errorRatio: 0 };
      const sinceMs = updatedAtMs.get(server);
      const kind = sinceMs === undefined ? release.fleet : release.updated(atMs - sinceMs);
      return weathered(release, kind, server, atMs, random);
    });
  const sides = (): Sides => ({
    updated: new Set(updatedAtMs.keys()),
    others: new Set(names.filter((name) => !updatedAtMs.has(name) && !leavesAtMs.has(name))),
  });
  let baseline: Baseline = { before, during: nothingCounted, responseTimeMs: undefined };
  /** Looks until `isOver`; true when the release was sent back. */
  const watch = (
    budget: Parameters<typeof judgeTraffic>[0]['budget'],
    isOver: () => boolean,
    ends: boolean,
  ): boolean => {
    let comparison = compare(emptyComparison, backend.view(), sides());
    let hasEnded = false;
    for (;;) {
      const isEnd = isOver();
      const look = !isEnd ? 'running' : hasEnded || !ends ? 'late_end' : 'planned_end';
      hasEnded ||= isEnd;
      const { verdict } = judgeTraffic({ comparison, policy, baseline, budget, look });
      const isLong = backend.atMs > 10 * bakeMaxMs;
      if (verdict === 'failed') return true;
      if (isEnd && (verdict === 'passed' || !ends || isLong)) {
        baseline = { ...baseline, during: sumOf(baseline.during, comparison.others) };
        return false;
      }
      comparison = compare(comparison, advance(), sides());
    }
  };

  const bakeEnd = backend.atMs + bakeMs;
  if (watch(budgets.canary, () => backend.atMs >= bakeEnd, true)) return { sentBackIn: 'canary', updated: 1 };
  const atOnce = Math.max(1, Math.floor(release.hosts / 4));
  const turn = (): boolean => {
    for (const [name, atMs] of leavesAtMs) {
      if (backend.atMs - atMs < updateMs) continue;
      leavesAtMs.delete(name);
      updatedAtMs.set(name, backend.atMs);
    }
    for (const name of names) {
      if (leavesAtMs.size >= atOnce) break;
      if (!updatedAtMs.has(name) && !leavesAtMs.has(name)) leavesAtMs.set(name, backend.atMs);
    }
    return updatedAtMs.size === names.length;
  };
  if (watch(budgets.fanOut, turn, false)) return { sentBackIn: 'fan_out', updated: updatedAtMs.size };
  const soakEnd = backend.atMs + soakMs;
  const isBad = watch(budgets.soak, () => backend.atMs >= soakEnd, false);
  return { sentBackIn: isBad ? 'soak' : undefined, updated: updatedAtMs.size };
}
