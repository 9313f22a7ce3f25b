import { describe, expect, test } from 'vitest';
import type { CheckAnswer } from '../../../src/model/check.ts';
import { emptyTally, standingOf, tallied } from '../../../src/plan/checks.ts';

/** `p` passed, `f` failed, `u` unanswered. */
function standing(answers: string, failureLimit: number): string {
  const outcomes = { p: 'passed', f: 'failed', u: 'unanswered' } as const;
  const all = Array.from(answers).map((letter): CheckAnswer => ({
    outcome: outcomes[letter as keyof typeof outcomes],
    message: letter,
  }));
  return standingOf({ failureLimit }, all.reduce(tallied, emptyTally)).outcome;
}

describe('a check', () => {
  test('fails with its last allowed failure, in a row or not, and does not come back', () => {
    expect(['f', 'pf', 'pfp'].map((answers) => standing(answers, 1))).toEqual(['failed', 'failed', 'failed']);
    expect(['f', 'fp', 'fpp', 'fpf', 'fufp'].map((answers) => standing(answers, 2))).toEqual([
      'passed',
      'passed',
      'passed',
      'failed',
      'failed',
    ]);
  });

  test('whose newest answer says nothing is not passed', () => {
    expect(['', 'u', 'pu', 'puup', 'fu'].map((answers) => standing(answers, 2))).toEqual([
      'unanswered',
      'unanswered',
      'unanswered',
      'passed',
      'unanswered',
    ]);
  });
});
