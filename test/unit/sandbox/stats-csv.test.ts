import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parseHaproxyCsv } from '../../../src/balancer/kinds/haproxy-csv.ts';
import { Balancer } from '../../../src/sandbox/balancer/balancer.ts';
import type { CheckAnswer } from '../../../src/sandbox/balancer/backend-server.ts';
import { manualClock } from '../../support/manual-clock.ts';

const recordedFile = new URL('../../cases/sandbox/haproxy-2.6.csv', import.meta.url);

/** The recording's fleet: h1 up, h2 refusing its checks, h3 in maintenance, h4 draining. */
async function sameFleet(): Promise<{ balancer: Balancer; csv: string }> {
  const clock = manualClock(0);
  const answers: Readonly<Record<string, CheckAnswer>> = { h1: 200, h2: 'refused', h3: 200, h4: 200 };
  const targets = Object.entries(answers).map(([name, answer]) => ({
    name,
    connect: () => Promise.reject(new Error('nothing is forwarded here')),
    check: () => answer,
  }));
  const policy = { intervalMs: 250, fall: 2, rise: 2 };
  const balancer = new Balancer(targets, { backend: 'web', policy, clock, serverTimeoutMs: 1000 });
  await clock.advanceTo(1000);
  balancer.setServer('h3', 'maint');
  balancer.setServer('h4', 'drain');
  return { balancer, csv: balancer.statsCsv() };
}

test("the page has HAProxy's header and rows, each with as many fields, alike in what rollout reads", async () => {
  const recorded = await readFile(recordedFile, 'utf8');
  const { balancer, csv } = await sameFleet();
  const shape = (page: string) =>
    page.split('\n').map((line) => [...line.split(',').slice(0, 2), line.split(',').length]);
  const states = (page: string) =>
    [...(parseHaproxyCsv(page, ['web']).pools.get('web')?.servers ?? [])].map(([name, { counters: _, ...state }]) => ({
      name,
      ...state,
    }));
  await balancer.close();
  expect(csv.split('\n')[0]).toBe(recorded.split('\n')[0]);
  expect(shape(csv)).toEqual(shape(recorded));
  expect(states(csv)).toEqual(states(recorded));
});

test('columns that HAProxy fills for a server are filled, and those that it leaves empty are empty', async () => {
  const recorded = await readFile(recordedFile, 'utf8');
  const { balancer, csv } = await sameFleet();
  await balancer.close();
  // Counters and details that nobody reads: the sandbox leaves them out.
  const leftOut =
    /^(rate|rate_max|throttle|hanafail|connect|reuse|srv_icur|[qcrt]time_max|eint|dcon|dses|wrew|lastsess|.*conn_.*|.*_rate.*|intercepted|comp_.*|cache_.*|h[12]_.*|ssl_.*|agg_.*|check_code|last_agt|cookie|rate_lim|algo)$/;
  const filled = (page: string) => {
    const [header = '', ...lines] = page.replace('# ', '').split('\n');
    const cells = lines.find((line) => line.startsWith('web,h1,'))?.split(',') ?? [];
    return header.split(',').filter((name, at) => cells[at] !== '' && name !== '' && !leftOut.test(name));
  };
  expect(filled(csv)).toEqual(filled(recorded));
});
