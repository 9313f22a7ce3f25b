import { expect, test } from 'vitest';
import { floorSpans, parseCalls, type Counts } from '../../../bench/counts.ts';
import { withPart, type Part, type Parts } from '../../../bench/parts.ts';
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

const counted = (contestant: Counts['contestant'], whileOut: number): Counts => ({
  contestant,
  processes: 20,
  ofUpdate: 12,
  whileOut,
  calls: [],
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
    figure('update', 'rollout', 9600),
  ]);
  const far = race(
    [
      figure('idle', 'floor', 1000),
      figure('idle', 'ansible', 20_000, ['void']),
      figure('idle', 'rollout', 1150),
      figure('update', 'floor', 10_000),
      figure('update', 'rollout', 11_000),
    ],
    100,
  );

  const counts = [
    { commit: 'a', counts: counted('rollout', 5) },
    { commit: 'a', counts: counted('floor', 6) },
    { commit: 'b', counts: counted('rollout', 4) },
  ];

  expect(goalsOf({ races: [near, far], paths: [], counts })).toEqual([
    { goal: 'nothing to do, 24 hosts: × the floor, at most 1', reached: '1.20', isMet: false },
    { goal: 'one service changed, 24 hosts: × the floor, at most 1', reached: '0.96', isMet: true },
    { goal: 'one service changed, 24 hosts: × faster than Ansible, at least 2.2', reached: undefined, isMet: false },
    { goal: 'nothing to do, 24 hosts at 100 ms: × the floor, at most 1.15', reached: '1.15', isMet: true },
    { goal: 'one service changed, 24 hosts at 100 ms: × the floor, at most 1.05', reached: '1.10', isMet: false },
    { goal: 'docker processes between drained and let in, a, at most 4', reached: '5', isMet: false },
    { goal: 'docker processes between drained and let in, b, at most 4', reached: '4', isMet: true },
  ]);
});

test('of the calls of docker on a host those count as its time out that lie between its drain and its way in', () => {
  const calls = parseCalls(
    [
      '9.5 ps --no-trunc --format {{.Names}} {{.ID}}',
      '10.000000 container inspect -f {{.Name}} health app app.previous',
      '12.5 create --name app.next --publish 8080:8080 shop/app',
      '12.4 update --restart no health',
      '12.6 stop --time 5 health',
      '13,25 stop --time 10 app',
      '13.5 rename app app.previous',
      '13.75 start app',
      '14 start health',
      '14.1 update --restart always health',
      '',
    ].join('\n'),
  );

  expect(calls.map(({ atMs }) => atMs)).toEqual([
    10_000, 12_500, 12_400, 12_600, 13_250, 13_500, 13_750, 14_000, 14_100,
  ]);
  expect(floorSpans(calls)).toEqual({
    update: { fromMs: 12_400, untilMs: Infinity },
    out: { fromMs: 13_250, untilMs: 14_000 },
  });
});

test('rounds are added to those of the same commit, and anything else takes the place of what was found before', () => {
  const part = (commit: string, wallMs: number, minutes: number): Part => ({
    finding: { kind: 'race', race: race([figure('idle', 'floor', wallMs)]) },
    commit,
    date: '2026-11-27',
    minutes,
    machine: [],
  });
  const wallsOf = ({ finding }: Part): readonly number[] =>
    finding.kind === 'race' ? finding.race.figures.map(({ wallMs }) => wallMs) : [];
  const one = withPart({ startup: part('a', 9, 1) }, '8-hosts', part('a', 1, 2), true);

  const shown = (parts: Parts) => Object.entries(parts).map(([name, of]) => [name, wallsOf(of), of.minutes]);
  expect(shown(withPart(one, '8-hosts', part('a', 2, 3), true))).toEqual([
    ['startup', [9], 1],
    ['8-hosts', [1, 2], 5],
  ]);
  expect(shown(withPart(one, '8-hosts', part('b', 2, 3), true))).toEqual([
    ['startup', [9], 1],
    ['8-hosts', [2], 3],
  ]);
  expect(shown(withPart(one, '8-hosts', part('a', 2, 3), false))).toEqual([
    ['startup', [9], 1],
    ['8-hosts', [2], 3],
  ]);
});
