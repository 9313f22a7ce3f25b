import { describe, expect, test } from 'vitest';
import type { BalancerView, ServerCounters } from '../../../src/balancer/view.ts';
import { judgeTraffic, type Judged, type Verdict } from '../../../src/plan/canary.ts';
import { compare, emptyComparison, type Comparison, type Sides } from '../../../src/plan/comparison.ts';
import { nothingCounted, type Count } from '../../../src/plan/traffic.ts';
import { budgets } from '../../../src/plan/worse.ts';
import { readingOf } from '../../support/balancer-views.ts';

const policy = { minRequests: 50, maxErrorRatio: 0.002 };
const sides: Sides = { updated: new Set(['h1']), others: new Set(['h2', 'h3']) };

type Servers = Readonly<Record<string, Partial<ServerCounters>>>;

const view = (atMs: number, servers: Servers): BalancerView => ({ atMs, readings: [readingOf(servers)] });

/** A second after the other, each with what every server does in it. */
function seconds(count: number, each: (second: number) => Servers, from: Servers = {}): readonly BalancerView[] {
  const totals = new Map<string, Record<string, number>>();
  const views = [view(0, from)];
  for (const [server, own] of Object.entries(from)) totals.set(server, { ...own } as Record<string, number>);
  for (let second = 1; second <= count; second++) {
    for (const [server, own] of Object.entries(each(second))) {
      const sum = totals.get(server) ?? {};
      for (const [name, value] of Object.entries(own))
        sum[name] = name === 'responseTimeMs' ? Number(value) : (sum[name] ?? 0) + Number(value);
      totals.set(server, sum);
    }
    views.push(view(second * 1000, Object.fromEntries([...totals].map(([server, own]) => [server, { ...own }]))));
  }
  return views;
}

const comparisonOf = (views: readonly BalancerView[], on: Sides = sides): Comparison =>
  views.reduce((comparison, each) => compare(comparison, each, on), emptyComparison);

function judge(views: readonly BalancerView[], over: Partial<Judged> = {}, on: Sides = sides): Verdict {
  return judgeTraffic({
    comparison: comparisonOf(views, on),
    policy,
    baseline: undefined,
    budget: budgets.canary,
    look: 'planned_end',
    ...over,
  });
}

/** Every server gets 20 requests a second; the canary fails these, in turns. */
const failing =
  (canary: readonly number[], peer: readonly number[] = [0]) =>
  (second: number): Servers => {
    const errors = canary[second % canary.length] ?? 0;
    const theirs = peer[second % peer.length] ?? 0;
    return {
      h1: { requests: 20, http5xx: errors, answered: 20 - errors },
      h2: { requests: 20, http5xx: theirs, answered: 20 - theirs },
      h3: { requests: 20, http5xx: 0, answered: 20 },
    };
  };

const before = (requests: number, errors: number): Judged['baseline'] => ({
  before: { requests, errors, answered: requests - errors },
  during: nothingCounted,
  responseTimeMs: 20,
});

describe('a verdict says what was seen, and what could have been', () => {
  test('nothing failed', () => {
    expect(judge(seconds(20, failing([0])))).toEqual({
      verdict: 'passed',
      reason: '0 of 400 failed (0.0 %), peers 0.0 %; 2.0 % or more would have been seen',
      canary: { requests: 400, errors: 0, errorRatio: 0 },
      peers: { requests: 800, errors: 0, errorRatio: 0, responseTimeMs: 10 },
      detectableRatio: expect.closeTo(0.0199, 4) as number,
    });
  });

  test('more traffic would have seen less', () => {
    const seen = [2, 20, 200].map((count) => judge(seconds(count * 5, failing([0]))).reason.split('; ')[1]);
    expect(seen).toEqual([
      '4.0 % or more would have been seen',
      '0.4 % or more would have been seen',
      '0.2 % or more would have been seen',
    ]);
  });

  test('where nothing short of a total failure would have been seen, it says so', () => {
    const [, few] = seconds(1, failing([0]));
    const verdict = judge([view(0, {}), few ?? view(0, {})].slice(1), { policy: { ...policy, minRequests: 0 } });
    expect(verdict).toMatchObject({ verdict: 'passed', canary: { requests: 0 } });
    expect(verdict.reason).toContain('only a total failure would have been seen');
    expect(verdict).not.toHaveProperty('detectableRatio');
  });

  test('while it goes on it only says what was seen', () => {
    expect(judge(seconds(3, failing([0])), { look: 'running' })).toMatchObject({
      verdict: 'inconclusive',
      reason: '0 of 60 failed (0.0 %), peers 0.0 %',
    });
  });
});

describe('a canary fails when it is certain to be worse, and by more than is allowed', () => {
  test('one request in twenty, next to peers without an error', () => {
    expect(judge(seconds(20, failing([1])))).toMatchObject({
      verdict: 'failed',
      reason: expect.stringMatching(
        /^20 of 400 failed \(5\.0 %\), peers 0\.0 %; at most 0\.2 % more is allowed, and chance alone does this once in 1,000,000 or more$/,
      ) as string,
    });
  });

  test('it is seen as it happens, before the end', () => {
    const views = seconds(20, failing([1]));
    const first = views.findIndex(
      (_, index) => judge(views.slice(0, index + 1), { look: 'running' }).verdict === 'failed',
    );
    expect(first).toBeGreaterThan(4);
    expect(first).toBeLessThan(12);
  });

  test.each([
    ['one failed request', [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['two', [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['a burst in one second', [0, 0, 0, 0, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ])('%s is not certain', (_, errors) => {
    expect(judge(seconds(20, failing(errors))).verdict).not.toBe('failed');
  });

  test('errors that its peers have as well are not its own', () => {
    expect(judge(seconds(30, failing([1, 2], [2, 1]))).verdict).toBe('passed');
  });

  test('what hits all at once is not its own either, though it is not there half of the time', () => {
    const outage = (second: number): Servers => {
      const errors = second === 5 || second === 6 ? 10 : 0;
      const one = { requests: 20, http5xx: errors, answered: 20 - errors };
      return { h1: one, h2: one, h3: one };
    };
    expect(judge(seconds(30, outage)).verdict).toBe('passed');
  });

  test('certain, but within what is allowed', () => {
    const views = seconds(300, (second) => ({
      h1: { requests: 1000, http5xx: 2 + (second % 2), answered: 997 },
      h2: { requests: 1000, http5xx: 1, answered: 999 },
      h3: { requests: 1000, http5xx: 1, answered: 999 },
    }));
    expect(judge(views)).toMatchObject({
      verdict: 'passed',
      reason: expect.stringMatching(/^750 of 300000 failed \(0\.3 %\), peers 0\.1 %; 0\.3 % or more/) as string,
    });
    expect(judge(views, { policy: { ...policy, maxErrorRatio: 0.001 } }).verdict).toBe('failed');
  });

  test('errors of clients are not counted', () => {
    const views = seconds(20, () => ({ h1: { requests: 20, answered: 20 }, h2: { requests: 20, answered: 20 } }));
    expect(judge(views)).toMatchObject({ verdict: 'passed', canary: { errors: 0 } });
  });
});

describe('a canary that answers nothing', () => {
  const silent = (errors: number) => (): Servers => ({
    h1: { requests: 20, http5xx: errors, answered: 0 },
    h2: { requests: 20, answered: 20 },
    h3: { requests: 20, answered: 20 },
  });

  test('has failed after a second', () => {
    const views = seconds(2, silent(20));
    expect(judge(views, { look: 'running' })).toMatchObject({
      verdict: 'failed',
      reason: 'none of 40 requests was answered, peers 0.0 %',
    });
    expect(judge(views.slice(0, 2), { look: 'running' }).verdict).toBe('inconclusive');
  });

  test('has failed when its requests hang: they neither fail nor end', () => {
    const views = seconds(7, silent(0));
    expect(judge(views, { look: 'running' })).toMatchObject({
      verdict: 'failed',
      reason: 'none of 140 requests was answered within 6.0 s, peers 0.0 %',
    });
    expect(judge(views.slice(0, 5), { look: 'running' }).verdict).toBe('inconclusive');
  });

  test('is given the time that an answer takes in this fleet', () => {
    const slow = seconds(20, () => ({
      h1: { requests: 20, answered: 0, responseTimeMs: 0 },
      h2: { requests: 20, answered: 20, responseTimeMs: 9000 },
    }));
    expect(judge(slow, { look: 'running' }).verdict).toBe('inconclusive');
  });

  test('where the balancer does not look into answers, connections tell', () => {
    const tcp = seconds(2, () => ({ h1: { requests: 20, connectionErrors: 20 }, h2: { requests: 20 } }));
    expect(judge(tcp, { look: 'running' }).verdict).toBe('failed');
  });

  test('a few requests that fail at its start are no total failure', () => {
    const views = seconds(20, (second) => failing(second === 1 ? [4] : [0])(second));
    expect(judge(views).verdict).toBe('passed');
  });
});

describe('without peers it is judged against what the fleet did before the run', () => {
  const alone: Sides = { updated: new Set(['h1']), others: new Set() };
  const errors = (perSecond: readonly number[]) => seconds(30, failing(perSecond));

  test('as good as before', () => {
    expect(judge(errors([1, 0, 0, 0, 0]), { baseline: before(100_000, 1000) }, alone)).toMatchObject({
      verdict: 'passed',
      reason: expect.stringMatching(
        /^6 of 600 failed \(1\.0 %\), the fleet before the run 1\.0 %; [\d.]+ % or more would have been seen$/,
      ) as string,
      before: { requests: 100_000, errors: 1000, errorRatio: 0.01, responseTimeMs: 20 },
    });
  });

  test('worse than before', () => {
    expect(judge(errors([1]), { baseline: before(100_000, 1000) }, alone).verdict).toBe('failed');
  });

  test('a past of another time of the day may have been half as bad', () => {
    const twice = errors([0, 0, 1, 0, 1]);
    expect(judge(twice, { baseline: before(100_000, 1000) }, alone).verdict).toBe('passed');
    expect(judge(seconds(300, failing([0, 0, 1, 0, 1])), { baseline: before(100_000, 1000) }, alone).verdict).toBe(
      'passed',
    );
    expect(judge(seconds(300, failing([1, 1, 0])), { baseline: before(100_000, 1000) }, alone).verdict).toBe('failed');
  });

  test('a short past is known less well', () => {
    const verdict = judge(errors([1]), { baseline: before(100, 1) }, alone);
    expect(verdict.verdict).toBe('passed');
    expect(verdict.detectableRatio).toBeGreaterThan(0.1);
  });

  test('a fleet that had got worse by itself during the run is the measure', () => {
    const during: Count = { requests: 5000, errors: 250, answered: 4750 };
    const baseline = { before: nothingCounted, during, responseTimeMs: undefined };
    const past = before(100_000, 1000);
    expect(
      judge(errors([1]), { baseline: { ...baseline, before: past?.before ?? nothingCounted } }, alone).verdict,
    ).toBe('passed');
  });

  test('with no past either, one that fails most of its requests has failed, one without errors has passed', () => {
    expect(judge(errors([18]), {}, alone).verdict).toBe('failed');
    expect(judge(errors([0]), {}, alone)).toMatchObject({
      verdict: 'passed',
      reason: expect.stringContaining('with nothing to compare with') as string,
    });
    expect(judge(errors([1]), {}, alone).verdict).toBe('inconclusive');
  });
});

describe('a peer that is broken itself', () => {
  const six: Sides = { updated: new Set(['h1']), others: new Set(['h2', 'h3', 'h4', 'h5', 'h6']) };
  /** Every server gets 20 requests a second; by name, how many of them fail. */
  const fleet = (errors: Readonly<Record<string, number>>) => () =>
    Object.fromEntries(
      ['h1', ...six.others].map((name) => {
        const own = errors[name] ?? 0;
        return [name, { requests: 20, http5xx: own, answered: 20 - own }];
      }),
    );

  test('hides no bad release: it is left out of what is compared with, and named', () => {
    expect(judge(seconds(20, fleet({ h1: 2, h4: 8 })), {}, six)).toMatchObject({
      verdict: 'failed',
      reason: expect.stringMatching(
        /^40 of 400 failed \(10\.0 %\), peers 0\.0 % without h4, which fails far more;/,
      ) as string,
      peers: { requests: 1600, errors: 0 },
    });
    expect(judge(seconds(20, fleet({ h1: 2, h4: 8, h6: 20 })), {}, six).reason).toContain(
      'without h4, h6, which fail far',
    );
  });

  test('sends no good release back', () => {
    expect(judge(seconds(20, fleet({ h4: 8 })), {}, six).verdict).toBe('passed');
  });

  test('is one of few: where half of them fail it is the fleet', () => {
    const half = fleet({ h1: 4, h2: 8, h3: 8, h4: 8 });
    expect(judge(seconds(20, half), {}, six)).toMatchObject({ verdict: 'passed', peers: { requests: 2000 } });
    const two: Sides = { updated: new Set(['h1']), others: new Set(['h2', 'h3']) };
    expect(judge(seconds(20, fleet({ h1: 4, h2: 8 })), {}, two)).toMatchObject({ peers: { requests: 800 } });
  });

  test('fails much more than they do: one that fails twice as much is no other kind', () => {
    const fails = fleet({ h1: 2, h2: 1, h3: 1, h4: 3, h5: 1, h6: 1 });
    expect(judge(seconds(20, fails), {}, six)).toMatchObject({ peers: { requests: 2000 } });
  });
});

describe('a backend that nobody uses', () => {
  test('gives nothing to judge, which is said in these words', () => {
    expect(judge(seconds(30, () => ({ h1: {}, h2: {}, h3: {} })))).toMatchObject({
      verdict: 'inconclusive',
      reason: 'no server of the backend got a request in that time, so there is nothing to judge',
      canary: { requests: 0 },
    });
  });

  test('is none where others get requests, or where none are asked for', () => {
    const others = seconds(30, () => ({ h1: {}, h2: { requests: 9, answered: 9 }, h3: {} }));
    expect(judge(others).reason).toMatch(/^0 requests are too few, 50 are needed/);
    const asked = { policy: { ...policy, minRequests: 0 } };
    expect(
      judge(
        seconds(30, () => ({ h1: {}, h2: {}, h3: {} })),
        asked,
      ).verdict,
    ).toBe('passed');
  });
});

describe('too little to judge by', () => {
  test('too few requests', () => {
    expect(judge(seconds(2, failing([0])))).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringMatching(/^40 requests are too few, 50 are needed: 0 of 40 failed/) as string,
    });
  });

  test('a doubt that more traffic would settle', () => {
    const views = seconds(30, failing([0, 0, 0, 0, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
    expect(judge(views)).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringMatching(
        /^it may be worse, and more traffic is needed to be certain: 3 of 600 failed/,
      ) as string,
    });
  });
});

describe('the response time is judged once all that the mean holds is of the new version', () => {
  const slow = (count: number) =>
    seconds(count, () => ({
      h1: { requests: 100, answered: 100, responseTimeMs: 90 },
      h2: { requests: 100, answered: 100, responseTimeMs: 30 },
      h3: { requests: 100, answered: 100, responseTimeMs: 30 },
    }));
  const bounded = { policy: { ...policy, maxLatencyRatio: 2 } };

  test('before that it says that it was not', () => {
    expect(judge(slow(10), bounded)).toMatchObject({
      verdict: 'passed',
      reason: expect.stringMatching(
        /; response time not judged: the balancer's mean is of 1024 requests, and 1000 were served$/,
      ) as string,
    });
    expect(judge(slow(10), bounded).canary).not.toHaveProperty('responseTimeMs');
  });

  test('then it fails', () => {
    expect(judge(slow(11), bounded)).toMatchObject({
      verdict: 'failed',
      reason: 'mean response time 90 ms, peers 30 ms; at most 2 × is allowed',
      canary: { responseTimeMs: 90 },
    });
  });

  test('only where a bound was asked for', () => {
    expect(judge(slow(11)).verdict).toBe('passed');
  });

  test('each balancer has a mean of its own: two that served 600 each have none', () => {
    const both = slow(6).map(({ atMs, readings: [reading] }): BalancerView => {
      if (reading === undefined || 'error' in reading) throw new Error('no reading');
      return { atMs, readings: [reading, { ...reading, balancer: 'lb2' }] };
    });
    expect(judge(both, bounded).reason).toContain('and 600 were served');
  });

  test('what a node served before it was updated is not counted', () => {
    const [first, ...later] = slow(14);
    const none: Sides = { updated: new Set(), others: new Set(['h1', 'h2', 'h3']) };
    let comparison = compare(emptyComparison, first ?? view(0, {}), none);
    for (const [index, each] of later.entries()) comparison = compare(comparison, each, index < 5 ? none : sides);
    const verdict = judgeTraffic({
      comparison,
      baseline: undefined,
      budget: budgets.fanOut,
      look: 'late_end',
      ...bounded,
    });
    // The look at which it changed sides says nothing of either.
    expect(verdict.reason).toContain('and 800 were served');
  });
});
