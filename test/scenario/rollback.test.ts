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
  expect(again.stderr).toContain('h1: what ran before as app is gone, a later run replaced it');
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
