import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Event } from '../../src/events/event.ts';
import { emptyFleet, statesOn } from '../support/containers.ts';
import { startStage, story, warningsOf, type Stage } from './support/stage.ts';

describe('tasks that work with services and whole hosts', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage({ hosts: 2 });
  });
  beforeEach(async () => {
    await emptyFleet(stage.fleet);
    await stage.deploy('1');
  });
  afterAll(() => stage.close());

  const printed = (events: readonly Event[]): readonly string[] =>
    events.flatMap((event) =>
      event.type === 'task_output' ? event.lines.map((line) => `${event.host} ${event.task}: ${line}`) : [],
    );
  const askForReboot = (host: string): void => {
    stage.fleet.sandbox.host(host).machine.files.set('/run/reboot-required', Buffer.alloc(0));
  };

  test('service_run runs the new image once ahead of every node, shows its output, and leaves nothing', async () => {
    const play = {
      before: [
        {
          name: 'migrate',
          service_run: { service: 'app', entrypoint: ['sh', '-c', 'echo one; echo two >&2'] },
          environment: { STEP: '1' },
          register: 'out',
        },
        { name: 'said', debug: { msg: '{{ out.rc }} {{ out.stdout }}' } },
      ],
      post_tasks: [{ name: 'inside', service_exec: { service: 'app', command: 'echo within' } }],
    };
    const { events, exitCode } = await stage.rollout(await stage.playbook(await stage.app('2'), { play }));
    expect([exitCode, printed(events)]).toEqual([
      0,
      ['h1 migrate: one', 'h1 migrate: two', 'h1 inside: within', 'h2 inside: within'],
    ]);
    expect(events.find((event) => event.type === 'task_finished' && event.task === 'said')).toMatchObject({
      message: '0 one',
    });
    for (const host of ['h1', 'h2'])
      expect(await statesOn(stage.fleet, host)).toEqual(['app running', 'app.previous exited', 'health running']);
  });

  test('a migration that fails ends the run with nothing drained, and its output is shown', async () => {
    const play = {
      before: [{ name: 'migrate', service_run: { service: 'app', entrypoint: ['sh', '-c', 'echo no table; exit 3'] } }],
    };
    const { stdout, exitCode } = await stage.plain(await stage.playbook(await stage.app('2'), { play }));
    expect(exitCode).toBe(4);
    expect(stdout).toContain('h1  migrate | no table');
    expect(stdout).toContain('task migrate on h1: exited with 3: no table');
    expect(stdout).not.toContain('drain');
    expect(await stage.versions()).toEqual({ h1: '1', h2: '1' });
    expect(await statesOn(stage.fleet, 'h1')).toEqual(['app running', 'health running']);
  });

  test('a service that the play has not is named, with those that it has', async () => {
    const play = { before: [{ name: 'migrate', service_run: { service: 'web' } }] };
    const { stdout, exitCode } = await stage.plain(await stage.playbook(await stage.app('2'), { play }));
    expect(exitCode).toBe(4);
    expect(stdout).toContain('the play has no service web on this host; it has: app, health');
  });

  test('what a run that was killed has left of service_run, the next run removes', async () => {
    const image = await stage.app('2');
    await stage.fleet.docker('h2', ['create', '--name', 'rollout.run.app', '--entrypoint', 'sleep', image, '1000']);
    await stage.fleet.docker('h2', ['start', 'rollout.run.app']);
    const { events, exitCode } = await stage.rollout(await stage.playbook(image));
    expect(exitCode).toBe(0);
    expect(warningsOf(events)).toContain('removes rollout.run.app, which a task of a run that was cut off has left');
    expect(await statesOn(stage.fleet, 'h2')).toEqual(['app running', 'app.previous exited', 'health running']);
  });

  test('docker_prune keeps what runs, what is parked and the last builds; a second run finds nothing to do', async () => {
    const image = await stage.app('3');
    for (const version of ['2', '4', '5']) await stage.fleet.docker('h1', ['pull', await stage.app(version)]);
    const tags = async (): Promise<readonly string[]> => {
      const lines = await stage.fleet.docker('h1', ['image', 'ls', '--format', '{{.Repository}}:{{.Tag}}']);
      return lines.split('\n').flatMap((line) => /app:(\d|<none>)/.exec(line)?.[1] ?? []);
    };
    const play = {
      post_tasks: [
        { name: 'prune', docker_prune: { keep: 0 } },
        { name: 'tool', apt: { name: 'jq' } },
      ],
    };
    const file = await stage.playbook(image, { play });
    expect((await stage.plain('plan', file, '--limit', 'h1')).stdout).toContain(
      'task prune (after it is back): changes',
    );
    expect((await stage.rollout(file)).exitCode).toBe(0);
    // 1 is parked, 3 runs: both came by their digests.
    expect(await tags()).toEqual(['<none>', '<none>']);
    expect(await statesOn(stage.fleet, 'h1')).toEqual(['app running', 'app.previous exited', 'health running']);
    const second = await stage.rollout(file);
    expect(story(second.events)).toEqual(['unchanged, exit 0: h1 unchanged, h2 unchanged']);
  });

  test('reboot: only hosts that ask for it, while they are out, and each is back and well before it is let in', async () => {
    askForReboot('h2');
    const written = JSON.parse(await readFile(await stage.playbook(await stage.app('1')), 'utf8')) as {
      plays: [{ services: Record<string, Record<string, unknown>> }];
    };
    // A container that no restart policy brings back is started.
    const { app, health } = written.plays[0].services;
    const play = {
      services: { health, app: { ...app, restart: 'no' } },
      tasks: [{ name: 'restart', reboot: { reboot_timeout: 20 }, when: 'reboot_required' }],
    };
    const calm = await stage.playbook(await stage.app('1'), { play: { services: play.services } });
    expect((await stage.rollout(calm)).exitCode).toBe(0);
    const file = await stage.playbook(await stage.app('1'), { play });
    const boots = () => stage.fleet.hosts.map((host) => stage.fleet.sandbox.host(host).machine.bootId);
    const before = boots();
    expect((await stage.plain('plan', file)).stdout).toContain('task restart (while it is out): changes');
    const first = await stage.rollout(file);
    expect([first.exitCode, story(first.events)]).toEqual([
      0,
      ['h2 starts: canary', 'h2 done', expect.stringMatching(/^bake /), 'changed, exit 0: h1 unchanged, h2 updated'],
    ]);
    expect(boots().map((id, index) => id === before[index])).toEqual([true, false]);
    expect(await statesOn(stage.fleet, 'h2')).toEqual(['app running', 'health running']);
    const order = first.events.flatMap(({ type }) =>
      ['node_drained', 'task_finished', 'node_verified', 'node_admitted'].includes(type) ? [type] : [],
    );
    expect(order).toEqual(['node_drained', 'node_verified', 'task_finished', 'node_admitted']);
    const second = await stage.rollout(file);
    expect(story(second.events)).toEqual(['unchanged, exit 0: h1 unchanged, h2 unchanged']);
  });

  test('a host that does not come back from its reboot fails its node, within its time, and no other is rebooted', async () => {
    for (const host of ['h1', 'h2']) askForReboot(host);
    const { machine } = stage.fleet.sandbox.host('h1');
    machine.comesBack = false;
    const play = { tasks: [{ name: 'restart', reboot: { reboot_timeout: 3 }, when: 'reboot_required' }] };
    const { events, exitCode } = await stage.rollout(await stage.playbook(await stage.app('1'), { play }));
    machine.comesBack = true;
    await stage.fleet.hostUp('h1');
    expect(story(events).slice(0, 2)).toEqual([
      'h1 starts: canary',
      expect.stringMatching(/^h1 failed: task restart: the host was not back within 3 s of its reboot: /),
    ]);
    expect(exitCode).toBe(3);
    expect(events.some((event) => event.type === 'node_started' && event.host === 'h2')).toBe(false);
  });
});
