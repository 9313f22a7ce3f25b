import { afterAll, beforeAll, expect, test } from 'vitest';
import { startStage, type Stage } from './support/stage.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await startStage({ hosts: 3 });
});
afterAll(() => stage.close());

/** Ids and durations differ from run to run. */
const settled = (text: string): string =>
  text.replace(/\b\d{8}-\d{6}-\w{4}\b/g, 'RUN').replace(/\d+(?:\.\d+)? m?s\b/g, 'T');

test('after three releases, the last of them on one host, a rollback undoes that one alone, and says so', async () => {
  const versions: (readonly [string, Readonly<Record<string, string>>])[] = [];
  const note = async (step: string): Promise<void> => void versions.push([step, await stage.versions()]);
  await stage.deploy('1.0');
  await note('1.0');
  await stage.deploy('1.1');
  await note('1.1');
  const playbook = await stage.playbook(await stage.app('1.2'));
  expect((await stage.rollout(playbook, '--limit', 'h1')).exitCode).toBe(0);
  await note('1.2 on h1');

  const checked = await stage.plain('rollback', playbook, '--check');
  expect(checked.exitCode).toBe(0);
  const shown = settled(checked.stdout).replaceAll(stage.fleet.registry, 'REGISTRY');
  expect(shown).toBe(
    [
      'Undoes run RUN, and nothing else.',
      '',
      'Play web tier: 3 hosts, 1 to update, 2 unchanged',
      '',
      '  h1',
      '    ~ replace app: image 1.2 → 1.1',
      '        image  REGISTRY/shop/app:1.2 → REGISTRY/shop/app:1.1',
      '',
      '  h2, h3: unchanged',
      '',
      '  Order: h1, at most 1 at a time, with 1 or more others UP.',
      '',
      'Plan: 3 hosts, 1 to update, 2 unchanged; at most 1 at a time.',
      '',
    ].join('\n'),
  );
  await note('rollback --check');

  const done = await stage.plain('rollback', playbook);
  expect(done.exitCode).toBe(0);
  expect(done.stdout).toMatch(/h1 +.*app: image 1\.2 → 1\.1/);
  await note('rollback');

  // What 1.1 replaced on h1 is gone: half of it would leave two versions.
  const again = await stage.plain('rollback', playbook);
  expect(again.exitCode).toBe(2);
  expect(settled(again.stderr)).toContain('run RUN cannot be undone; nothing was touched');
  expect(again.stderr).toContain(
    'what ran before as app is gone, as a later run took its place, or failed and was put back, on h1\n',
  );
  await note('a second rollback');

  expect((await stage.plain('rollback', playbook, '--limit', 'h2,h3')).exitCode).toBe(0);
  await note('rollback on h2 and h3');

  const unknown = await stage.plain('rollback', playbook, '--run', '20200101-000000-none');
  expect(unknown.exitCode).toBe(2);
  expect(unknown.stderr).toContain('no host has anything that run 20200101-000000-none replaced');

  const all = (version: string) => ({ h1: version, h2: version, h3: version });
  expect(versions).toEqual([
    ['1.0', all('1.0')],
    ['1.1', all('1.1')],
    ['1.2 on h1', { ...all('1.1'), h1: '1.2' }],
    ['rollback --check', { ...all('1.1'), h1: '1.2' }],
    ['rollback', all('1.1')],
    ['a second rollback', all('1.1')],
    ['rollback on h2 and h3', { ...all('1.0'), h1: '1.1' }],
  ]);
});

test('a run is undone by its id, and a question is asked only on a terminal', async () => {
  await stage.deploy('2.0');
  await stage.deploy('2.1');
  const playbook = await stage.playbook(await stage.app('2.1'));
  const label = '{{index .Config.Labels "rollout.run"}}';
  const run = (await stage.fleet.docker('h1', ['container', 'inspect', '--format', label, 'app'])).trim();
  const asked = await stage.plain('rollback', playbook, '--run', run, '--confirm');
  expect({ exitCode: asked.exitCode, stderr: asked.stderr }).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('--confirm asks on a terminal') as string,
  });
  expect((await stage.plain('rollback', playbook, '--run', run)).exitCode).toBe(0);
  expect(await stage.versions()).toEqual({ h1: '2.0', h2: '2.0', h3: '2.0' });
});

/** What runs where: image, policy and state of `app`. */
const appOn = async (host: string): Promise<string> =>
  (
    await stage.fleet.docker(host, [
      'container',
      'inspect',
      '--format',
      '{{.HostConfig.RestartPolicy.Name}}:{{.HostConfig.RestartPolicy.MaximumRetryCount}} {{.State.Status}}',
      'app',
    ])
  ).trim();

test('a rollback gives each container back the restart policy that it had itself', async () => {
  const policy = `{{ {'h1': 'unless-stopped', 'h2': 'on-failure:3', 'h3': 'no'}[inventory_hostname] }}`;
  await stage.deploy('3.0', { appKeys: { restart: policy } });
  await stage.deploy('3.1', { appKeys: { restart: 'always' } });
  const playbook = await stage.playbook(await stage.app('3.1'));
  expect((await stage.plain('rollback', playbook)).exitCode).toBe(0);
  expect(await stage.versions()).toEqual({ h1: '3.0', h2: '3.0', h3: '3.0' });
  expect(await Promise.all(stage.fleet.hosts.map(appOn))).toEqual([
    'unless-stopped:0 running',
    'on-failure:3 running',
    'no:0 running',
  ]);
});

test('after a run that failed and was put back, a rollback says so, what runs, and which run to go back to; --to goes there', async () => {
  await stage.deploy('4.0');
  await stage.deploy('4.1');
  const failing = await stage.playbook(await stage.app('4.2', { APP_FAULT: 'crash' }));
  const failed = await stage.rollout(failing);
  expect(failed.exitCode).toBe(5);

  const refused = await stage.plain('rollback', failing);
  expect(refused.exitCode).toBe(2);
  const registry = stage.fleet.registry;
  const [, id = ''] = /--to (\S+)/.exec(refused.stderr) ?? [];
  expect(settled(refused.stderr.replaceAll(registry, 'REGISTRY').replaceAll(failing, 'PLAYBOOK'))).toContain(
    [
      'run RUN cannot be undone; nothing was touched',
      '  run RUN failed, and was put back when it did: nothing of it is left to undo',
      '  app runs REGISTRY/shop/app:4.1 on h1, h2, h3',
      '  what ran before as app is gone, as a later run took its place, or failed and was put back, on h1',
      '  to go back to what an earlier run had, with the settings that the playbook has now:',
      '    rollout rollback PLAYBOOK --to RUN    REGISTRY/shop/app:4.0, REGISTRY/shop/health:1',
      '',
    ].join('\n'),
  );

  const checked = await stage.plain('rollback', failing, '--to', id, '--check');
  expect(checked.exitCode).toBe(0);
  expect(checked.stdout).toContain('~ replace app: image 4.1 → 4.0');
  const back = await stage.rollout('rollback', failing, '--to', id);
  expect(back.exitCode).toBe(0);
  expect(await stage.versions()).toEqual({ h1: '4.0', h2: '4.0', h3: '4.0' });

  const unknown = await stage.plain('rollback', failing, '--to', '20200101-000000-none');
  expect(unknown.exitCode).toBe(2);
  expect(unknown.stderr).toContain('no host knows a run 20200101-000000-none, and neither does this folder');
  const noFile = await stage.plain('rollback', failing, '--to', 'gone.yaml');
  expect(noFile.exitCode).toBe(2);
  expect(noFile.stderr).toContain('gone.yaml');
});
