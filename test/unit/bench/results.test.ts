import { expect, test } from 'vitest';
import { goalsOf, summarize, type Race } from '../../../bench/results.ts';

type Figure = Race['figures'][number];

const figure = (
  job: Figure['job'],
  contestant: Figure['contestant'],
  wallMs: number,
  faults: readonly string[] = [],
): Figure => ({
  job,
  contestant,
  hosts: 24,
  wallMs,
  cpuMs: wallMs / 2,
  peakBytes: wallMs * 1000,
  exitCode: 0,
  output: '',
  faults,
});

const race = (figures: readonly Figure[], roundTripMs = 0): Race => ({ hosts: 24, roundTripMs, figures });

test('a void figure is in no median, and is counted', () => {
  const figures = [
    figure('idle', 'rollout', 300),
    figure('idle', 'rollout', 1, ['h1: app answers as 1, not as 2']),
    figure('idle', 'rollout', 100),
    figure('idle', 'rollout', 200),
    figure('idle', 'ansible', 5, ['exit 2: …']),
  ];

  expect(summarize(race(figures))).toEqual([
    {
      job: 'idle',
      hosts: 24,
      roundTripMs: 0,
      contestant: 'rollout',
      runs: 3,
      voids: 1,
      wallMs: 200,
      fastestMs: 100,
      slowestMs: 300,
      cpuMs: 100,
      peakBytes: 200_000,
    },
  ]);
});

test('a goal is judged by the medians, and what was not validly measured is missed', () => {
  const near = race([
    figure('idle', 'floor', 1000),
    figure('idle', 'ansible', 19_000),
    figure('idle', 'rollout', 1200),
    figure('update', 'floor', 10_000),
    figure('update', 'rollout', 10_600),
  ]);
  const far = race(
    [figure('idle', 'floor', 1000), figure('idle', 'ansible', 20_000, ['void']), figure('idle', 'rollout', 1500)],
    100,
  );

  expect(goalsOf({ races: [near, far], paths: [] })).toEqual([
    { goal: 'nothing to do, 24 hosts: × the floor, at most 1.2', reached: '1.20', isMet: true },
    { goal: 'nothing to do, 24 hosts: × faster than Ansible, at least 10', reached: '15.83', isMet: true },
    { goal: 'one service changed, 24 hosts: × the floor, at most 1.05', reached: '1.06', isMet: false },
    { goal: 'nothing to do, 24 hosts at 100 ms: × the floor, at most 1.5', reached: '1.50', isMet: true },
    {
      goal: 'nothing to do, 24 hosts at 100 ms: × faster than Ansible, at least 10',
      reached: undefined,
      isMet: false,
    },
  ]);
});
