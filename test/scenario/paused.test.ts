import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { emptyFleet, statesOn } from '../support/containers.ts';
import { appsOf, startStage, story, type Stage } from './support/stage.ts';

describe('a container that somebody has paused by hand', () => {
  let stage: Stage;
  let current: string;
  beforeAll(async () => {
    stage = await startStage({ hosts: 2 });
  });
  beforeEach(async () => {
    await emptyFleet(stage.fleet);
    const image = await stage.deploy('1', checked);
    current = await stage.playbook(image, checked);
  });
  afterAll(() => stage.close());

  // A check that has been paused has failed, as far as docker is concerned, until it passes again.
  const checked = { appKeys: { healthcheck: { test: ['CMD', '/app', '--check'], interval: '300ms' } } };
  const plan = (...args: string[]) => stage.plain('plan', ...args, '--detailed-exitcode');

  test('is drift in the plan, and goes on in its place with its node in rotation', async () => {
    const before = await appsOf(stage);
    await stage.fleet.docker('h2', ['pause', 'app']);
    const { exitCode, stdout } = await plan(current, '--diff');
    expect(exitCode).toBe(10);
    expect(stdout).toMatch(
      / {2}h2\n {4}~ update app: paused, should run\n {8}state {2}paused → running\n {6}stays in rotation/,
    );
    const { exitCode: ended, events } = await stage.rollout(current);
    expect(ended).toBe(0);
    expect(events.filter(({ type }) => type === 'drain_started')).toEqual([]);
    expect(await statesOn(stage.fleet, 'h2')).toEqual(['app running', 'health running']);
    expect(await appsOf(stage)).toEqual(before);
    expect(events.flatMap((event) => (event.type === 'op_finished' ? [`${event.op.text} ${event.ok}`] : []))).toEqual([
      'unpause app true',
      'verify app true',
    ]);
    expect((await plan(current)).exitCode).toBe(0);
  });

  test('goes on before its node is drained for a new version', async () => {
    await stage.fleet.docker('h1', ['pause', 'app']);
    const { exitCode, events } = await stage.rollout(await stage.playbook(await stage.app('2'), checked));
    expect({ exitCode, versions: await stage.versions() }).toEqual({ exitCode: 0, versions: { h1: '2', h2: '2' } });
    const ops = events.flatMap((event) =>
      event.type === 'op_finished' && event.host === 'h1' ? [event.op.text.replace(/ from .*/, '')] : [],
    );
    expect(ops.slice(0, 2)).toEqual(['unpause app', 'create app.next']);
  });

  test('and that is the health container keeps its node out until that is let in', async () => {
    await stage.fleet.docker('h1', ['pause', 'health']);
    await expect.poll(() => stage.fleet.sandbox.balancer.usable()).toEqual(['h2']);
    expect((await plan(current)).stdout).toContain('start health: paused, should run');
    const { exitCode, events } = await stage.rollout(current);
    expect(story(events)).toEqual([
      'h1 starts: canary',
      'h1 done',
      'bake passed',
      'changed, exit 0: h1 updated, h2 unchanged',
    ]);
    expect(exitCode).toBe(0);
    expect(stage.fleet.sandbox.balancer.usable()).toEqual(['h1', 'h2']);
  });
});
