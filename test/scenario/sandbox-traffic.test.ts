import { afterEach, beforeEach, expect, test } from 'vitest';
import { startLoad } from '../../src/sandbox/load.ts';
import { startSandboxFleet, type SandboxFleet } from '../support/sandbox-fleet.ts';

let fleet: SandboxFleet;
const soon = { timeout: 10_000, interval: 10 };

beforeEach(async () => {
  fleet = await startSandboxFleet({ hosts: 3, delayFactor: 0, check: { intervalMs: 50, fall: 2, rise: 2 } });
  const image = await fleet.publish('shop/app', '1');
  for (const host of fleet.hosts) {
    await fleet.docker(host, ['pull', '-q', image]);
    await run(host, 'app', '8080:8080', image);
    await run(host, 'health', '8081:8080', image);
  }
  await expect.poll(() => statuses(), soon).toEqual(['UP', 'UP', 'UP']);
});
afterEach(() => fleet.close());

const run = async (host: string, name: string, port: string, image: string): Promise<void> => {
  await fleet.docker(host, ['create', '--name', name, '-p', port, '--restart', 'always', image]);
  await fleet.docker(host, ['start', name]);
};
const statuses = () => fleet.hosts.map((host) => fleet.sandbox.balancer.status(host));
const sessions = async (host: string): Promise<number> => {
  const csv = await (await fetch(`${fleet.statsUrl};csv`)).text();
  const [header = '', ...rows] = csv.replace('# ', '').split('\n');
  const row = rows.find((line) => line.startsWith(`web,${host},`))?.split(',') ?? [];
  return Number(row[header.split(',').indexOf('scur')]);
};

test('no request is lost while each node in turn is drained, updated and admitted', async () => {
  const next = await fleet.publish('shop/app', '2');
  const load = startLoad({ url: fleet.frontendUrl, connections: 20, slowMs: [100, 300] });
  for (const host of fleet.hosts) {
    await fleet.docker(host, ['stop', 'health']);
    await expect.poll(() => fleet.sandbox.balancer.status(host), soon).toBe('DOWN');
    await expect.poll(() => sessions(host), soon).toBe(0);
    await fleet.docker(host, ['stop', 'app']);
    await fleet.docker(host, ['rm', 'app']);
    await fleet.docker(host, ['pull', '-q', next]);
    await run(host, 'app', '8080:8080', next);
    await fleet.docker(host, ['start', 'health']);
    await expect.poll(() => fleet.sandbox.balancer.status(host), soon).toBe('UP');
  }
  const report = await load.stop();
  expect(report).toMatchObject({ failed: 0, retries: 0, failures: [] });
  expect(Object.keys(report.byVersion)).toEqual(['1', '2']);
  expect(report.requests).toBe(report.ok);
});

test('a container that is stopped in the midst of traffic finishes its requests, and refused ones go elsewhere', async () => {
  const load = startLoad({ url: fleet.frontendUrl, connections: 20, slowShare: 0.5, slowMs: [100, 300] });
  await expect.poll(() => load.counts.requests, soon).toBeGreaterThan(50);
  await fleet.docker('h2', ['stop', 'app']);
  await expect.poll(() => load.counts.requests, soon).toBeGreaterThan(300);
  expect(await load.stop()).toMatchObject({ failed: 0 });
  expect(await fleet.docker('h2', ['container', 'inspect', 'app', '--format', '{{.State.ExitCode}}'])).toBe('0\n');
});

test('with no server left every request gets 503, and the report says so', async () => {
  for (const host of fleet.hosts) fleet.sandbox.balancer.setServer(host, 'maint');
  const load = startLoad({ url: fleet.frontendUrl, connections: 2, slowShare: 0 });
  await expect.poll(() => load.counts.failed, soon).toBeGreaterThan(3);
  const report = await load.stop();
  expect(report.ok).toBe(0);
  expect(report.failures[0]).toEqual({
    atMs: expect.any(Number) as number,
    kind: 'status',
    status: 503,
    path: '/',
  });
});

test('a front end that is gone is refused, request by request', async () => {
  const { frontendUrl } = fleet;
  await fleet.sandbox.balancer.close();
  const load = startLoad({ url: frontendUrl, connections: 1, slowShare: 0 });
  await expect.poll(() => load.counts.failed, soon).toBeGreaterThan(2);
  const report = await load.stop();
  expect(new Set(report.failures.map(({ kind }) => kind))).toEqual(new Set(['refused']));
});

test('a partitioned host is timed out by its check, and serves again when healed', async () => {
  await fleet.partition('h3');
  await expect.poll(() => statuses(), soon).toEqual(['UP', 'UP', 'DOWN']);
  await fleet.heal('h3');
  await expect.poll(() => statuses(), soon).toEqual(['UP', 'UP', 'UP']);
});

test('a server in MAINT takes nothing, one in DRAIN is checked but takes nothing new, a reload forgets both', async () => {
  const { balancer } = fleet.sandbox;
  balancer.setServer('h1', 'maint');
  balancer.setServer('h2', 'drain');
  const load = startLoad({ url: fleet.frontendUrl, connections: 4, slowShare: 0 });
  await expect.poll(() => load.counts.requests, soon).toBeGreaterThan(20);
  await load.stop();
  const before = { statuses: statuses(), usable: balancer.usable() };
  balancer.reload();
  expect(before).toEqual({ statuses: ['MAINT', 'DRAIN', 'UP'], usable: ['h3'] });
  expect(balancer.usable()).toEqual(['h1', 'h2', 'h3']);
});
