import { describe, expect, test } from 'vitest';
import type { BalancerView, ServerCounters } from '../../../src/balancer/view.ts';
import type { CanaryPolicy } from '../../../src/model/strategy.ts';
import { emptyTraffic, judgeCanary, recordTraffic } from '../../../src/plan/canary.ts';

const policy: CanaryPolicy = {
  hosts: { count: 1 },
  bakeMs: 30_000,
  promote: 'auto',
  minRequests: 50,
  maxErrorRatio: 0.01,
};

function view(servers: Readonly<Record<string, Partial<ServerCounters>>>): BalancerView {
  const counters = { requests: 0, http5xx: 0, connectionErrors: 0, responseErrors: 0, responseTimeMs: 10 };
  return {
    atMs: 0,
    readings: [
      {
        balancer: 'lb',
        servers: new Map(
          Object.entries(servers).map(([name, own]) => [
            name,
            { status: 'up', raw: 'UP', sessions: 0, queued: 0, counters: { ...counters, ...own } },
          ]),
        ),
      },
    ],
  };
}

const judge = (views: readonly BalancerView[], over: Partial<CanaryPolicy> = {}) =>
  judgeCanary(views.reduce(recordTraffic, emptyTraffic), ['h1'], ['h2', 'h3'], { ...policy, ...over });

describe('the canary is judged by what the balancer counted during its bake', () => {
  test('errors from before the bake do not count', () => {
    const verdict = judge([
      view({ h1: { requests: 1000, http5xx: 500 }, h2: { requests: 1000 } }),
      view({ h1: { requests: 1100, http5xx: 500 }, h2: { requests: 1100 } }),
    ]);
    expect(verdict).toEqual({
      verdict: 'passed',
      reason: '0 of 100 requests failed (0.0 %), peers 0.0 %',
      canary: { requests: 100, errors: 0, errorRatio: 0, responseTimeMs: 10 },
      peers: { requests: 100, errors: 0, errorRatio: 0, responseTimeMs: 10 },
    });
  });

  test('five percent of 500s against healthy peers fails it', () => {
    const verdict = judge([
      view({ h1: {}, h2: {} }),
      view({ h1: { requests: 200, http5xx: 10 }, h2: { requests: 200 } }),
    ]);
    expect(verdict).toMatchObject({
      verdict: 'failed',
      reason: '10 of 200 requests failed (5.0 %), peers 0.0 %; at most 1.0 % more is allowed',
    });
  });

  test('errors that its peers have as well are not its own', () => {
    const verdict = judge([
      view({ h1: {}, h2: {} }),
      view({ h1: { requests: 200, http5xx: 10 }, h2: { requests: 200, http5xx: 9 } }),
    ]);
    expect(verdict.verdict).toBe('passed');
  });

  test('a response that was cut off and a refused connection are errors too', () => {
    const verdict = judge([
      view({ h1: {}, h2: {} }),
      view({ h1: { requests: 100, responseErrors: 2, connectionErrors: 2 }, h2: { requests: 100 } }),
    ]);
    expect(verdict.canary).toMatchObject({ errors: 4, errorRatio: 0.04 });
  });

  test('too few requests say nothing', () => {
    const verdict = judge([view({ h1: {} }), view({ h1: { requests: 49, http5xx: 49 } })]);
    expect(verdict).toMatchObject({
      verdict: 'inconclusive',
      reason: '49 requests reached the canary, 50 are needed to judge it',
    });
  });

  test('counters that a reload has reset go on from zero', () => {
    const verdict = judge([
      view({ h1: { requests: 500 } }),
      view({ h1: { requests: 560, http5xx: 1 } }),
      view({ h1: { requests: 20, http5xx: 1 } }),
      view({ h1: { requests: 40, http5xx: 1 } }),
    ]);
    expect(verdict.canary).toMatchObject({ requests: 100, errors: 2 });
  });

  test('is too slow only where a bound was asked for', () => {
    const views = [
      view({ h1: { responseTimeMs: 90 }, h2: { responseTimeMs: 30 } }),
      view({ h1: { requests: 100, responseTimeMs: 90 }, h2: { requests: 100, responseTimeMs: 30 } }),
    ];
    expect(judge(views).verdict).toBe('passed');
    expect(judge(views, { maxLatencyRatio: 2 })).toMatchObject({
      verdict: 'failed',
      reason: 'mean response time 90 ms, peers 30 ms; at most 2 × is allowed',
    });
  });
});
