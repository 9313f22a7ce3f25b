import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Event } from '../../src/events/event.ts';
import { emptyFleet, statesOn } from '../support/containers.ts';
import { startStage, story, type Stage } from './support/stage.ts';

async function servicesOf(stage: Stage, version: string): Promise<Readonly<Record<string, unknown>>> {
  const file = await stage.playbook(await stage.app(version));
  return (JSON.parse(await readFile(file, 'utf8')) as { plays: [{ services: Record<string, unknown> }] }).plays[0]
    .services;
}

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
      `  h1\n      task migrate (while it is out, on one host only): runs; what it changes cannot be told before\n      task during (while it is out): runs; what it changes cannot be told before\n${drains}\n`,
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
      'h1 failed: task migrate: exited with 3: no such table',
      'h1 restored',
      'rolled_back, exit 5: h1 restored, h2 untouched',
    ]);
    expect(await stage.versions()).toEqual({ h1: '1', h2: '1' });
  });

  test('a maintenance run: tasks alone drain each node in turn, and a second run finds nothing to do and drains none', async () => {
    const play = {
      services: { health: (await servicesOf(stage, '1'))['health'] },
      tasks: [
        {
          name: 'settings',
          copy: { content: 'a={{ inventory_hostname }}\n', dest: '/etc/app.conf', mode: '0640' },
          notify: 'reload',
        },
        { name: 'line', lineinfile: { path: '/etc/app.conf', line: 'b=2', create: true } },
      ],
      handlers: [{ name: 'reload', command: 'true' }],
    };
    const file = await stage.playbook(await stage.app('1'), { play });
    const plan = await stage.plain('plan', file);
    expect(plan.stdout).toContain('task settings (while it is out): changes');
    expect(plan.stdout).toContain('+a=h1');
    const first = await stage.rollout(file);
    expect(first.exitCode).toBe(0);
    expect(tasksOf(first.events)).toEqual([
      'h1 task settings true',
      'h1 task line true',
      'h2 task settings true',
      'h2 task line true',
    ]);
    const ended = first.events.flatMap((event) =>
      event.type === 'task_finished' ? [`${event.host} ${event.task} ${event.status}`] : [],
    );
    expect(ended).toContain('h2 reload changed');
    const drained = (events: readonly Event[]) => events.filter(({ type }) => type === 'node_drained').length;
    expect(drained(first.events)).toBe(2);
    // The line is there; the copy would take it away again, so that this playbook would never come to rest without force.
    const calm = { ...play, tasks: [{ name: 'line', lineinfile: { path: '/etc/app.conf', line: 'b=2' } }] };
    const again = await stage.playbook(await stage.app('1'), { play: calm });
    const second = await stage.rollout(again);
    expect([second.exitCode, drained(second.events), tasksOf(second.events)]).toEqual([0, 0, []]);
    expect((await stage.plain('plan', again, '--detailed-exitcode')).exitCode).toBe(0);
  });

  test('a task for nodes that the run changes anyway drains no other node', async () => {
    const play = { tasks: [{ name: 'warm', command: 'echo {{ node.services | join(",") }}', when: 'node.changed' }] };
    const calm = await stage.rollout(await stage.playbook(await stage.app('1'), { play }));
    expect([calm.exitCode, tasksOf(calm.events)]).toEqual([0, []]);
    const busy = await stage.rollout(await stage.playbook(await stage.app('2'), { play }));
    expect(busy.exitCode).toBe(0);
    const said = busy.events.flatMap((event) =>
      event.type === 'task_finished' ? [`${event.host} ${event.stdout ?? ''}`] : [],
    );
    expect(said).toEqual(['h1 app', 'h2 app']);
  });

  test('before runs once, ahead of every node; when it fails nothing is touched, and its output is shown', async () => {
    const good = { before: [{ name: 'migrate', command: 'echo done' }], after: [{ name: 'told', command: 'true' }] };
    const ran = await stage.rollout(await stage.playbook(await stage.app('2'), { play: good }));
    expect(ran.exitCode).toBe(0);
    expect(tasksOf(ran.events)).toEqual(['h1 task migrate true', 'h1 task told true']);
    const kinds = ran.events.map(({ type }) => type);
    expect(kinds.indexOf('task_finished')).toBeLessThan(kinds.indexOf('node_started'));
    expect(kinds.lastIndexOf('task_finished')).toBeGreaterThan(kinds.lastIndexOf('node_done'));
    const bad = { before: [{ name: 'migrate', shell: 'echo no such table; exit 3' }] };
    const failed = await stage.plain(await stage.playbook(await stage.app('3'), { play: bad }));
    // Nothing was touched.
    expect(failed.exitCode).toBe(4);
    expect(failed.stdout).toContain('no such table');
    expect(failed.stdout).not.toContain('drain');
    expect(await stage.versions()).toEqual({ h1: '2', h2: '2' });
  });

  test('a secret that a task prints is in no output, event or journal', async () => {
    const play = {
      tasks: [
        { name: 'shows', shell: 'echo s3cret-value-42', register: 'out' },
        { name: 'again', debug: { msg: '{{ out.stdout }}' } },
      ],
    };
    const file = await stage.playbook(await stage.app('2'), { play });
    const written = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    await writeFile(
      file,
      JSON.stringify({ ...written, secrets: { hidden: { command: ['echo', 's3cret-value-42'] } } }),
    );
    const ran = await stage.plain(file, '-v');
    expect(ran.exitCode).toBe(0);
    expect(ran.stdout).toContain('[secret hidden]');
    // The line of the playbook that prints it is the author's own.
    expect(ran.stdout.replaceAll('task echo s3cret-value-42', '')).not.toContain('s3cret-value-42');
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
