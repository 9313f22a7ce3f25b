import { statesOf, type BalancerView } from '../balancer/view.ts';
import type { Judgement, Traffic } from '../events/event.ts';
import { someOf } from '../model/alike.ts';
import { formatDuration } from '../model/duration.ts';
import type { CanaryPolicy } from '../model/strategy.ts';
import { requestsOfMean, requestsTowardsMean, responseTimeOf, type Comparison } from './comparison.ts';
import { errorRatioOf, type Count } from './traffic.ts';
import { detectableRatio, isWorse, type Baseline, type ErrorBudget, type Question, type Reference } from './worse.ts';

export interface Verdict extends Judgement {
  readonly canary: Traffic;
}

export interface Judged {
  readonly comparison: Comparison;
  readonly policy: Pick<CanaryPolicy, 'minRequests' | 'maxErrorRatio' | 'maxLatencyRatio'>;
  readonly baseline: Baseline | undefined;
  readonly budget: ErrorBudget;
  readonly look: Question['look'];
}

/**
 * Whether the updated nodes are as good as the fleet was: against their peers on the same traffic, and where there are
 * none against what the fleet did before the run (method and source: sequential.ts). They fail when they answer nothing,
 * when they are certain to fail more requests and do so by more than `maxErrorRatio`, or when they are more than
 * `maxLatencyRatio` times slower. Too few requests, nothing to compare with, or a doubt that more traffic would settle:
 * inconclusive.
 */
export function judgeTraffic(judged: Judged): Verdict {
  const { comparison, policy } = judged;
  const { updated } = comparison;
  const question: Question = { ...judged, ...policy };
  const worse = isWorse(question);
  const traffic = trafficOf(judged, worse.reference);
  const answersNothing = silence(judged, worse.reference);
  if (answersNothing !== undefined)
    return { verdict: 'failed', reason: `${answersNothing}, ${referenceWords(worse.reference)}`, ...traffic };
  const seen = `${updated.errors} of ${updated.requests} failed (${percent(errorRatioOf(updated))}), ${referenceWords(worse.reference)}`;
  if (worse.isWorse) {
    const chance = `chance alone does this once in ${rounded(1 / worse.chance)}`;
    const reason = `${seen}; at most ${percent(policy.maxErrorRatio)} more is allowed, and ${chance}`;
    return { verdict: 'failed', reason, ...traffic };
  }
  const slow = slowness(judged, traffic);
  if (slow.isTooSlow) return { verdict: 'failed', reason: slow.words, ...traffic };
  if (judged.look === 'running') return { verdict: 'inconclusive', reason: seen, ...traffic };
  const detectable = detectableRatio(question);
  const known = {
    ...traffic,
    ...(detectable === undefined ? {} : { detectableRatio: detectable }),
  };
  if (comparison.backendRequests === 0 && policy.minRequests > 0)
    return { verdict: 'inconclusive', reason: nothingSeen, ...traffic };
  const words = `${seen}; ${detectableWords(detectable)}${slow.words === '' ? '' : `; ${slow.words}`}`;
  if (updated.requests < policy.minRequests) {
    return {
      verdict: 'inconclusive',
      reason: `${updated.requests} requests are too few, ${policy.minRequests} are needed: ${words}`,
      ...known,
    };
  }
  if (worse.isInDoubt) {
    const reason = `it may be worse, and more traffic is needed to be certain: ${words}`;
    return { verdict: 'inconclusive', reason, ...known };
  }
  // Next to a fleet without an error it would be within what is allowed.
  const isGood = worse.reference.kind !== 'none' || errorRatioOf(updated) <= policy.maxErrorRatio;
  return { verdict: isGood ? 'passed' : 'inconclusive', reason: words, ...known };
}

/** Fewer failures in a row, from the first request on, may be a start that takes a moment. */
const leastUnanswered = 5;
const leastSilenceMs = 1000;
/** Requests that hang are given this long, and so many times what an answer took before. */
const hangsAfterMs = 5000;
const hangsAfterTimes = 3;
/** Where nobody knows how long an answer takes. */
const hangsAtMostMs = 30_000;

/** Requests, and not one answer: that needs no statistics, only that it is more than a moment's mishap. */
function silence({ comparison, baseline }: Judged, reference: Reference): string | undefined {
  const { updated, firstRequestMs, atMs } = comparison;
  const { requests, errors, answered } = updated;
  const lastedMs = firstRequestMs === undefined ? 0 : atMs - firstRequestMs;
  // A balancer that does not look into answers tells by the connections.
  if ((answered ?? requests - errors) > 0 || requests < leastUnanswered || lastedMs < leastSilenceMs) return undefined;
  const words = `none of ${requests} requests was answered`;
  if (errors >= failuresInARow(reference)) return words;
  const before = responseTimeOf(comparison, 'others') ?? baseline?.responseTimeMs;
  const limitMs = before === undefined ? hangsAtMostMs : Math.max(hangsAfterMs, before * hangsAfterTimes);
  return lastedMs >= limitMs ? `${words} within ${formatDuration(lastedMs)}` : undefined;
}

/** In a fleet that fails much, chance fails several in a row. */
function failuresInARow(reference: Reference): number {
  const ratio = reference.kind === 'none' ? 0 : errorRatioOf(reference.count);
  const byChance = ratio <= 0 ? 0 : Math.ceil(Math.log(1e-5) / Math.log(Math.min(ratio, 0.8)));
  return Math.max(leastUnanswered, byChance);
}

/** The response time, and why it was not judged where it was to be. */
function slowness(
  { comparison, policy }: Judged,
  { canary, peers, before }: Pick<Verdict, 'canary' | 'peers' | 'before'>,
): { readonly isTooSlow: boolean; readonly words: string } {
  const { maxLatencyRatio } = policy;
  if (maxLatencyRatio === undefined) return { isTooSlow: false, words: '' };
  if (canary.responseTimeMs === undefined) {
    const served = requestsTowardsMean(comparison);
    const words = `response time not judged: the balancer's mean is of ${requestsOfMean} requests, and ${served} were served`;
    return { isTooSlow: false, words };
  }
  const theirs = (peers ?? before)?.responseTimeMs ?? 0;
  if (theirs === 0) return { isTooSlow: false, words: 'response time not judged: there is none to compare it with' };
  const compared = `mean response time ${canary.responseTimeMs} ms, ${peers === undefined ? 'before the run' : 'peers'} ${theirs} ms`;
  return canary.responseTimeMs > maxLatencyRatio * theirs
    ? { isTooSlow: true, words: `${compared}; at most ${maxLatencyRatio} × is allowed` }
    : { isTooSlow: false, words: compared };
}

function trafficOf(
  { comparison, baseline }: Judged,
  reference: Reference,
): Pick<Verdict, 'canary' | 'peers' | 'before'> {
  const canary = toTraffic(comparison.updated, responseTimeOf(comparison, 'updated'));
  switch (reference.kind) {
    case 'peers':
      return { canary, peers: toTraffic(reference.count, responseTimeOf(comparison, 'others')) };
    case 'before':
      return { canary, before: toTraffic(reference.count, baseline?.responseTimeMs) };
    case 'none':
      return { canary };
  }
}

function toTraffic(count: Count, responseTimeMs: number | undefined): Traffic {
  const { requests, errors } = count;
  return {
    requests,
    errors,
    errorRatio: errorRatioOf(count),
    ...(responseTimeMs === undefined ? {} : { responseTimeMs }),
  };
}

function referenceWords(reference: Reference): string {
  switch (reference.kind) {
    case 'peers': {
      const { broken } = reference;
      const left =
        broken.length === 0 ? '' : ` without ${someOf(broken)}, which fail${broken.length === 1 ? 's' : ''} far more`;
      return `peers ${percent(errorRatioOf(reference.count))}${left}`;
    }
    case 'before':
      return `the fleet before the run ${percent(errorRatioOf(reference.count))}`;
    case 'none':
      return 'with nothing to compare with';
  }
}

const nothingSeen = 'no server of the backend got a request in that time, so there is nothing to judge';

function detectableWords(ratio: number | undefined): string {
  if (ratio === undefined) return 'only a total failure would have been seen';
  return `${percent(ratio)} or more would have been seen`;
}

/** A canary that left rotation by itself during its bake. */
export function lostRotation(view: BalancerView, canaries: readonly string[]): string | undefined {
  return canaries.find((server) => {
    const states = statesOf(view, server);
    return states.some(({ status }) => status === 'down' || status === 'nolb');
  });
}

/** `2.1 %`, `0.03 %`: never a ratio that is not 0 as 0. */
function percent(ratio: number): string {
  const value = ratio * 100;
  return `${value === 0 || value >= 0.095 ? value.toFixed(1) : value.toPrecision(1)} %`;
}

/** `2,300`, `1,000,000 or more`: what it stands for is no exact number. */
function rounded(times: number): string {
  if (times >= 1e6) return '1,000,000 or more';
  const shown = Number(times.toPrecision(2));
  return String(Math.round(shown)).replace(/\B(?=(\d{3})+$)/g, ',');
}
