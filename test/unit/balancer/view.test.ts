import { describe, expect, test } from 'vitest';
import { parseStatus } from '../../../src/balancer/kinds/haproxy-csv.ts';
import {
  describeServer,
  heldOutBy,
  isIdle,
  isUp,
  restartedBalancer,
  sessionsElsewhere,
  unreadable,
  withoutTraffic,
  type BalancerReading,
  type BalancerView,
  type ForeignServer,
  type ServerState,
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
  test('only when every balancer that lists it shows exactly UP', () => {
    const both = view(reading('lb1', { h1: 'UP', h2: 'UP', h3: 'UP' }), reading('lb2', { h1: 'UP', h2: 'UP 1/2' }));
    expect([isUp(both, 'h1'), isUp(both, 'h2'), isUp(both, 'h3'), isUp(both, 'h4')]).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  test('for nobody while a balancer cannot be read, and that is said', () => {
    const half = view(reading('lb1', { h1: 'UP' }), { balancer: 'lb2', error: 'connect ECONNREFUSED' });
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

test.each([
  ['UP', undefined],
  ['DOWN', undefined],
  ['DRAIN', 'operator'],
  ['MAINT', 'operator'],
  ['MAINT (via chk/h1)', 'operator'],
  // No operator's doing: they end by themselves.
  ['MAINT (resolution)', undefined],
  ['DOWN (agent)', undefined],
  ['DRAIN (agent)', 'agent'],
])('%s is held out by %s', (raw, holder) => {
  expect(heldOutBy(view(reading('lb1', { h1: 'UP' }), reading('lb2', { h1: raw })), 'h1')).toBe(holder);
});

test('a server that is UP without requests says why and where', () => {
  const state: ServerState = { status: 'up', raw: 'UP', sessions: 0, queued: 0, counters: undefined };
  const pool = (balancer: string, h1: ServerState): BalancerReading => ({ balancer, servers: new Map([['h1', h1]]) });
  const both = (h1: ServerState) => withoutTraffic(view(pool('lb1', { ...state, weight: 1 }), pool('lb2', h1)), 'h1');
  expect(both({ ...state, weight: 0 })).toEqual(['UP with weight 0 at lb2']);
  expect(both({ ...state, weight: 1, isBackup: true })).toEqual(['UP as a backup server at lb2']);
  expect(both({ ...state, weight: 0, isBackup: true })).toEqual(['UP with weight 0 as a backup server at lb2']);
  expect(both({ ...state, weight: 256 })).toEqual([]);
  expect(both(state)).toEqual([]);
  expect(both({ ...state, status: 'down', raw: 'DOWN', weight: 0 })).toEqual([]);
});

test('sessions of the same server in other backends are found by its address, and by its name where there is none', () => {
  const state: ServerState = { status: 'down', raw: 'DOWN', sessions: 0, queued: 0, counters: undefined };
  const elsewhere: readonly ForeignServer[] = [
    { backend: 'api', server: 'h1', address: '10.0.0.1:80', sessions: 2 },
    { backend: 'db', server: 'h1', address: '10.0.0.1:5432', sessions: 3 },
    { backend: 'old', server: 'web-1', address: '10.0.0.1:80', sessions: 4 },
    { backend: 'bare', server: 'h1', sessions: 5 },
  ];
  const of = (address?: string) => {
    const h1 = address === undefined ? state : { ...state, address };
    return sessionsElsewhere(view({ balancer: 'lb1', servers: new Map([['h1', h1]]), elsewhere }), 'h1');
  };
  expect(of('10.0.0.1:80')).toEqual(['2 in backend api', '4 in backend old', '5 in backend bare']);
  expect(of()).toEqual(['2 in backend api', '3 in backend db', '5 in backend bare']);
});
