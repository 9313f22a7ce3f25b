import { dispersionOf, soFar, type Comparison, type Dispersion, type Past } from './comparison.ts';
import { peersOf, type Peers } from './peers.ts';
import {
  addStretch,
  highestRatio,
  noEvidence,
  ratioToReach,
  repeatedEvidence,
  repeatedEvidenceAt,
  singleProbability,
  singleProbabilityAt,
  type Tried,
} from './sequential.ts';
import { errorRatioOf, sumOf, type Count } from './traffic.ts';

/** In how many of all runs chance alone may send a release back. */
export interface ErrorBudget {
  /** By any of the looks, however many there are. */
  readonly repeated: number;
  /** By the one look at the end of the bake; 0: there is none. */
  readonly single: number;
}

/**
 * A good release is sent back in at most 1 of 100 runs: what each part of a run may spend of that. The canary gets most of
 * it, as it is to see much in little time. All that comes after it, stages, zones and fan-out, is one part, however long.
 */
export const budgets = {
  canary: { repeated: 0.0015, single: 0.006 },
  fanOut: { repeated: 0.00125, single: 0 },
  soak: { repeated: 0.00075, single: 0 },
} as const satisfies Readonly<Record<string, ErrorBudget>>;

/** For the ratio before the run, which is known from a sample. */
const sampleAlpha = 0.0005;
/**
 * And which is of another time of the day: so many times as many errors as before the run may be the fleet's own. Only
 * peers on the same traffic know better.
 */
const timesByItself = 2;

/** What the fleet did with the version that it ran before. */
export interface Baseline {
  /** Up to the beginning of the run, as far back as the balancers count. */
  readonly before: Count;
  /** Since then, on nodes that were not updated yet. */
  readonly during: Count;
  /** Mean response time at the beginning of the run, in ms. */
  readonly responseTimeMs: number | undefined;
}

/** What the updated nodes are compared with. */
export type Reference =
  /** `broken`: peers that are left out, as they fail much more than the others. */
  | { readonly kind: 'peers'; readonly count: Count; readonly broken: readonly string[] }
  | { readonly kind: 'before'; readonly count: Count }
  /** Nobody has counted anything of the version before. */
  | { readonly kind: 'none' };

export interface Worse {
  readonly reference: Reference;
  /** Certain, and by more than is tolerated. */
  readonly isWorse: boolean;
  /** It looks worse, and more traffic would tell. */
  readonly isInDoubt: boolean;
  /** How often chance alone makes it look as bad. */
  readonly chance: number;
}

export interface Question {
  readonly comparison: Comparison;
  readonly baseline: Baseline | undefined;
  /** How much more of the requests may fail than in the reference; 0.002 is 0.2 percentage points. */
  readonly maxErrorRatio: number;
  /** Peers that got fewer requests than this are no reference where there is a better one. */
  readonly minRequests: number;
  readonly budget: ErrorBudget;
  /** While it goes on, at the one end that was fixed beforehand, or at a later one. */
  readonly look: 'running' | 'planned_end' | 'late_end';
}

/** Errors below this, and in fewer seconds, are one mishap. */
const leastErrors = 3;
const leastBadSeconds = 3;
/** Below such a chance a bake that is over goes on, and then ends when it is above the second. */
const doubtfulChance = 0.1;
const settledChance = 0.25;
/**
 * The same by what the fleet did before the run. That may be of another time of the day, so it sends nothing back where
 * there are peers; but where they are few it tells sooner that there is something to wait for.
 */
const doubtfulByPast = 0.05;
const settledByPast = 0.1;
/** Next to its peers it must look worse rather than better. */
const evenChance = 0.5;
const overAfterSeconds = 3;

/** Whether the updated nodes fail more of their requests than the fleet does with the version before. */
export function isWorse(question: Question): Worse {
  const { comparison, maxErrorRatio } = question;
  const past = soFar(comparison);
  const peers = peersOf(comparison);
  const reference = referenceOf(question, peers);
  const { updated } = comparison;
  const isAbove = errorRatioOf(updated) - ratioToBeat(reference, question) > maxErrorRatio;
  if (updated.errors < leastErrors || !isAbove) return { reference, isWorse: false, isInDoubt: false, chance: 1 };
  const dispersion = dispersionOf(peers.servers, past);
  // Seconds hold no server by itself: with some left out, the totals tell.
  const { repeated, single } =
    reference.kind === 'peers' && reference.broken.length === 0
      ? {
          repeated: repeatedEvidence(past.evidence, dispersion.atAnyTime),
          single: singleProbability(past.evidence, dispersion.atEnd),
        }
      : against(updated, reference, question, dispersion);
  const { budget, look } = question;
  const isLate = look === 'late_end';
  const isCertain = repeated * budget.repeated >= 1 || (look === 'planned_end' && single < budget.single);
  const looksWorse = single < (isLate ? settledChance : doubtfulChance);
  const looksWorseThanPast = single < evenChance && chanceByPast(question) < (isLate ? settledByPast : doubtfulByPast);
  return {
    reference,
    isWorse: isCertain && past.badSeconds >= leastBadSeconds,
    isInDoubt: !isOverMishap(past, comparison) && (looksWorse || looksWorseThanPast),
    chance: Math.min(single, 1 / repeated),
  };
}

/** Errors of one second that is over: more traffic would not tell more of them. */
function isOverMishap({ badSeconds, lastBadIndex }: Past, { atMs }: Comparison): boolean {
  return badSeconds < 2 && Math.floor(atMs / 1000) - (lastBadIndex ?? 0) > overAfterSeconds;
}

/** How often chance alone makes it look as bad, next to what the fleet did before the run. */
function chanceByPast({ comparison, baseline, minRequests }: Question): number {
  if (baseline === undefined || baseline.before.requests < Math.max(1, minRequests)) return 1;
  return singleProbabilityAt(errorRatioOf(baseline.before), comparison.updated, 1);
}

/** How sure it is that a release is seen whose error ratio is just what is said to be seen. */
export const detectionProbability = 0.9;

/** The error ratio from which on this much traffic would have shown a bad release; undefined: nothing short of all. */
export function detectableRatio(question: Question): number | undefined {
  const { comparison, maxErrorRatio, budget } = question;
  const { requests } = comparison.updated;
  const peers = peersOf(comparison);
  const reference = referenceOf(question, peers);
  const dispersion = dispersionOf(peers.servers, soFar(comparison));
  const toBeat = ratioToBeat(reference, question) + maxErrorRatio;
  const wouldFail = (errors: number): boolean => {
    if (errors < leastErrors || errors / requests <= toBeat) return false;
    const { repeated, single } = against({ requests, errors }, reference, question, dispersion);
    return repeated * budget.repeated >= 1 || single < budget.single;
  };
  if (!wouldFail(requests)) return undefined;
  let low = 0;
  let high = requests;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (wouldFail(middle)) high = middle;
    else low = middle;
  }
  return ratioToReach(high, requests, detectionProbability);
}

/** Peers on the same traffic; without any, what the fleet did before. */
function referenceOf({ baseline, minRequests }: Question, { count: others, broken }: Peers): Reference {
  const before = baseline === undefined ? undefined : sumOf(baseline.before, baseline.during);
  if (others.requests >= Math.max(1, minRequests) || (others.requests > 0 && (before?.requests ?? 0) === 0))
    return { kind: 'peers', count: others, broken };
  return before === undefined || before.requests === 0 ? { kind: 'none' } : { kind: 'before', count: before };
}

/** What is seen must be above this; where the fleet did worse during the run than before it, the worse of both. */
function ratioToBeat(reference: Reference, { baseline }: Question): number {
  if (reference.kind === 'none') return 0;
  const during = reference.kind === 'before' && baseline !== undefined ? errorRatioOf(baseline.during) : 0;
  return Math.max(errorRatioOf(reference.count), during);
}

/** Certainty from totals. Without a reference a release is only certain to be bad that fails most of its requests. */
function against(
  updated: Tried,
  reference: Reference,
  question: Question,
  dispersion: Dispersion,
): { readonly repeated: number; readonly single: number } {
  if (reference.kind === 'peers') {
    const { requests, errors } = reference.count;
    const share = updated.requests / (updated.requests + requests);
    const evidence = addStretch(noEvidence, { errors: updated.errors, otherErrors: errors, share });
    return {
      repeated: repeatedEvidence(evidence, dispersion.atAnyTime),
      single: singleProbability(evidence, dispersion.atEnd),
    };
  }
  const ratio =
    reference.kind === 'none'
      ? 0.5
      : Math.max(
          Math.min(1, timesByItself * highestRatio(reference.count, sampleAlpha)),
          ratioToBeat(reference, question),
        );
  return {
    repeated: repeatedEvidenceAt(ratio, updated, dispersion.atAnyTime),
    single: singleProbabilityAt(ratio, updated, dispersion.atEnd),
  };
}
