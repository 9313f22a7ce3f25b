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
