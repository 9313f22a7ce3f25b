import { unreadable, withoutTraffic, type BalancerView } from '../balancer/view.ts';
import type { BakeVerdict } from '../events/event.ts';
import type { CanaryPolicy } from '../model/strategy.ts';
import type { Comparison } from './comparison.ts';
import type { Question } from './worse.ts';

/** How long nodes hold, and at most where there is too little to judge by. */
export interface Holds {
  readonly bakeMs: number;
  readonly bakeMaxMs: number;
}

/** Which look this one is: the end that was fixed beforehand comes once. */
export function lookAt(elapsedMs: number, { bakeMs }: Holds, isProlonged: boolean): Question['look'] {
  if (isProlonged) return 'late_end';
  return elapsedMs >= bakeMs ? 'planned_end' : 'running';
}

/** What comes after a look at nodes that hold: more of them, up to `bakeMaxMs` where it was to be the last one. */
export function afterLook(
  {
    verdict,
    look,
    elapsedMs,
    canLearn,
  }: {
    readonly verdict: BakeVerdict;
    readonly look: Question['look'];
    readonly elapsedMs: number;
    readonly canLearn: boolean;
  },
  { bakeMaxMs }: Holds,
): 'end' | 'prolong' | 'look_again' {
  if (verdict === 'failed') return 'end';
  if (look === 'running') return 'look_again';
  if (verdict === 'passed' || !canLearn || elapsedMs >= bakeMaxMs) return 'end';
  return look === 'planned_end' ? 'prolong' : 'look_again';
}

/**
 * Whether more time can show more. Not where no balancer counts requests, where no server of the backend got one, or
 * where the balancers send none to these by their own settings. A balancer that cannot be read now may be later.
 */
export function canLearnMore(
  view: BalancerView,
  servers: readonly string[],
  { readings, backendRequests }: Pick<Comparison, 'readings' | 'backendRequests'>,
): boolean {
  if (unreadable(view) !== undefined) return true;
  const counts = [...readings.values()].some(([page]) =>
    [...(page?.values() ?? [])].some(({ counters }) => counters !== undefined),
  );
  return counts && backendRequests > 0 && servers.some((server) => withoutTraffic(view, server).length === 0);
}

/** What a finding about nodes leads to. */
export type Consequence = 'go_on' | 'ask' | 'pause' | 'fail';

/**
 * @param isJudged false: they did not bake, so there was nothing to find
 * @param isManual a person is to say that it goes on
 */
export function consequenceOf(
  verdict: BakeVerdict,
  { onInconclusive }: Pick<CanaryPolicy, 'onInconclusive'>,
  { isJudged, isManual }: { readonly isJudged: boolean; readonly isManual: boolean },
): Consequence {
  if (verdict === 'failed') return 'fail';
  if (verdict === 'promoted') return 'go_on';
  if (verdict === 'inconclusive' && isJudged && onInconclusive !== 'continue') return onInconclusive;
  return isManual ? 'ask' : 'go_on';
}
