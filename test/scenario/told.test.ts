import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startStage, type Stage } from './support/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage({ hosts: 3 });
  await stage.deploy('1');
});
afterAll(() => stage.close());

test('why a run was refused stands in its events, its journal and its report', async () => {
  const file = await stage.playbook(`${stage.fleet.registry}/shop/app:no-such-tag`);
  const { exitCode, events, stderr } = await stage.rollout(file, '--report', 'refused.html');
  expect(exitCode).toBe(2);
  const finished = events.find((event) => event.type === 'run_finished');
  expect(finished?.error?.message).toBe('nothing was touched');
  expect(finished?.error?.details.join('\n')).toContain('no-such-tag');
  for (const detail of finished?.error?.details ?? []) expect(stderr).toContain(detail.split('\n')[0]);
  const journal = await readFile(join(stage.cwd, '.rollout/runs', `${finished?.run}.jsonl`), 'utf8');
  expect(journal).toContain('no-such-tag');
  const report = await readFile(join(stage.cwd, 'refused.html'), 'utf8');
  // Before anything else that the page tells.
  expect(report.slice(report.indexOf('<header'), report.indexOf('class="facts"'))).toContain('no-such-tag');
});

test('a node that a second interrupt stops in its middle is not called untouched', async () => {
  await stage.reset();
  // Long enough in its verification for both signals, whatever else the machine does.
  const slow = { min_healthy_time: '2m', healthy_deadline: '5m', progress_deadline: '5m' };
  const file = await stage.playbook(await stage.app('2'), { strategy: slow });
  const running = stage.start(file, '-e', 'unused_name=1');
  await running.event((event) => event.type === 'op_started' && event.op.kind === 'verify');
  running.process.kill('SIGINT');
  await running.event((event) => event.type === 'warning' && event.message.startsWith('SIGINT'));
  running.process.kill('SIGINT');
  const { exitCode, events } = await running.finished;
  expect(exitCode).toBe(130);
  const finished = events.find((event) => event.type === 'run_finished');
  expect(finished?.hosts['h1']).toMatchObject({
    result: 'failed',
    message: 'stopped half way; the next run puts it right',
  });
  expect(finished?.hosts['h2']).toMatchObject({ result: 'untouched' });
  expect(finished?.next).toBe(`rollout resume ${finished?.run} -e 'unused_name=…'`);
  const again = await stage.rollout(await stage.playbook(`${stage.fleet.registry}/shop/app:1`));
  expect(again.exitCode).toBe(0);
  expect(await stage.versions()).toEqual({ h1: '1', h2: '1', h3: '1' });
});

test('the whole log of a container that failed is kept beside the journal', async () => {
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`LINE_${at}`, 'x']));
  const image = await stage.app('3', { APP_PRINT_ENV: '1', ...many });
  const { exitCode, events } = await stage.rollout(await stage.playbook(image));
  expect(exitCode).toBe(5);
  const failed = events.find((event) => event.type === 'node_failed');
  const kept = await readFile(failed?.failure.logFile ?? '', 'utf8');
  expect(failed?.failure.logs).toHaveLength(20);
  expect(kept.split('\n').length).toBeGreaterThan(200);
  expect(kept.trimEnd().split('\n').slice(-20)).toEqual(failed?.failure.logs);
  expect((await stat(failed?.failure.logFile ?? '')).mode & 0o777).toBe(0o600);
  expect(await readdir(join(stage.cwd, '.rollout/runs', failed?.run ?? ''))).toEqual(['h1-app.log']);
});

test('a service without probe and healthcheck is said once for all hosts', async () => {
  const file = await stage.playbook(await stage.app('5'), { appKeys: { probe: undefined } });
  const { exitCode, stdout } = await stage.plain('plan', file);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('h1, h2, h3: app has neither a probe nor a healthcheck');
});

test('a port that a stranger has is known before any node leaves, and its holder is named', async () => {
  await stage.fleet.docker('h2', [
    'create',
    '--name',
    'legacy',
    '-p',
    '9100:8080',
    `${stage.fleet.registry}/shop/app:1`,
  ]);
  await stage.fleet.docker('h2', ['start', 'legacy']);
  const appKeys = { ports: ['8080:8080', '9100:8080'], pull_policy: 'missing' };
  const file = await stage.playbook(`${stage.fleet.registry}/shop/app:1`, {
    appKeys,
    healthKeys: { pull_policy: 'missing' },
  });
  const { exitCode, stderr, events } = await stage.rollout(file);
  expect({ exitCode, stderr }).toEqual({
    exitCode: 2,
    stderr:
      'rollout: the plan cannot be carried out\n' +
      '  h2: port 9100 of app is taken by container legacy; stop it, or write container_name: legacy in app to take it over\n',
  });
  expect(events.some(({ type }) => type === 'node_started')).toBe(false);
  await stage.fleet.docker('h2', ['rm', '-f', 'legacy']);
  expect((await stage.rollout(file)).exitCode).toBe(0);
});

test('a plan pulls nothing on any host, also where the registry does not answer', async () => {
  await stage.reset();
  const running = await stage.playbook(await stage.deploy('3'), { file: 'running' });
  const image = await stage.app('4');
  const file = await stage.playbook(image);
  const imagesOn = (host: string) => stage.fleet.docker(host, ['images', '-q', '--no-trunc']);
  const before = await Promise.all(stage.fleet.hosts.map(imagesOn));
  await stage.fleet.sandbox.registry.stop();
  const { exitCode, stdout, stderr } = await stage.plain('plan', file);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toContain(
    `${image} resolved by a host's pull, this plan takes what each host runs or has under that tag`,
  );
  expect(await Promise.all(stage.fleet.hosts.map(imagesOn))).toEqual(before);
  // The hosts pulled by digest: none of them knows the tag.
  expect((await stage.plain('plan', running)).stdout).toContain('nothing to do');
});
