import { serverNames, type BalancerView } from '../balancer/view.ts';
import { noLongerNeeded } from '../model/clock.ts';
import { judgeTraffic, type Judged, type Verdict } from '../plan/canary.ts';
import { compare, emptyComparison, type Comparison, type Sides } from '../plan/comparison.ts';
import { isUnchanged } from '../plan/reconcile.ts';
import { countedSoFar, nothingCounted, responseTimeSoFar, sumOf } from '../plan/traffic.ts';
import { budgets, type Baseline } from '../plan/worse.ts';
import type { RunContext } from './context.ts';
import type { Node, Tier } from './node.ts';

/** What is judged: the canary, whatever has been updated while more is, or all of it at the end. */
export type Phase = keyof typeof budgets;

/** How often updated nodes are looked at while others are updated. */
const lookIntervalMs = 500;

/** What the balancers count of a play during a run, and what that says of its updated nodes. */
export class TierTraffic {
  /** How the updated nodes have failed while others were updated. */
  failed: Verdict | undefined;
  readonly #tier: Tier;
  #baseline: Baseline | undefined;
  /** Nodes that the run being resumed had updated. */
  #finished: readonly Node[] = [];
  readonly #comparisons: Record<Phase, Comparison> = {
    canary: emptyComparison,
    fanOut: emptyComparison,
    soak: emptyComparison,
  };

  constructor(tier: Tier) {
    this.#tier = tier;
  }

  /** Before anything is touched: what the fleet did up to now. */
  async begin(finished: readonly Node[]): Promise<void> {
    this.#finished = finished;
    const view = await this.#tier.watch?.fresh();
    if (view === undefined) return;
    const servers = new Set(this.#tier.nodes.map(({ server }) => server));
    this.#baseline = {
      before: countedSoFar(view, servers),
      during: nothingCounted,
      responseTimeMs: responseTimeSoFar(view, servers),
    };
  }

  /** What has been updated by now. */
  get updated(): readonly Node[] {
    return this.#tier.nodes.filter((node) => node.result === 'updated' || this.#finished.includes(node));
  }

  /** A look at the nodes, and what it says together with those before it. */
  look(phase: Phase, nodes: readonly Node[], view: BalancerView, look: Judged['look']): Verdict {
    const comparison = compare(this.#comparisons[phase], view, this.#sides(nodes, view));
    this.#comparisons[phase] = comparison;
    return this.#judge(phase, look);
  }

  /** What the looks have seen. */
  comparison(phase: Phase): Comparison {
    return this.#comparisons[phase];
  }

  /** What the looks say; undefined where there was not enough to say anything. */
  conclusion(phase: Phase): Verdict | undefined {
    const { minRequests } = this.#tier.play.strategy.canary;
    const { updated, others } = this.#comparisons[phase];
    return Math.min(updated.requests, others.requests) < Math.max(1, minRequests)
      ? undefined
      : this.#judge(phase, 'late_end');
  }

  #judge(phase: Phase, look: Judged['look']): Verdict {
    const { canary, fanOut } = this.#comparisons;
    const { others } = phase === 'canary' ? emptyComparison : phase === 'fanOut' ? canary : withBoth(canary, fanOut);
    return judgeTraffic({
      comparison: this.#comparisons[phase],
      policy: this.#tier.play.strategy.canary,
      baseline: this.#baseline === undefined ? undefined : { ...this.#baseline, during: others },
      budget: budgets[phase],
      look,
    });
  }

  /** Nodes on their way are on neither side. */
  #sides(updated: readonly Node[], view: BalancerView): Sides {
    const { nodes } = this.#tier;
    const judged = new Set(updated);
    const own = new Set(nodes.map(({ server }) => server));
    const left = nodes.filter((node) => !judged.has(node) && isAsBefore(node) && !this.#finished.includes(node));
    const toCome = left.filter(({ plan }) => !isUnchanged(plan)).map(({ server }) => server);
    const others = [...toCome, ...serverNames(view).filter((server) => !own.has(server))];
    return {
      updated: new Set(updated.map(({ server }) => server)),
      // Where nothing is to come, nodes that are as wanted already are the best there is.
      others: new Set(others.length > 0 ? others : left.map(({ server }) => server)),
    };
  }
}

const withBoth = (a: Comparison, b: Comparison): Pick<Comparison, 'others'> => ({ others: sumOf(a.others, b.others) });

const isAsBefore = ({ result, before }: Node): boolean =>
  before === undefined && (result === 'untouched' || result === 'unchanged');

/** Judges what has been updated while more is: a fault may show only under more load, or after a while. */
export class Guard {
  /** Set once the updated nodes have failed. */
  failed: Verdict | undefined;
  readonly #traffic: TierTraffic;
  readonly #over = new AbortController();
  readonly #watching: Promise<void>;

  constructor(tier: Tier, traffic: TierTraffic, context: RunContext) {
    this.#traffic = traffic;
    this.#watching = this.#watch(tier, context);
    // Whoever ends it hears of it.
    this.#watching.catch(() => undefined);
  }

  /** No more looks. @throws what a look has thrown */
  async end(): Promise<void> {
    this.#over.abort(noLongerNeeded);
    await this.#watching;
  }

  async #watch({ watch }: Tier, { clock }: RunContext): Promise<void> {
    const { signal } = this.#over;
    while (watch !== undefined && !signal.aborted && this.failed === undefined) {
      try {
        await clock.sleep(lookIntervalMs, signal);
        const view = await watch.next(signal);
        const verdict = this.#traffic.look('fanOut', this.#traffic.updated, view, 'running');
        if (verdict.verdict === 'failed') this.failed = verdict;
      } catch (error) {
        if (error !== noLongerNeeded) throw error;
      }
    }
  }
}
