import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { emptyFleet, statesOn } from './containers.ts';
import type { Fleet } from './fleet.ts';
import { writePlaybook } from './playbooks.ts';
import { runRollout, type FinishedRollout } from './rollout.ts';

const host = 'h1';

/** What rollout must never take away from a host: volumes, and containers of somebody else. For any fleet. */
export function dataTests(fleetOf: () => Fleet): void {
  let cwd: string;
  let health: string;
  const images = new Map<string, string>();
  const rollout = (...args: readonly string[]): Promise<FinishedRollout> =>
    runRollout([...args, '--limit', host, '--output', 'plain'], { script: inject('rolloutScript'), cwd });
  const deploy = async (version: string, appKeys = {}): Promise<FinishedRollout> => {
    const playbook = await write(version, appKeys);
    const finished = await rollout(playbook);
    expect({ exitCode: finished.exitCode, stderr: finished.stderr }).toEqual({ exitCode: 0, stderr: '' });
    return finished;
  };
  const write = (version: string, appKeys = {}): Promise<string> =>
    writePlaybook(fleetOf(), {
      health,
      app: images.get(version) ?? `no version ${version}`,
      appKeys,
      strategy: { canary: { hosts: 0 }, min_available: 0, max_unavailable: '100%', min_healthy_time: '0s' },
    });
  const docker = (...args: readonly string[]): Promise<string> => fleetOf().docker(host, args);

  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'rollout-data-'));
    const fleet = fleetOf();
    health = await fleet.publish('shop/health', '1');
    for (const [version, env, volumes] of [
      ['1', {}, ['/data']],
      ['2', {}, ['/data']],
      ['3', {}, ['/data']],
      ['crashes', { APP_FAULT: 'crash' }, ['/data']],
      ['plain', {}, []],
    ] as const)
      images.set(version, await fleet.publish('shop/kept', version, { APP_VERSION: version, ...env }, volumes));
  });
  afterAll(() => rm(cwd, { recursive: true, force: true }));
  beforeEach(() => emptyFleet(fleetOf()));

  /** Names of the volumes that a container mounts, by path. */
  const volumesOf = async (container: string): Promise<Readonly<Record<string, string>>> => {
    const [document] = JSON.parse(await docker('container', 'inspect', container)) as [
      { readonly Mounts: readonly { readonly Name: string; readonly Destination: string }[] },
    ];
    return Object.fromEntries(document.Mounts.map(({ Name, Destination }) => [Destination, Name]));
  };
  const byHand = async (version: string, ...options: readonly string[]): Promise<string> => {
    await docker('pull', '--quiet', images.get(version) ?? '');
    await docker('create', '--name', 'app', ...options, '--publish', '8080:8080', images.get(version) ?? '');
    await docker('start', 'app');
    return (await volumesOf('app'))['/data'] ?? 'none';
  };

  test('a container started by hand is adopted with its anonymous volume, which two updates, a failure and a rollback keep', async () => {
    const volume = await byHand('1');
    expect(volume).toMatch(/^[0-9a-f]{64}$/);

    const plan = await rollout('plan', await write('1'));
    expect(plan.stdout).toContain(`keeps the anonymous volume at /data (${volume.slice(0, 12)})`);
    await deploy('1');
    await deploy('2');
    await deploy('3');
    const back = await rollout('rollback', await write('3'));
    expect({ exitCode: back.exitCode, stderr: back.stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(await volumesOf('app')).toEqual({ '/data': volume });

    expect((await rollout(await write('crashes'))).exitCode).toBe(5);
    expect(await volumesOf('app')).toEqual({ '/data': volume });
    expect((await rollout('plan', await write('2'))).stdout).toContain('nothing to do');
    expect((await docker('volume', 'ls', '--quiet')).split('\n')).toContain(volume);
  });

  test('the container that was adopted is never removed: it steps aside, stopped', async () => {
    await byHand('plain');
    const id = (await docker('container', 'inspect', '--format', '{{.Id}}', 'app')).trim().slice(0, 12);
    await deploy('1');
    await deploy('2');
    expect(await statesOn(fleetOf(), host)).toEqual([
      `app running`,
      `app.adopted-${id} exited`,
      'app.previous exited',
      'health running',
    ]);
  });

  test('a path alone under volumes goes over; renew_anon_volumes begins anew; neither removes a volume', async () => {
    await deploy('plain', { volumes: ['/data'] });
    const first = (await volumesOf('app'))['/data'] ?? '';
    await deploy('plain', { volumes: ['/data'], environment: { CHANGED: 'yes' } });
    expect(await volumesOf('app')).toEqual({ '/data': first });
    await deploy('plain', { volumes: ['/data'], renew_anon_volumes: true, environment: { CHANGED: 'again' } });
    const second = (await volumesOf('app'))['/data'] ?? '';
    expect(second).not.toBe(first);
    // The container that had the first one is removed.
    await deploy('plain', { volumes: ['/data'], environment: { CHANGED: 'once more' } });
    expect(await volumesOf('app')).toEqual({ '/data': second });
    expect((await docker('volume', 'ls', '--quiet')).split('\n')).toEqual(expect.arrayContaining([first, second]));
  });

  test('a volume whose path becomes another’s stays, and so does the one of an image that no longer declares it', async () => {
    await deploy('1');
    const anonymous = (await volumesOf('app'))['/data'] ?? '';
    const { stdout } = await deploy('1', { volumes: ['named:/data'] });
    expect(stdout).toContain('no longer mounts the anonymous volume at /data; it stays on the host');
    await deploy('plain');
    await deploy('2');
    const volumes = (await docker('volume', 'ls', '--quiet')).split('\n');
    expect(volumes).toEqual(expect.arrayContaining([anonymous, 'named']));
  });

  test.each(['app.next', 'app.previous'])(
    'a container of somebody else called %s ends the plan, and stays with its volume',
    async (name) => {
      await deploy('1');
      await docker('create', '--name', name, '--volume', '/theirs', images.get('1') ?? '');
      const before = await volumesOf(name);
      const states = await statesOn(fleetOf(), host);

      const refused = await rollout(await write('2'));
      expect(refused.exitCode).toBe(2);
      expect(refused.stderr).toContain(`container ${name} was not made by rollout`);
      expect(await statesOn(fleetOf(), host)).toEqual(states);
      expect(await volumesOf(name)).toEqual(before);
      const unchanged = await rollout(await write('1'));
      expect(unchanged.exitCode).toBe(0);
    },
  );

  test('a port is published on the addresses that it names, and no others; a second run has nothing to do', async () => {
    const ports = ['8080:8080', '0.0.0.0:9001:8080', '127.0.0.1:9002:8080/udp'];
    await deploy('1', { ports });
    const [document] = JSON.parse(await docker('container', 'inspect', 'app')) as [
      {
        readonly NetworkSettings: {
          readonly Ports: Readonly<Record<string, readonly Readonly<Record<string, string>>[]>>;
        };
      },
    ];
    const bound = Object.entries(document.NetworkSettings.Ports).flatMap(([port, bindings]) =>
      bindings.map(({ HostIp = '', HostPort = '' }) => `${HostIp} ${HostPort} ${port}`),
    );
    expect(bound.sort()).toEqual([
      '0.0.0.0 8080 8080/tcp',
      '0.0.0.0 9001 8080/tcp',
      '127.0.0.1 9002 8080/udp',
      ':: 8080 8080/tcp',
    ]);
    expect((await rollout('plan', await write('1', { ports }))).stdout).toContain('nothing to do');
  });
}
