import { expect, test } from 'vitest';
import type { BalancerView } from '../../../src/balancer/view.ts';
import { Gauge } from '../../../src/engine/gauge.ts';
import { readingOf } from '../../support/balancer-views.ts';

type Counters = Parameters<typeof readingOf>[0];

const view = (atMs: number, ...readings: readonly Counters[]): BalancerView => ({
  atMs,
  readings: readings.map((servers, index) => readingOf(servers, `lb${index + 1}`)),
});

test('what is seen of a pool: capacity, sessions, and what was counted since the last time', () => {
  const gauge = new Gauge();
  const servers = new Set(['h1', 'h2', 'h3']);
  const seen = [
    view(0, { h1: { requests: 100 }, h2: { requests: 100, http5xx: 7 } }),
    // Too soon.
    view(1999, { h1: { requests: 150 }, h2: { requests: 150 } }),
    view(2000, { h1: { requests: 160 }, h2: { requests: 160, http5xx: 10 } }),
    // After a reload counting begins anew.
    view(6000, { h1: { requests: 3 }, h2: { requests: 4 } }),
    view(8500, { h1: { requests: 13 }, h2: { requests: 4, connectionErrors: 2 } }),
  ].map((each) => gauge.seen(each, servers));
  const pool = { up: 2, servers: 3 };
  expect(seen).toEqual([
    { pool, sessions: 0, spanMs: 0 },
    undefined,
    { pool, sessions: 0, requests: 120, errors: 3, spanMs: 2000 },
    { pool, sessions: 0, spanMs: 4000 },
    { pool, sessions: 0, requests: 10, errors: 2, spanMs: 2500 },
  ]);
});

test('several balancers add up; one that cannot be read is waited for; what none counts is not 0', () => {
  const several = new Gauge();
  several.seen(view(0, { h1: { requests: 1 } }, { h1: { requests: 10 } }), undefined);
  const broken: BalancerView = { atMs: 2500, readings: [readingOf({ h1: {} }), { balancer: 'lb2', error: 'refused' }] };
  expect(several.seen(broken, undefined)).toBeUndefined();
  expect(several.seen(view(3000, { h1: { requests: 3 } }, { h1: { requests: 15 } }), undefined)).toEqual({
    pool: { up: 1, servers: 1 },
    sessions: 0,
    requests: 7,
    errors: 0,
    spanMs: 3000,
  });
  const uncounted = new Gauge();
  uncounted.seen(view(0, { h1: undefined }), undefined);
  expect(uncounted.seen(view(2000, { h1: undefined }), undefined)).toEqual({
    pool: { up: 1, servers: 1 },
    sessions: 0,
    spanMs: 2000,
  });
});
