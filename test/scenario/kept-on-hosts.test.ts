import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { mostKept } from '../../src/ssh/lock.ts';
import { startStage, warningsOf, type Stage } from './support/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage({ hosts: 3 });
});
afterEach(() => stage.reset());
afterAll(() => stage.close());

const files = (host: string) => stage.fleet.sandbox.host(host).machine.files;
const keptOn = (host: string, folder = 'runs'): readonly Record<string, unknown>[] =>
  [...files(host)]
    .filter(([path]) => path.startsWith(`/var/lib/rollout/${folder}/`))
    .sort(([one], [other]) => (one < other ? 1 : -1))
    .map(([, text]) => JSON.parse(text.toString()) as Record<string, unknown>);

test('a run is kept on each host that it touched, without a secret, and a host that is left alone keeps nothing new', async () => {
  process.env['KEPT_PASSWORD'] = 'hunter2-of-hosts';
  const parts = {
    appKeys: { environment: { PASSWORD: { secret: 'password' } } },
    top: { secrets: { password: { env: 'KEPT_PASSWORD' } } },
  };
  const image = await stage.app('1');
  const { events } = await stage.rollout(
    await stage.playbook(image, parts),
    '-l',
    'h1,h2',
    '-e',
    'token=hunter2-of-hosts',
  );
  const run = events[0]?.run;
  expect(keptOn('h3')).toEqual([]);
  for (const host of ['h1', 'h2'])
    expect(keptOn(host)).toEqual([
      expect.objectContaining({
        v: 1,
        run,
        host,
        command: 'run',
        outcome: 'changed',
        exitCode: 0,
        extraVars: ['token=…'],
        plays: { 'web tier': { result: 'updated', held: ['canary'] } },
        images: expect.objectContaining({
          [image]: expect.stringMatching(/shop\/app:1@sha256:[0-9a-f]{64}$/) as string,
        }) as object,
      }),
    ]);
  expect(JSON.stringify(keptOn('h1'))).not.toContain('hunter2');
  const again = await stage.rollout(await stage.playbook(image, parts), '-l', 'h1,h2', '-e', 'token=hunter2-of-hosts');
  expect(again.events.at(-1)).toMatchObject({ outcome: 'unchanged' });
  expect(keptOn('h1')).toHaveLength(1);
});

test('what a run was sent back with is bad on every host of the run, and says which image', async () => {
  await stage.deploy('1');
  const broken = await stage.app('9', { APP_FAULT: 'crash' });
  const { exitCode, events } = await stage.rollout(await stage.playbook(broken));
  expect(exitCode).toBe(5);
  for (const host of stage.fleet.hosts)
    expect(keptOn(host, 'bad')).toEqual([
      {
        v: 1,
        run: events[0]?.run,
        atMs: expect.any(Number) as number,
        images: [expect.stringMatching(/shop\/app:9@sha256:/)],
      },
    ]);
  expect(keptOn('h1')[0]).toMatchObject({ outcome: 'rolled_back', plays: { 'web tier': { result: 'restored' } } });
  expect(keptOn('h2')[0]).toMatchObject({ outcome: 'changed' });
});

test('a host that cannot keep it is warned about once, and no run fails', async () => {
  await stage.deploy('1');
  files('h2').set('/var/lib/rollout/runs', Buffer.from('no folder'));
  const { exitCode, events } = await stage.rollout(await stage.playbook(await stage.app('2')));
  files('h2').delete('/var/lib/rollout/runs');
  expect({ exitCode, warnings: warningsOf(events).filter((text) => text.includes('kept')) }).toEqual({
    exitCode: 0,
    warnings: [expect.stringMatching(/this run could not be kept on the host, as its disk is full/)],
  });
});

test('the last fifty stay', async () => {
  for (let index = 0; index < mostKept + 5; index += 1)
    files('h1').set(
      `/var/lib/rollout/runs/20200101-0000${String(index).padStart(2, '0')}-abcd.json`,
      Buffer.from('{}'),
    );
  await stage.deploy('3');
  expect([...files('h1').keys()].filter((path) => path.startsWith('/var/lib/rollout/runs/'))).toHaveLength(mostKept);
  await rm(join(stage.cwd, '.rollout'), { recursive: true, force: true });
});
