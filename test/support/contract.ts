import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import type { Event } from '../../src/events/event.ts';
import { startRecord } from '../lab/support/balancer-record.ts';
import { containersOn, emptyFleet, snapshot, statesOn } from './containers.ts';
import type { Fleet } from './fleet.ts';
import { writePlaybook } from './playbooks.ts';
import { runRollout, startRollout, type FinishedRollout } from './rollout.ts';
import { underLoad } from './under-load.ts';

/**
 * What rollout promises of any fleet, the sandbox's and the lab's alike: the same tests run against both, so that the
 * sandbox stays honest. The fleet is empty before each test.
 */
export function contractTests(fleetOf: () => Fleet): void {
  let cwd: string;
  let health: string;
  const versions = new Map<string, string>();
  const script = (): string => inject('rolloutScript');
  const rollout = (...args: string[]): Promise<FinishedRollout> =>
    runRollout([...args, '--output', 'json'], { script: script(), cwd });
  const app = (version: string): string => versions.get(version) ?? `no version ${version}`;
  const deploy = async (version: string): Promise<void> => {
    const playbook = await writePlaybook(fleetOf(), { health, app: app(version), strategy: everyoneAtOnce });
    const { exitCode, stderr, stdout } = await rollout(playbook);
    if (exitCode !== 0) throw new Error(`the first deployment ended with ${exitCode}\n${stderr}\n${stdout}`);
  };

  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'rollout-contract-'));
    const fleet = fleetOf();
    health = await fleet.publish('shop/health', '1');
    const faults: Readonly<Record<string, Readonly<Record<string, string>>>> = {
      '1': {},
      '2': {},
      crashes: { APP_FAULT: 'crash' },
      unhealthy: { APP_FAULT: 'unhealthy' },
      errors: { APP_FAULT: 'error' },
    };
    for (const [version, env] of Object.entries(faults)) {
      versions.set(version, await fleet.publish('shop/app', version, { APP_VERSION: version, ...env }));
    }
  });
  afterAll(() => rm(cwd, { recursive: true, force: true }));
  beforeEach(() => emptyFleet(fleetOf()));

  test('a rolling update under load loses no request, canary first and alone, never fewer UP than promised', async () => {
    const fleet = fleetOf();
    await deploy('1');
    const playbook = await writePlaybook(fleet, {
      health,
      app: app('2'),
      strategy: { max_unavailable: 2, min_available: 4 },
    });
    const record = await startRecord({ statsUrl: fleet.statsUrl });
    const { result, report } = await underLoad(fleet.frontendUrl, () => rollout(playbook));
    const { minimumUp } = await record.stop();

    expect({ exitCode: result.exitCode, stderr: result.stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(result.events.at(-1)).toMatchObject({
      type: 'run_finished',
      outcome: 'changed',
      hosts: Object.fromEntries(fleet.hosts.map((host) => [host, { result: 'updated' }])),
    });
    expect({ failed: report.failed, failures: report.failures }).toEqual({ failed: 0, failures: [] });
    expect(Object.keys(report.byVersion).sort()).toEqual(['1', '2']);
    expect(report.requests).toBeGreaterThan(100);
    expect(milestones(result.events).slice(0, 4)).toEqual([
      'h1 started as canary',
      'h1 done',
      'bake',
      expect.stringMatching(/^h\d started as fan_out$/),
    ]);
    expect(minimumUp).toBeGreaterThanOrEqual(4);
    expect(await statesOn(fleet, 'h6')).toEqual(['app running', 'app.previous exited', 'health running']);
  });

  test('servers with weight 0 are no capacity: a run that would leave too few with requests touches nothing', async () => {
    const fleet = fleetOf();
    await deploy('1');
    const before = await snapshot(fleet);
    const weightless = ['h1', 'h2', 'h3'];
    await Promise.all(weightless.map((host) => fleet.setWeight(host, 0)));
    try {
      const playbook = await writePlaybook(fleet, { health, app: app('2'), strategy: { min_available: 3 } });
      const { result, report } = await underLoad(fleet.frontendUrl, () => rollout(playbook));
      expect({ exitCode: result.exitCode, stderr: result.stderr.split('\n').slice(0, 2) }).toEqual({
        exitCode: 4,
        stderr: [
          'rollout: play "web tier": updating h4 would be downtime just now',
          '  2 other nodes get requests, at least 3 must (h1 is UP with weight 0, h2 is UP with weight 0, h3 is UP with weight 0) (min_available)',
        ],
      });
      expect(report).toMatchObject({ failed: 0, failures: [] });
      expect(await snapshot(fleet)).toEqual(before);
    } finally {
      await Promise.all(weightless.map((host) => fleet.setWeight(host, 1)));
    }
  });

  test('a version that does not answer where its balancer sends is put back, with nobody there to notice it', async () => {
    const fleet = fleetOf();
    await deploy('1');
    const playbook = await writePlaybook(fleet, {
      health,
      app: app('2'),
      appKeys: { ports: ['9090:8080'], probe: { http: { port: 9090, path: '/ready' }, interval: '100ms' } },
    });
    const { exitCode, events } = await rollout(playbook);
    expect(exitCode).toBe(5);
    expect(events.find(({ type }) => type === 'node_failed')).toMatchObject({
      host: 'h1',
      failure: {
        op: { text: 'start health, admit h1' },
        message: 'nothing answers at port 8080 of the host, where it answered before the update (for 10.0 s)',
      },
    });
    expect(events.at(-1)).toMatchObject({ hosts: { h1: { result: 'restored' }, h2: { result: 'untouched' } } });
    expect((await fetch(fleet.frontendUrl)).status).toBe(200);
  });

  test('a second run has nothing to do: unchanged, exit 0, no container restarted, nothing drained', async () => {
    const fleet = fleetOf();
    await deploy('1');
    const before = await snapshot(fleet);
    const record = await startRecord({ statsUrl: fleet.statsUrl });
    const { exitCode, events } = await rollout(await writePlaybook(fleet, { health, app: app('1') }));
    const { outages } = await record.stop();
    expect(exitCode).toBe(0);
    expect(events.at(-1)).toMatchObject({ type: 'run_finished', outcome: 'unchanged' });
    expect(events.map(({ type }) => type).filter((type) => /node|op_|drain/.test(type))).toEqual([]);
    expect(await snapshot(fleet)).toEqual(before);
    expect(outages).toEqual([]);
  });

  test('a host that is on the new version already is not touched', async () => {
    const fleet = fleetOf();
    await deploy('1');
    const playbook = await writePlaybook(fleet, { health, app: app('2') });
    expect((await rollout(playbook, '--limit', 'h3')).exitCode).toBe(0);
    const before = await containersOn(fleet, 'h3');
    const { exitCode, events } = await rollout(playbook);
    expect(exitCode).toBe(0);
    expect(await containersOn(fleet, 'h3')).toEqual(before);
    expect(events.at(-1)).toMatchObject({ hosts: { h1: { result: 'updated' }, h3: { result: 'unchanged' } } });
    expect(events.filter((event) => event.type === 'node_started').map(({ host }) => host)).not.toContain('h3');
  });

  test('a changed health alone does not restart app', async () => {
    const fleet = fleetOf();
    await deploy('1');
    const before = await snapshot(fleet);
    const playbook = await writePlaybook(fleet, {
      health,
      app: app('1'),
      healthKeys: { environment: { TUNED: 'yes' } },
    });
    const { result, report } = await underLoad(fleet.frontendUrl, () => rollout(playbook));
    expect(result.exitCode).toBe(0);
    expect(report.failures).toEqual([]);
    const after = await snapshot(fleet);
    for (const host of fleet.hosts) {
      const own = (name: string, state: typeof after): readonly string[] =>
        (state[host] ?? []).filter((line) => line.startsWith(`${name} `));
      expect(own('app', after)).toEqual(own('app', before));
      expect(own('health', after)).not.toEqual(own('health', before));
    }
  });

  test.each([
    ['crashes at start', 'crashes', {}, /exited with code 1|crashed and was restarted/, true],
    [
      'never gets healthy',
      'unhealthy',
      {
        healthcheck: { test: ['CMD', '/app', '--check'], interval: '300ms', timeout: '1s', retries: 2 },
        probe: undefined,
      },
      /is unhealthy|not healthy within/,
      false,
    ],
    ['answers 500 to its probe', 'errors', {}, /\/ready answered 500/, false],
  ])(
    'a version that %s is stopped by the canary, which is put back; nothing else is touched',
    async (_, version, appKeys, message, hasLogs) => {
      const fleet = fleetOf();
      await deploy('1');
      const before = await snapshot(fleet);
      const playbook = await writePlaybook(fleet, {
        health,
        app: app(version),
        appKeys,
        strategy: { healthy_deadline: '3s' },
      });
      const { result, report } = await underLoad(fleet.frontendUrl, () => rollout(playbook));
      expect(report.failures).toEqual([]);
      expect(result.exitCode).toBe(5);
      expect(result.events.at(-1)).toMatchObject({
        type: 'run_finished',
        outcome: 'rolled_back',
        hosts: { h1: { result: 'restored' }, h2: { result: 'untouched' }, h6: { result: 'untouched' } },
      });
      const failed = result.events.find((event) => event.type === 'node_failed');
      expect(failed).toMatchObject({
        host: 'h1',
        failure: {
          op: { kind: 'verify', text: 'verify app', service: 'app' },
          message: expect.stringMatching(message) as string,
          next: expect.any(String) as string,
        },
      });
      if (hasLogs && failed?.type === 'node_failed') expect(failed.failure.logs.length).toBeGreaterThan(0);

      const after = await snapshot(fleet);
      for (const host of fleet.hosts.slice(1)) expect(after[host]).toEqual(before[host]);
      const identity = (lines: readonly string[] | undefined): readonly string[] =>
        (lines ?? []).map((line) => [line.split(' ')[0], line.split(' ').at(-1)].join(' '));
      expect(identity(after['h1'])).toEqual(identity(before['h1']));
      expect((await rollout(await writePlaybook(fleet, { health, app: app('1') }))).events.at(-1)).toMatchObject({
        outcome: 'unchanged',
      });
    },
  );

  test.each([
    ['an unknown host key', { known_hosts: '' }, 2, /h1: .* is not in known_hosts.*SHA256:.*--accept-new/s],
    ['a refused key', { user: 'nobody-such' }, 4, /h1/],
    ['a closed port', { port: 1 }, 4, /h1/],
  ])('%s is one clear error with the right exit code, and nothing is touched', async (_, change, exitCode, words) => {
    const fleet = fleetOf();
    await deploy('1');
    const before = await snapshot(fleet);
    const inventory = join(cwd, 'broken.yaml');
    const knownHosts = join(cwd, 'empty_known_hosts');
    await writeFile(knownHosts, '');
    await writeFile(
      inventory,
      JSON.stringify({
        web: {
          hosts: {
            h1: {
              ...('user' in change ? { ansible_user: change.user } : {}),
              ...('port' in change ? { ansible_port: change.port } : {}),
              ...('known_hosts' in change ? { ansible_ssh_common_args: `-o UserKnownHostsFile=${knownHosts}` } : {}),
            },
          },
        },
      }),
    );
    const result = await rollout(
      await writePlaybook(fleet, { health, app: app('2') }),
      '-i',
      fleet.inventoryFile,
      '-i',
      inventory,
    );
    expect({ exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr }).toMatchObject({
      exitCode,
      stderr: expect.stringMatching(words) as string,
    });
    expect(result.stderr).not.toMatch(/bug in rollout|at .*\.js:/);
    expect(await snapshot(fleet)).toEqual(before);
  });

  test('a playbook that does not parse is an error with its place, and nothing is touched', async () => {
    const fleet = fleetOf();
    const file = join(cwd, 'broken.yaml');
    await writeFile(file, 'name: shop\nplays:\n  - name: web\n    hosts: [web\n');
    const { exitCode, stderr } = await rollout(file, '-i', fleet.inventoryFile);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/broken\.yaml:\d+:\d+/);
  });

  test('a run that is killed half way is healed by the next one', async () => {
    const fleet = fleetOf();
    await deploy('1');
    const playbook = await writePlaybook(fleet, { health, app: app('2') });
    const killed = startRollout([playbook, '--output', 'json'], { script: script(), cwd });
    await killed.event((event) => event.type === 'op_finished' && event.op.kind === 'rename' && event.host === 'h1');
    killed.process.kill('SIGKILL');
    expect((await killed.finished).signal).toBe('SIGKILL');
    const { result, report } = await underLoad(fleet.frontendUrl, () => rollout(playbook, '--lock-timeout', '10s'));
    expect({ exitCode: result.exitCode, stderr: result.stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(report.failures).toEqual([]);
    for (const host of fleet.hosts) {
      expect(await statesOn(fleet, host)).toEqual(['app running', 'app.previous exited', 'health running']);
    }
  });

  test('an interrupted run finishes the nodes that it started, starts no other, and ends with 130', async () => {
    const fleet = fleetOf();
    await deploy('1');
    const playbook = await writePlaybook(fleet, { health, app: app('2') });
    const running = startRollout([playbook, '--output', 'json'], { script: script(), cwd });
    await running.event((event) => event.type === 'drain_started');
    running.process.kill('SIGINT');
    const { exitCode, events } = await running.finished;
    expect(exitCode).toBe(130);
    expect(events.at(-1)).toMatchObject({
      type: 'run_finished',
      outcome: 'interrupted',
      hosts: { h1: { result: 'updated' }, h2: { result: 'untouched' } },
    });
    expect(await statesOn(fleet, 'h1')).toEqual(['app running', 'app.previous exited', 'health running']);
  });

  test('of two runs at once exactly one goes on, and the other is told who holds the hosts', async () => {
    const fleet = fleetOf();
    await deploy('1');
    const playbook = await writePlaybook(fleet, { health, app: app('2') });
    const runs = await Promise.all([rollout(playbook), rollout(playbook)]);
    expect(runs.map(({ exitCode }) => exitCode).sort()).toEqual([0, 6]);
    const refused = runs.find(({ exitCode }) => exitCode === 6);
    const winner = runs.find(({ exitCode }) => exitCode === 0);
    expect(refused?.stderr).toContain(`run ${winner?.events[0]?.run ?? 'none'}`);
  });
}

/** For a first deployment, which nobody uses yet. */
const everyoneAtOnce = { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0, min_healthy_time: '0s' };

/** `h1 started as canary`, `h1 done`, `bake`, in order. */
function milestones(events: readonly Event[]): readonly string[] {
  return events.flatMap((event) => {
    if (event.type === 'node_started') return [`${event.host} started as ${event.role}`];
    if (event.type === 'node_done') return [`${event.host} done`];
    return event.type === 'bake_finished' ? ['bake'] : [];
  });
}
