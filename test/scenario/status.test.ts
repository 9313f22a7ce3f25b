import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openStatus } from '../../src/api/status.ts';
import type { FleetStatus } from '../../src/plan/status-model.ts';
import { manualBlock } from '../support/manual-blocks.ts';
import { startStage, type Stage } from './support/stage.ts';

let stage: Stage;
let image: string;
beforeAll(async () => {
  stage = await startStage({ hosts: 3 });
  image = await stage.deploy('1');
});
beforeEach(() => stage.reset());
afterAll(() => stage.close());

const look = async (file: string, ...args: readonly string[]) => {
  const { exitCode, stdout, stderr } = await stage.rollout('status', file, ...args);
  return { exitCode, stderr, status: JSON.parse(stdout) as FleetStatus };
};

/** Times and ids differ from run to run. */
const withoutTimes = (text: string): string =>
  text
    .replace(/for [\d.]+ (?:ms|s)\b/g, 'for TIME')
    .replace(/in the last [\d.]+ m?s/g, 'in the last TIME')
    .replace(/ +(?=for TIME)/g, '  ');

test('a fleet as wanted, in one table, and no lock taken', async () => {
  const file = await stage.playbook(image);
  const taken = stage.fleet.hosts.map((host) => stage.fleet.sandbox.host(host).machine.lock.taken);
  const { exitCode, stdout, stderr } = await stage.plain('status', file, '--exit-code');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const host = (name: string) => [
    '',
    `✓ ${name}  UP, 0 sessions`,
    '    health  shop/health:1  running  for TIME',
    '    app     shop/app:1     running  for TIME',
  ];
  expect(withoutTimes(stdout).trimEnd().split('\n')).toEqual([
    'web tier: 3 hosts, 3 as wanted',
    'Balancer: 3 of 3 UP, 0 sessions, no requests in the last TIME',
    ...host('h1'),
    ...host('h2'),
    ...host('h3'),
  ]);
  expect(stage.fleet.hosts.map((name) => stage.fleet.sandbox.host(name).machine.lock.taken)).toEqual(taken);
});

test('a look is one command a host, also for a host of several plays', async () => {
  const commands: string[] = [];
  const more = { name: 'batch', hosts: 'h1', services: { other: { image } } };
  const file = await stage.playbook(image, { file: 'two-plays', more: [more] });
  const reader = await openStatus(file, {
    cwd: stage.cwd,
    showsCommands: true,
    onEvent: (event) => {
      if (event.type === 'command_run') commands.push(event.host);
    },
  });
  const status = await reader.look();
  await reader.close();
  expect(commands.toSorted()).toEqual(['h1', 'h2', 'h3']);
  expect(
    status.plays.map(({ play, hosts }) => [play, hosts.map(({ host, asWanted }) => `${host} ${asWanted}`)]),
  ).toEqual([
    ['web tier', ['h1 true', 'h2 true', 'h3 true']],
    ['batch', ['h1 false']],
  ]);
});

test('what a run would change, a container that was stopped by hand, and a host that is down', async () => {
  await stage.fleet.docker('h2', ['stop', 'health']);
  await stage.fleet.hostDown('h3');
  const file = await stage.playbook(await stage.app('2'));
  const { exitCode, status } = await look(file, '--exit-code');
  expect(exitCode).toBe(10);
  expect(status.asWanted).toBe(false);
  const [play] = status.plays;
  expect(
    play?.hosts.map(({ host, asWanted, drift }) => ({
      host,
      asWanted,
      drift: drift.map(({ kind, service, cause }) => `${kind} ${service}: ${cause}`),
    })),
  ).toEqual([
    { host: 'h1', asWanted: false, drift: ['replace app: image 1 → 2'] },
    {
      host: 'h2',
      asWanted: false,
      drift: ['heal health: left out of rotation by an earlier run', 'replace app: image 1 → 2'],
    },
  ]);
  expect(play?.hosts[1]?.services[0]).toMatchObject({ service: 'health', state: 'exited with code 0', isGood: false });
  expect(play?.hosts[1]?.balancer).toMatchObject({ server: 'h2', isUp: false });
  expect(play?.unreachable).toMatchObject([{ host: 'h3' }]);
  expect((await look(file)).exitCode).toBe(0);
  await stage.reset();
  await stage.fleet.docker('h2', ['start', 'health']);
});

test('a run that goes on is named as the holder of the lock', async () => {
  const slow = { min_healthy_time: '2m', healthy_deadline: '5m', progress_deadline: '5m' };
  const file = await stage.playbook(await stage.app('3'), { strategy: slow });
  const running = stage.start(file);
  const { run } = await running.event((event) => event.type === 'op_started' && event.op.kind === 'verify');
  const { status } = await look(file);
  expect(status.plays[0]?.hosts.map(({ lock }) => lock?.run)).toEqual([run, run, run]);
  running.process.kill('SIGINT');
  running.process.kill('SIGINT');
  running.process.kill('SIGKILL');
  await running.finished;
  const again = await stage.rollout(await stage.playbook(image));
  expect(again.exitCode).toBe(0);
  const after = await look(await stage.playbook(image), '--exit-code');
  expect(after).toMatchObject({ exitCode: 0, status: { asWanted: true } });
  expect(after.status.plays[0]?.hosts.map(({ lock }) => lock)).toEqual([undefined, undefined, undefined]);
});

test('a registry that refuses an image is told of, and all else is compared', async () => {
  const file = await stage.playbook(`${stage.fleet.registry}/shop/app:no-such-tag`, {
    appKeys: { environment: { LEVEL: 'debug' } },
  });
  const { exitCode, status } = await look(file, '--exit-code', '-l', 'h1');
  expect(exitCode).toBe(10);
  expect(status.plays[0]?.hosts[0]?.problems.join('\n')).toContain('no-such-tag');
  expect(status.plays[0]?.hosts[0]?.drift.map(({ cause }) => cause)).toEqual(['environment.LEVEL debug added']);
});

test('a balancer that cannot be read does not hide the hosts', async () => {
  for (const balancer of stage.fleet.sandbox.balancers) balancer.setStatsMode('down');
  const { exitCode, status } = await look(await stage.playbook(image), '--exit-code');
  expect(exitCode).toBe(10);
  expect(status.plays[0]?.balancer?.errors).toHaveLength(1);
  expect(status.plays[0]?.hosts.map(({ services }) => services.every(({ isGood }) => isGood))).toEqual([
    true,
    true,
    true,
  ]);
});

test('--watch looks again over one connection until a signal ends it, and sees what changes', async () => {
  const running = stage.start('status', await stage.playbook(image), '--watch', '100ms');
  const said = (wanted: RegExp) =>
    new Promise<void>((resolve) => {
      running.process.stdout?.on('data', (chunk: Buffer) => {
        if (wanted.test(chunk.toString())) resolve();
      });
    });
  await said(/"asWanted":true/);
  const changed = said(/exited with code/);
  await stage.fleet.docker('h1', ['stop', 'app']);
  await changed;
  running.process.kill('SIGINT');
  const { exitCode, stdout } = await running.finished;
  expect(exitCode).toBe(0);
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as FleetStatus).playbook),
  ).toContain('shop');
  await stage.fleet.docker('h1', ['start', 'app']);
});

test('the page of the manual shows what is printed', async () => {
  const image = (version: string): Promise<string> => stage.app(version);
  const release = async (name: string, version: string) => {
    const path = join(stage.cwd, `${name}.yaml`);
    const components = { app: await image(version), health: `${stage.fleet.registry}/shop/health:1` };
    await writeFile(path, `name: ${name}\ncomponents: ${JSON.stringify(components)}\n`);
    return stage.playbook(components.app, {
      file: name,
      top: { composition: path },
      appKeys: { image: undefined, healthcheck: { test: ['CMD', '/app', '--check'], interval: '100ms' } },
      healthKeys: { image: undefined, environment: { TIER: 'web' } },
      strategy: { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0, min_healthy_time: '0s' },
    });
  };
  await stage.rollout(await release('c_20261113', '1.4'));
  const file = await release('c_20261120', '1.5');
  await stage.rollout(file, '-l', 'h1');
  const since = Date.UTC(2026, 10, 23, 10, 15);
  const holder = {
    run: '20261123-101500-k3fd',
    user: 'alice',
    controller: 'laptop',
    since: new Date(since).toISOString(),
  };
  const lock = stage.fleet.sandbox.host('h2').machine.lock.take(JSON.stringify(holder));
  await stage.fleet.hostDown('h3');
  const { stdout } = await stage.plain('status', file);
  lock?.release();
  const normal = (text: string): string =>
    text
      .replace(/ +for [^\n]*$/gm, '  for TIME')
      .replace(/, no requests in the last .*|, \d+ of \d+ requests failed .*/, ', TRAFFIC')
      .replace(/\d+ sessions/g, 'N sessions')
      .replace(/\S+ port \d+ cannot/, 'ADDRESS cannot');
  expect(normal(stdout)).toBe(normal(manualBlock('docs/operating.md', '1 as wanted')));
});

test('a playbook with a mistake is exit code 2', async () => {
  const { exitCode, stdout, stderr } = await stage.plain('status', 'no-such.yaml');
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: expect.stringContaining('no-such.yaml') as string,
  });
});
