import { describe, expect, test } from 'vitest';
import type { CheckAnswer } from '../../../src/model/check.ts';
import { emptyTally, standingOf, tallied, withChecks, type Standing } from '../../../src/plan/checks.ts';

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

describe('a finding together with the checks', () => {
  const found = { verdict: 'passed', reason: '0 of 400 failed', canary: { requests: 400 } } as const;
  const stands = (check: string, outcome: CheckAnswer['outcome'], hosts = ['h1']): Standing => ({
    check,
    hosts,
    outcome,
    message: '0.4 is above max 0.3',
  });
  const both = { hasBalancer: true };

  test('fails with a check that fails, and is inconclusive with one that cannot be judged', () => {
    expect(withChecks(found, [stands('a', 'passed'), stands('b', 'failed')], both)).toEqual({
      ...found,
      verdict: 'failed',
      reason: 'check b for h1 failed: 0.4 is above max 0.3',
    });
    expect(withChecks(found, [stands('a', 'unanswered', ['h1', 'h2']), stands('b', 'passed')], both)).toEqual({
      ...found,
      verdict: 'inconclusive',
      reason: 'check a cannot be judged: 0.4 is above max 0.3; 0 of 400 failed',
    });
  });

  test('passes with those that pass, which are all there is without a balancer', () => {
    const passes = [stands('a', 'passed'), stands('b', 'passed'), stands('a', 'passed', ['h2'])];
    expect(withChecks(found, passes, both)).toEqual({ ...found, reason: '0 of 400 failed; passed: a, b' });
    const open = { ...found, verdict: 'inconclusive' } as const;
    expect(withChecks(open, passes, both).verdict).toBe('inconclusive');
    expect(withChecks(open, passes, { hasBalancer: false }).verdict).toBe('passed');
  });

  test('is settled without them where it failed or was promoted, and where there are none', () => {
    for (const verdict of ['failed', 'promoted', 'skipped'] as const) {
      const settled = { ...found, verdict };
      expect(withChecks(settled, [stands('a', 'failed')], both)).toBe(settled);
    }
    expect(withChecks(found, [], both)).toBe(found);
  });
});
