import { afterAll, beforeAll, expect, test } from 'vitest';
import { statesOn } from '../support/containers.ts';
import { startStage, story, type Stage } from './support/stage.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await startStage({ hosts: 2 });
});
afterAll(() => stage.close());

/** The usual play, with a job that app waits for. */
async function withJob(version: string, program: string): Promise<string> {
  const image = await stage.app(version);
  const health = await stage.fleet.publish('shop/health', '1');
  const services = {
    health: { image: health, ports: ['8081:8080'], restart: 'always' },
    app: {
      image,
      ports: ['8080:8080'],
      restart: 'always',
      depends_on: { migrate: { condition: 'service_completed_successfully' } },
    },
    migrate: { image, entrypoint: [program] },
  };
  return stage.playbook(image, { play: { services } });
}

test('a job that others wait for completes, runs again only when it changes, and stops a node before it leaves', async () => {
  const first = await stage.rollout(await withJob('1', 'true'));
  expect({ exitCode: first.exitCode, story: story(first.events).at(-1) }).toEqual({
    exitCode: 0,
    story: 'changed, exit 0: h1 updated, h2 updated',
  });
  expect(await statesOn(stage.fleet, 'h1')).toEqual(['app running', 'health running', 'migrate exited']);

  const second = await stage.rollout(await withJob('1', 'true'));
  expect(second.events.at(-1)).toMatchObject({ type: 'run_finished', outcome: 'unchanged', exitCode: 0 });

  const status = await stage.plain('status', await withJob('1', 'true'));
  expect(status.stdout).toMatch(/migrate .*completed/);

  const next = await stage.plain(await withJob('2', 'true'));
  expect(next.exitCode).toBe(0);
  expect(next.stdout).toContain('~ replace migrate: image 1 → 2 (a job: runs once, to its end)');
  expect(next.stdout).toMatch(
    /\nh1 +updated +[\d.]+ m?s +migrate completed\nh2 +updated +[\d.]+ m?s +migrate completed\n/,
  );
  expect(await stage.versions()).toEqual({ h1: '2', h2: '2' });

  const failed = await stage.rollout(await withJob('3', 'false'));
  expect(failed.exitCode).toBe(5);
  expect(story(failed.events)[1]).toMatch(/^h1 failed: wait until migrate has completed: migrate exited with code 1/);
  expect(failed.events.filter(({ type }) => type === 'drain_started')).toEqual([]);
  expect(await stage.versions()).toEqual({ h1: '2', h2: '2' });
  expect((await stage.rollout(await withJob('2', 'true'))).events.at(-1)).toMatchObject({ outcome: 'unchanged' });
});

test('a first deployment that fails does not say that something serves', async () => {
  for (const host of stage.fleet.hosts)
    await stage.fleet.docker(host, ['rm', '--force', 'app', 'health', 'migrate', 'app.previous', 'migrate.previous']);
  const playbook = await stage.playbook(await stage.app('bad', { APP_FAULT: 'crash' }), {
    strategy: { min_available: 0 },
  });
  const { exitCode, stdout } = await stage.plain(playbook);
  expect(exitCode).toBe(5);
  expect(stdout).toContain('as it was: nothing ran there before');
  expect(stdout).not.toContain('serving what it ran before');
});
