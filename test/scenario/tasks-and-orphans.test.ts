import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Event } from '../../src/events/event.ts';
import { emptyFleet, statesOn } from '../support/containers.ts';
import { startStage, story, type Stage } from './support/stage.ts';

describe('tasks, orphans and adopted containers', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage({ hosts: 2 });
  });
  beforeEach(async () => {
    await emptyFleet(stage.fleet);
    await stage.deploy('1');
  });
  afterAll(() => stage.close());

  const tasksOf = (events: readonly Event[]): readonly string[] =>
    events.flatMap((event) =>
      event.type === 'op_finished' && event.op.kind === 'task' ? [`${event.host} ${event.op.text} ${event.ok}`] : [],
    );

  test('tasks run around the update of each host, in order; run_once on the first host alone', async () => {
    const play = {
      pre_tasks: [{ name: 'before', command: 'true' }],
      tasks: [
        { name: 'migrate', command: 'true', run_once: true },
        { name: 'during', command: 'false', ignore_errors: true },
      ],
      post_tasks: [{ name: 'after', command: ['echo', 'done'] }],
    };
    const { events, exitCode } = await stage.rollout(await stage.playbook(await stage.app('2'), { play }));
    expect(exitCode).toBe(0);
    expect(tasksOf(events)).toEqual([
      'h1 task before true',
      'h1 task migrate true',
      'h1 task during true',
      'h1 task after true',
      'h2 task before true',
      'h2 task during true',
      'h2 task after true',
    ]);
    const order = events.flatMap((event) =>
      event.type === 'op_finished' && event.host === 'h1' ? [event.op.kind] : [],
    );
    expect(order.filter((kind) => ['task', 'drain', 'admit'].includes(kind))).toEqual([
      'task',
      'drain',
      'task',
      'task',
      'admit',
      'task',
    ]);
  });

  test('tasks drain every host on every run, and the plan says so; with run_tasks: on_change only those that change', async () => {
    const tasks = [
      { name: 'migrate', command: 'true', run_once: true },
      { name: 'during', command: 'true' },
    ];
    const image = await stage.app('2');
    const always = await stage.playbook(image, { play: { tasks } });
    expect((await stage.rollout(always, '--limit', 'h1')).exitCode).toBe(0);
    const drains =
      '      leaves rotation for its tasks alone, as on every run; with run_tasks: on_change only where a service changes';
    expect((await stage.plain('plan', always, '--limit', 'h1')).stdout).toContain(
      `  h1\n      task migrate (while it is out, on one host only)\n      task during (while it is out)\n${drains}\n`,
    );

    const onChange = await stage.playbook(image, { play: { tasks, run_tasks: 'on_change' } });
    const first = await stage.rollout(onChange);
    expect(tasksOf(first.events)).toEqual(['h2 task migrate true', 'h2 task during true']);
    const second = await stage.rollout(onChange);
    expect(story(second.events)).toEqual(['unchanged, exit 0: h1 unchanged, h2 unchanged']);
  });

  test('a task that fails fails its node, which is put back with what the task said', async () => {
    const play = { tasks: [{ name: 'migrate', shell: 'echo no such table >&2; exit 3' }] };
    const { events, exitCode } = await stage.rollout(await stage.playbook(await stage.app('2'), { play }));
    expect(exitCode).toBe(5);
    expect(story(events)).toEqual([
      'h1 starts: canary',
      'h1 failed: task migrate: task migrate exited with 3: no such table',
      'h1 restored',
      'rolled_back, exit 5: h1 restored, h2 untouched',
    ]);
    expect(await stage.versions()).toEqual({ h1: '1', h2: '1' });
  });

  test('a container that the play no longer names is reported, and removed with remove_orphans', async () => {
    const image = await stage.app('1');
    // Without a network, so that its coming and going changes nothing for the others.
    const worker = { image, restart: 'always', network_mode: 'none' };
    const written = JSON.parse(await readFile(await stage.playbook(image), 'utf8')) as {
      plays: [{ services: Record<string, unknown> }];
    };
    const withWorker = { play: { services: { ...written.plays[0].services, worker } } };
    expect((await stage.rollout(await stage.playbook(image, withWorker))).exitCode).toBe(0);
    expect(await statesOn(stage.fleet, 'h1')).toContain('worker running');

    const reported = await stage.plain(await stage.playbook(image));
    expect(reported.exitCode).toBe(0);
    expect(reported.stdout).toMatch(/worker.*no longer names it/);
    expect(await statesOn(stage.fleet, 'h1')).toContain('worker running');

    const removed = await stage.rollout(await stage.playbook(image, { play: { remove_orphans: true } }));
    expect(removed.exitCode).toBe(0);
    expect(await statesOn(stage.fleet, 'h2')).toEqual(['app running', 'health running']);
  });

  test('a container of the same name that nobody labelled is adopted: replaced, and parked', async () => {
    const image = await stage.app('1');
    await stage.fleet.docker('h1', ['rm', '--force', 'app']);
    await stage.fleet.docker('h1', ['create', '--name', 'app', '--publish', '8080:8080', image]);
    await stage.fleet.docker('h1', ['start', 'app']);
    const plan = await stage.plain('plan', await stage.playbook(image), '--detailed-exitcode');
    expect(plan.exitCode).toBe(10);
    expect(plan.stdout).toMatch(/adopt app: .*not created by rollout/);
    expect((await stage.rollout(await stage.playbook(image))).exitCode).toBe(0);
    expect(await statesOn(stage.fleet, 'h1')).toEqual(['app running', 'app.previous exited', 'health running']);
    expect((await stage.plain('plan', await stage.playbook(image), '--detailed-exitcode')).exitCode).toBe(0);
  });
});
