import type { BakeVerdict } from '../events/event.ts';
import type { Check, CheckAnswer } from '../model/check.ts';

/** What a check has answered in one phase. */
export interface Tally {
  readonly failures: number;
  readonly last: CheckAnswer | undefined;
}

export const emptyTally: Tally = { failures: 0, last: undefined };

export function tallied({ failures }: Tally, answer: CheckAnswer): Tally {
  return { failures: failures + (answer.outcome === 'failed' ? 1 : 0), last: answer };
}

/**
 * What the answers so far come to. `failure_limit` failures fail, one after the other or not, as Argo's failureLimit
 * counts them; a check whose newest answer says nothing is not passed, however often it passed before.
 */
export function standingOf({ failureLimit }: Pick<Check, 'failureLimit'>, { failures, last }: Tally): CheckAnswer {
  if (last === undefined) return { outcome: 'unanswered', message: 'it has not been asked' };
  if (failures >= failureLimit) {
    const often = failureLimit === 1 ? '' : `${failures} times, of ${failureLimit} that are too many: `;
    return { outcome: 'failed', message: `${often}${last.message}` };
  }
  if (last.outcome === 'unanswered') return last;
  return { outcome: 'passed', message: last.message };
}

/** A check with what its answers come to, for the hosts that it was asked for. */
export interface Standing extends CheckAnswer {
  readonly check: string;
  readonly hosts: readonly string[];
}

/** The first check that stands so, in words; undefined where none does. */
export function firstStanding(standings: readonly Standing[], wanted: 'failed' | 'unanswered'): string | undefined {
  const found = standings.find(({ outcome }) => outcome === wanted);
  if (found === undefined) return undefined;
  const { check, hosts, message } = found;
  const where = hosts.length === 1 ? ` for ${hosts[0] ?? ''}` : '';
  return `check ${check}${where} ${wanted === 'failed' ? 'failed' : 'cannot be judged'}: ${message}`;
}

export interface Found {
  readonly verdict: BakeVerdict;
  readonly reason: string;
}

/**
 * A finding, with what the checks say of the same nodes. One that fails makes it fail, one that cannot be judged makes
 * it inconclusive, and where no balancer has seen anything those that pass are all that there is to judge by.
 */
export function withChecks<F extends Found>(
  finding: F,
  standings: readonly Standing[],
  { hasBalancer }: { readonly hasBalancer: boolean },
): F | (Omit<F, keyof Found> & Found) {
  if (standings.length === 0 || !isOpen(finding)) return finding;
  const failure = firstStanding(standings, 'failed');
  if (failure !== undefined) return { ...finding, verdict: 'failed', reason: failure };
  const silent = firstStanding(standings, 'unanswered');
  if (silent !== undefined) return { ...finding, verdict: 'inconclusive', reason: `${silent}; ${finding.reason}` };
  const names = [...new Set(standings.map(({ check }) => check))].join(', ');
  const reason = `${finding.reason}; passed: ${names}`;
  return hasBalancer ? { ...finding, reason } : { ...finding, verdict: 'passed', reason };
}

/** What has failed, or was promoted by a person, is settled without them. */
export const isOpen = ({ verdict }: Pick<Found, 'verdict'>): boolean =>
  verdict === 'passed' || verdict === 'inconclusive';
