import { expect, test } from 'vitest';
import { parseStatus } from '../../../src/balancer/kinds/haproxy-csv.ts';
import type { BalancerReading, BalancerView, ServerState } from '../../../src/balancer/view.ts';
import { allReady, Capacity, recovered, servingNodes } from '../../../src/plan/capacity.ts';

/** `UP`, `UP w0` with weight 0, `UP bck` as a backup server. */
function state(written: string): ServerState {
  const [, raw = '', extras = ''] = /^(.*?)((?: w0| bck)*)$/.exec(written) ?? [];
  return {
    status: parseStatus(raw),
    raw,
    sessions: 0,
    queued: 0,
    counters: undefined,
    weight: extras.includes('w0') ? 0 : 1,
    ...(extras.includes('bck') ? { isBackup: true } : {}),
  };
}

function pool(servers: Readonly<Record<string, string>>, balancer = 'lb', sharesBackups = false): BalancerReading {
  const states = new Map(Object.entries(servers).map(([name, written]) => [name, state(written)]));
  return { balancer, servers: states, ...(sharesBackups ? { sharesBackups: true } : {}) };
}

const view = (...readings: BalancerReading[]): BalancerView => ({ atMs: 0, readings });
const nodes = new Set(['h1', 'h2', 'h3']);

/** Whether h1 may leave, one node having to stay. */
function leaving(readings: readonly BalancerReading[], minAvailable = 1, servers = nodes): string | undefined {
  return new Capacity(view(...readings), servers, minAvailable).refusal('h1');
}

test.each<[string, Readonly<Record<string, string>>, string | undefined]>([
  ['another node gets requests', { h1: 'UP', h2: 'UP', h3: 'DOWN' }, undefined],
  [
    'the others have weight 0',
    { h1: 'UP', h2: 'UP w0', h3: 'UP w0' },
    'h2 is UP with weight 0, h3 is UP with weight 0',
  ],
  ['the others are in MAINT and DRAIN', { h1: 'UP', h2: 'MAINT', h3: 'DRAIN' }, 'h2 is MAINT, h3 is DRAIN'],
  [
    'an agent drains the others',
    { h1: 'UP', h2: 'DRAIN (agent)', h3: 'DOWN (agent)' },
    'h2 is DRAIN (agent), h3 is DOWN (agent)',
  ],
  ['another is on its way down', { h1: 'UP', h2: 'UP 1/3', h3: 'DOWN 1/2' }, 'h2 is UP 1/3, h3 is DOWN 1/2'],
  [
    'others have no address, or answer 404',
    { h1: 'UP', h2: 'MAINT (resolution)', h3: 'NOLB' },
    'h2 is MAINT (resolution), h3 is NOLB',
  ],
  ['only strangers are left', { h1: 'UP', sorry: 'UP', h9: 'UP', h2: 'DOWN', h3: 'DOWN' }, 'h2 is DOWN, h3 is DOWN'],
  ['only a page of regrets is left', { h1: 'UP', sorry: 'UP bck', h2: 'DOWN', h3: 'DOWN' }, 'h2 is DOWN, h3 is DOWN'],
  // HAProxy sends to the first backup server as soon as no active one is left.
  ['a backup node takes over', { h1: 'UP', h2: 'UP bck', h3: 'DOWN' }, undefined],
  [
    'a backup node has weight 0',
    { h1: 'UP', h2: 'UP w0 bck', h3: 'DOWN' },
    'h2 is UP with weight 0 as a backup server, h3 is DOWN',
  ],
  [
    'a page of regrets is the first backup server',
    { h1: 'UP', sorry: 'UP bck', h2: 'UP bck', h3: 'DOWN' },
    'h2 is UP as a backup server, h3 is DOWN',
  ],
  // Active strangers keep backup nodes idle.
  [
    'a stranger is active, a node a backup server',
    { h1: 'UP', h9: 'UP', h2: 'UP bck', h3: 'DOWN' },
    'h2 is UP as a backup server, h3 is DOWN',
  ],
  ['it gets no requests itself: weight 0', { h1: 'UP w0', h2: 'UP', h3: 'DOWN' }, undefined],
  ['it gets no requests itself: a backup server', { h1: 'UP bck', h2: 'UP', h3: 'DOWN' }, undefined],
  ['it gets no requests itself: DOWN', { h1: 'DOWN', h2: 'DOWN', h3: 'DOWN' }, undefined],
  ['it gets requests without being sure', { h1: 'UP 2/3', h2: 'DOWN', h3: 'DOWN' }, 'h2 is DOWN, h3 is DOWN'],
  ['all are backup servers, and the first is another', { h2: 'UP bck', h1: 'UP bck', h3: 'UP bck' }, undefined],
  ['all are backup servers, and it is the first', { h1: 'UP bck', h2: 'UP bck', h3: 'UP bck' }, undefined],
])('a node may leave, or why not: %s', (_, servers, idle) => {
  const refusal = idle === undefined ? undefined : `0 other nodes get requests, at least 1 must (${idle})`;
  expect(leaving([pool(servers)])).toBe(refusal);
});

test('backup servers count one by one, or all of them where the balancer shares among them', () => {
  const servers = { h1: 'UP bck', h2: 'UP bck', h3: 'UP bck' };
  expect(leaving([pool(servers)], 2)).toBe(
    '1 other node gets requests, at least 2 must (h2 is UP as a backup server, h3 is UP as a backup server)',
  );
  expect(leaving([pool(servers, 'lb', true)], 2)).toBeUndefined();
  expect([servingNodes(view(pool(servers)), nodes), servingNodes(view(pool(servers, 'lb', true)), nodes)]).toEqual([
    1, 3,
  ]);
});

test('every pool has to keep enough, and one that lists fewer nodes all but one of them', () => {
  const all = pool({ h1: 'UP', h2: 'UP', h3: 'UP' }, 'lb1');
  expect(leaving([all, pool({ h1: 'UP', h2: 'UP' }, 'lb2')], 2)).toBeUndefined();
  expect(leaving([all, pool({ h1: 'UP', h2: 'UP w0' }, 'lb2')], 2)).toBe(
    '0 other nodes get requests at lb2, at least 1 must (h2 is UP at lb1, UP with weight 0 at lb2)',
  );
  expect(leaving([all, pool({ h1: 'UP' }, 'lb2')])).toBe('0 other nodes get requests at lb2, at least 1 must');
  expect(leaving([all, pool({ h2: 'UP' }, 'lb2')])).toBeUndefined();
  expect(leaving([all, pool({ h1: 'UP' }, 'lb2')], 0)).toBeUndefined();
  expect(leaving([all], 3)).toBe('2 other nodes get requests, at least 3 must');
});

test('a node that is UP at one balancer only is no capacity at the other, nor at the first', () => {
  const readings = [pool({ h1: 'UP', h2: 'UP' }, 'lb1'), pool({ h1: 'UP', h2: 'DOWN' }, 'lb2')];
  expect(leaving(readings, 1, new Set(['h1', 'h2']))).toBe(
    '0 other nodes get requests at lb1, at least 1 must (h2 is UP at lb1, DOWN at lb2)',
  );
  expect(servingNodes(view(...readings), new Set(['h1', 'h2']))).toBe(1);
});

test('those that have left already are capacity no more', () => {
  const capacity = new Capacity(view(pool({ h1: 'UP', h2: 'UP', h3: 'UP bck' })), nodes, 1);
  capacity.remove('h1');
  expect(capacity.refusal('h2')).toBeUndefined();
  capacity.remove('h2');
  expect(capacity.refusal('h3')).toBe('0 other nodes get requests, at least 1 must (h1 is out, h2 is out)');
});

test('what recovers by itself comes back, what an operator has set only when the operator gives it back', () => {
  const now = view(pool({ h1: 'UP', h2: 'MAINT', h3: 'DOWN' }));
  const refusal = (fleet: BalancerView) => new Capacity(fleet, nodes, 2).refusal('h1');
  expect([refusal(now), refusal(recovered(now)), refusal(allReady(now))]).toEqual([
    '0 other nodes get requests, at least 2 must (h2 is MAINT, h3 is DOWN)',
    '1 other node gets requests, at least 2 must (h2 is MAINT)',
    undefined,
  ]);
  const weightless = view(pool({ h1: 'UP', h2: 'UP w0', h3: 'UP' }));
  expect([refusal(recovered(weightless)), refusal(allReady(weightless))]).toEqual([
    '1 other node gets requests, at least 2 must (h2 is UP with weight 0)',
    undefined,
  ]);
});

test('without names every server counts', () => {
  expect(new Capacity(view(pool({ h1: 'UP', h9: 'UP' })), undefined, 1).refusal('h1')).toBeUndefined();
});

test('however many nodes ask of one reading, its servers are gone through once for each that is asked of it', () => {
  let lookups = 0;
  class Counted extends Set<string> {
    override has(name: string): boolean {
      lookups += 1;
      return super.has(name);
    }
  }
  const names = Array.from({ length: 1000 }, (_, index) => `n${index}`);
  const servers = new Counted(names);
  const reading = view(pool(Object.fromEntries(names.map((name) => [name, 'UP']))));
  const capacity = new Capacity(reading, servers, 1);
  const refusals = names.map((name) => {
    expect(servingNodes(reading, servers)).toBe(1000);
    const refusal = capacity.refusal(name);
    capacity.remove(name);
    return refusal;
  });
  expect(refusals.filter((refusal) => refusal !== undefined)).toHaveLength(1);
  expect(refusals.at(-1)).toContain('0 other nodes get requests, at least 1 must');
  expect(lookups).toBeLessThan(5 * names.length);
});
