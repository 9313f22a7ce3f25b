import { describe, expect, test } from 'vitest';
import { parseStatus } from '../../../src/balancer/kinds/haproxy-csv.ts';
import {
  describeServer,
  isIdle,
  isUp,
  restartedBalancer,
  serversUp,
  unreadable,
  type BalancerReading,
  type BalancerView,
} from '../../../src/balancer/view.ts';

function reading(
  balancer: string,
  servers: Readonly<Record<string, string | [string, number, number]>>,
): BalancerReading {
  const states = Object.entries(servers).map(([name, written]) => {
    const [raw, sessions, queued] = typeof written === 'string' ? ([written, 0, 0] as const) : written;
    return [name, { status: parseStatus(raw), raw, sessions, queued, counters: undefined }] as const;
  });
  return { balancer, servers: new Map(states) };
}

/** One server, with so many requests since its balancer's start. */
function counting(balancer: string, requests: number): BalancerReading {
  const counters = { requests, http5xx: 0, connectionErrors: 0, responseErrors: 0, responseTimeMs: 0 };
  return { balancer, servers: new Map([['h1', { status: 'up', raw: 'UP', sessions: 0, queued: 0, counters }]]) };
}

const view = (...readings: BalancerReading[]): BalancerView => ({ atMs: 0, readings });

test('a balancer whose counters went back was reloaded, one that cannot be read was not', () => {
  const before = view(counting('lb1', 100), counting('lb2', 100), counting('lb3', 100));
  expect(restartedBalancer(before, view(counting('lb1', 100), counting('lb2', 101)))).toBeUndefined();
  expect(restartedBalancer(before, view(counting('lb1', 101), counting('lb2', 3)))).toBe('lb2');
  expect(restartedBalancer(before, view({ balancer: 'lb3', error: 'refused' }))).toBeUndefined();
});

describe('a server is drained', () => {
  test.each([
    ['DOWN without sessions', { h1: 'DOWN' }, true],
    ['DOWN with a session that is still open', { h1: ['DOWN', 1, 0] as [string, number, number] }, false],
    ['DOWN with a queued request', { h1: ['DOWN', 0, 1] as [string, number, number] }, false],
    ['UP without sessions', { h1: 'UP' }, false],
    ['on its way down, which still gets requests', { h1: 'UP 1/2' }, false],
    ['NOLB', { h1: 'NOLB' }, true],
    ['MAINT', { h1: 'MAINT' }, true],
    ['without a check, which always gets requests', { h1: 'no check' }, false],
    ['not in the backend', { h2: 'DOWN' }, false],
  ])('%s', (_, servers, drained) => {
    expect(isIdle(view(reading('lb1', servers)), 'h1')).toBe(drained);
  });

  test('only when every balancer says so, and none while one cannot be read', () => {
    expect(isIdle(view(reading('lb1', { h1: 'DOWN' }), reading('lb2', { h1: ['DOWN', 2, 0] })), 'h1')).toBe(false);
    expect(isIdle(view(reading('lb1', { h1: 'DOWN' }), { balancer: 'lb2', error: 'refused' }), 'h1')).toBe(false);
    expect(isIdle(view(reading('lb1', { h1: 'DOWN' }), reading('lb2', { h1: 'DOWN' })), 'h1')).toBe(true);
  });
});

describe('a server is up', () => {
  test('only when every balancer shows exactly UP', () => {
    const both = view(reading('lb1', { h1: 'UP', h2: 'UP', h3: 'UP' }), reading('lb2', { h1: 'UP', h2: 'UP 1/2' }));
    expect([isUp(both, 'h1'), isUp(both, 'h2'), isUp(both, 'h3')]).toEqual([true, false, false]);
    expect(serversUp(both)).toEqual(new Set(['h1']));
  });

  test('for nobody while a balancer cannot be read, and that is said', () => {
    const half = view(reading('lb1', { h1: 'UP' }), { balancer: 'lb2', error: 'connect ECONNREFUSED' });
    expect(serversUp(half)).toEqual(new Set());
    expect(isUp(half, 'h1')).toBe(false);
    expect(unreadable(half)).toBe('lb2: connect ECONNREFUSED');
  });
});

test('a server is described once where balancers agree and by balancer where they do not', () => {
  expect(describeServer(view(reading('lb1', { h1: 'DOWN 1/2' }), reading('lb2', { h1: 'DOWN 1/2' })), 'h1')).toBe(
    'DOWN 1/2',
  );
  expect(describeServer(view(reading('lb1', { h1: 'UP' }), reading('lb2', {})), 'h1')).toBe(
    'UP at lb1, not in the backend at lb2',
  );
});
