import { describe, expect, test } from 'vitest';
import type { BalancerView } from '../../../src/balancer/view.ts';
import { compare, emptyComparison, type Comparison } from '../../../src/plan/comparison.ts';
import { afterLook, canLearnMore, consequenceOf, lookAt } from '../../../src/plan/holding.ts';
import { readingOf } from '../../support/balancer-views.ts';

const holds = { bakeMs: 30_000, bakeMaxMs: 300_000 };

test('the planned end is the first look after the bake, and every later one is a late one', () => {
  expect([lookAt(0, holds, false), lookAt(29_999, holds, false), lookAt(30_000, holds, false)]).toEqual([
    'running',
    'running',
    'planned_end',
  ]);
  expect(lookAt(30_001, holds, true)).toBe('late_end');
});

describe('after a look', () => {
  const after = (verdict: 'passed' | 'failed' | 'inconclusive', seconds: number, canLearn = true): string => {
    const elapsedMs = seconds * 1000;
    return afterLook({ verdict, elapsedMs, canLearn, look: lookAt(elapsedMs, holds, seconds > 31) }, holds);
  };

  test('a failure ends the bake at any time, and nothing else does before its end', () => {
    expect([after('failed', 1), after('failed', 30), after('failed', 200)]).toEqual(['end', 'end', 'end']);
    expect([after('passed', 29), after('inconclusive', 29)]).toEqual(['look_again', 'look_again']);
  });

  test('too little to judge by prolongs it once, up to its most; what passes then ends it', () => {
    expect(['passed', 'inconclusive'].map((verdict) => after(verdict as 'passed', 30))).toEqual(['end', 'prolong']);
    expect([after('inconclusive', 120), after('passed', 120), after('inconclusive', 300)]).toEqual([
      'look_again',
      'end',
      'end',
    ]);
  });

  test('where more time shows nothing more it ends at its time', () => {
    expect([after('inconclusive', 29, false), after('inconclusive', 30, false)]).toEqual(['look_again', 'end']);
  });

  test('where it may not be prolonged its end is its end', () => {
    const look = lookAt(30_000, holds, false);
    const soak = { bakeMs: 30_000, bakeMaxMs: 30_000 };
    expect(afterLook({ verdict: 'inconclusive', elapsedMs: 30_000, canLearn: true, look }, soak)).toBe('end');
  });
});

describe('more time can show more', () => {
  type Servers = Parameters<typeof readingOf>[0];
  const sides = { updated: new Set(['h1']), others: new Set(['h2']) };
  const seen = (...pages: readonly Servers[]): Comparison =>
    pages.reduce<Comparison>(
      (comparison, servers, index) => compare(comparison, { atMs: index * 500, readings: [readingOf(servers)] }, sides),
      emptyComparison,
    );
  const now = (servers: Servers): BalancerView => ({ atMs: 9000, readings: [readingOf(servers)] });
  const busy = seen({ h1: { requests: 5 }, h2: { requests: 5 } }, { h1: { requests: 5 }, h2: { requests: 6 } });
  const idle = seen({ h1: { requests: 5 }, h2: { requests: 5 } }, { h1: { requests: 5 }, h2: { requests: 5 } });

  test('while any server of the backend gets requests', () => {
    expect(canLearnMore(now({ h1: {}, h2: {} }), ['h1'], busy)).toBe(true);
    expect(canLearnMore(now({ h1: {}, h2: {} }), ['h1'], idle)).toBe(false);
  });

  test('not where the balancer counts nothing, nor where it sends nothing to these servers by their own settings', () => {
    const uncounted = seen({ h1: undefined, h2: undefined }, { h1: undefined, h2: undefined });
    expect(canLearnMore(now({ h1: undefined }), ['h1'], uncounted)).toBe(false);
    const [reading] = now({ h1: {}, h2: {} }).readings;
    if (reading === undefined || 'error' in reading) throw new Error('no reading');
    const weightless = new Map([...reading.servers].map(([name, state]) => [name, { ...state, weight: 0 }] as const));
    const view = { atMs: 9000, readings: [{ ...reading, servers: weightless }] };
    expect(canLearnMore(view, ['h1'], busy)).toBe(false);
  });

  test('where a balancer cannot be read just now, as it may be later', () => {
    const view: BalancerView = { atMs: 9000, readings: [{ balancer: 'lb', error: 'timeout' }] };
    expect([canLearnMore(view, ['h1'], idle), canLearnMore(view, ['h1'], emptyComparison)]).toEqual([true, true]);
  });
});

describe('what a finding leads to', () => {
  const leads = (
    verdict: Parameters<typeof consequenceOf>[0],
    onInconclusive: 'continue' | 'pause' | 'fail',
    { isJudged = true, isManual = false } = {},
  ): string => consequenceOf(verdict, { onInconclusive }, { isJudged, isManual });

  test.each([
    ['passed', 'go_on', 'go_on', 'go_on'],
    ['failed', 'fail', 'fail', 'fail'],
    ['inconclusive', 'go_on', 'pause', 'fail'],
    ['promoted', 'go_on', 'go_on', 'go_on'],
    ['skipped', 'go_on', 'go_on', 'go_on'],
  ] as const)('%s with on_inconclusive continue, pause, fail: %s, %s, %s', (verdict, ...expected) => {
    expect((['continue', 'pause', 'fail'] as const).map((way) => leads(verdict, way))).toEqual(expected);
  });

  test('one that did not bake was not to be judged', () => {
    expect(leads('inconclusive', 'fail', { isJudged: false })).toBe('go_on');
  });

  test('promote: manual asks, but for what has failed, or was promoted', () => {
    const ways = (['passed', 'skipped', 'failed', 'promoted'] as const).map((verdict) =>
      leads(verdict, 'continue', { isManual: true }),
    );
    expect(ways).toEqual(['ask', 'ask', 'fail', 'go_on']);
    expect(leads('inconclusive', 'pause', { isManual: true })).toBe('pause');
  });
});
