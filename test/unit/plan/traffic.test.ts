import { describe, expect, test } from 'vitest';
import type { BalancerView, ServerCounters } from '../../../src/balancer/view.ts';
import {
  countedSoFar,
  countTraffic,
  errorRatioOf,
  responseTimeSoFar,
  type Counted,
  type Readings,
} from '../../../src/plan/traffic.ts';
import { readingOf } from '../../support/balancer-views.ts';

const view = (...readings: BalancerView['readings']): BalancerView => ({ atMs: 0, readings });

/** What each look after the first one adds. */
function counted(views: readonly BalancerView[]): readonly (readonly Counted[])[] {
  let readings: Readings = new Map();
  return views.map((each) => {
    const step = countTraffic(readings, each);
    readings = step.readings;
    return step.counted;
  });
}

const h1 = (own: Partial<ServerCounters>, balancer = 'lb') => readingOf({ h1: own }, balancer);

describe('what a look adds to the last one', () => {
  test('the first look is where it starts; then 5xx, broken connections and broken responses are errors, 4xx are not', () => {
    const looks = counted([
      view(h1({ requests: 1000, http5xx: 500, answered: 500 })),
      view(h1({ requests: 1010, http5xx: 501, connectionErrors: 1, responseErrors: 1, answered: 507 })),
    ]);
    expect(looks).toEqual([
      [],
      [{ series: 'lb 1', server: 'h1', responseTimeMs: 10, requests: 10, errors: 3, answered: 7 }],
    ]);
  });

  test.each([
    ['requests', { requests: 20, http5xx: 51 }],
    // Busy enough to have overtaken itself.
    ['errors alone', { requests: 120, http5xx: 2 }],
    ['connection errors alone', { requests: 120, http5xx: 50, connectionErrors: 0 }],
  ])('counters that went back, seen by %s, start anew: nothing of the time before is taken for now', (_, after) => {
    const looks = counted([
      view(h1({ requests: 100, http5xx: 50, connectionErrors: 3 })),
      view(h1(after)),
      view(h1({ ...after, requests: after.requests + 7, http5xx: after.http5xx + 2 })),
    ]);
    expect(looks.map((look) => look.map(({ requests, errors }) => ({ requests, errors })))).toEqual([
      [],
      [],
      [{ requests: 7, errors: 2 }],
    ]);
  });

  test('counters that went back by one for a moment count on from where they were', () => {
    const looks = counted([100, 99, 106, 110].map((requests) => view(h1({ requests }))));
    expect(looks.map((look) => look.map(({ requests }) => requests))).toEqual([[], [], [6], [4]]);
  });

  test('one server that starts from 0 again, as when it is added anew, does not bring back what it had counted', () => {
    const looks = counted([
      view(readingOf({ h1: { requests: 500, http5xx: 400 }, h2: { requests: 500 } })),
      view(readingOf({ h1: { requests: 3 }, h2: { requests: 510 } })),
      view(readingOf({ h1: { requests: 9 }, h2: { requests: 520 } })),
    ]);
    expect(looks.map((look) => look.map(({ server, requests }) => `${server} ${requests}`))).toEqual([
      [],
      [],
      ['h1 6', 'h2 10'],
    ]);
  });

  test('an address that leads to several balancers in turns: each goes on from its own last page', () => {
    const a = (requests: number) => view(readingOf({ h1: { requests }, h2: { requests: requests + 4 } }));
    const looks = counted([a(1_000_000), a(400), a(1_000_010), a(405), a(1_000_030), a(1_000_031), a(425)]);
    expect(looks.map((look) => look.map(({ server, requests }) => `${server} ${requests}`).join(', '))).toEqual([
      '',
      '',
      'h1 10, h2 10',
      'h1 5, h2 5',
      'h1 20, h2 20',
      'h1 1, h2 1',
      'h1 20, h2 20',
    ]);
  });

  test('several balancers, and the processes of one, each count for themselves', () => {
    const looks = counted([
      view(h1({ requests: 100 }, 'lb1'), h1({ requests: 7000, process: 1 }, 'lb2')),
      view(h1({ requests: 110 }, 'lb1'), h1({ requests: 40, process: 2 }, 'lb2')),
      view(h1({ requests: 115 }, 'lb1'), h1({ requests: 7003, process: 1 }, 'lb2')),
      view(h1({ requests: 115 }, 'lb1'), h1({ requests: 44, process: 2 }, 'lb2')),
    ]);
    expect(looks.map((look) => look.map(({ series, requests }) => `${series}: ${requests}`))).toEqual([
      [],
      ['lb1 1: 10'],
      ['lb1 1: 5', 'lb2 1: 3'],
      ['lb1 1: 0', 'lb2 2: 4'],
    ]);
  });

  test('a balancer that cannot be read for a while goes on from where it was', () => {
    const looks = counted([
      view(h1({ requests: 100 })),
      view({ balancer: 'lb', error: 'timeout' }),
      view(h1({ requests: 130 })),
    ]);
    expect(looks.map((look) => look.map(({ requests }) => requests))).toEqual([[], [], [30]]);
  });

  test('a server that joins the backend counts from 0; one without counters counts nothing', () => {
    const looks = counted([
      view(readingOf({ h1: { requests: 5 } })),
      view(readingOf({ h1: { requests: 6 }, h2: { requests: 3 }, h3: undefined })),
      view(readingOf({ h1: { requests: 6 }, h2: { requests: 4 }, h3: undefined })),
    ]);
    expect(looks.map((look) => look.map(({ server, requests }) => `${server} ${requests}`))).toEqual([
      [],
      ['h1 1', 'h2 3'],
      ['h1 0', 'h2 1'],
    ]);
  });
});

test('what has been counted of some servers up to now, over all balancers', () => {
  const both = view(
    readingOf({ h1: { requests: 100, http5xx: 1, responseTimeMs: 10 }, h9: { requests: 1000 } }, 'lb1'),
    readingOf({ h1: { requests: 300, http5xx: 3, responseTimeMs: 30 } }, 'lb2'),
    { balancer: 'lb3', error: 'refused' },
  );
  expect(countedSoFar(both, new Set(['h1']))).toMatchObject({ requests: 400, errors: 4 });
  expect(responseTimeSoFar(both, new Set(['h1']))).toBe(25);
  expect(responseTimeSoFar(both, new Set(['h7']))).toBeUndefined();
});

test('requests that were tried more than once may have failed more than once: the ratio ends at 1', () => {
  expect(errorRatioOf({ requests: 4, errors: 12, answered: 0 })).toBe(1);
  expect(errorRatioOf({ requests: 0, errors: 0, answered: 0 })).toBe(0);
});
