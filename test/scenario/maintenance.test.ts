import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { containersOn, emptyFleet } from '../support/containers.ts';
import { startStage, story, warningsOf, type Stage } from './support/stage.ts';

describe('a maintenance run by the health container of another playbook', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage({ hosts: 2 });
  });
  beforeEach(async () => {
    await emptyFleet(stage.fleet);
    await stage.deploy('1');
  });
  afterAll(() => stage.close());

  const maintenance = async (
    tasks: readonly object[],
    { health = 'health', leastUp = 1 }: { readonly health?: string; readonly leastUp?: number } = {},
  ): Promise<string> => {
    const file = join(stage.cwd, 'maintenance.yaml');
    const { fleet } = stage;
    const play = {
      name: 'nodes',
      hosts: 'web',
      load_balancer: { type: 'haproxy', stats: [fleet.statsUrl], backend: 'web' },
      health_container: health,
      strategy: {
        canary: { bake: '100ms', bake_max: '100ms' },
        max_unavailable: 1,
        min_available: leastUp,
        healthy_deadline: '10s',
        drain: { timeout: '5s' },
      },
      tasks,
    };
    await writeFile(file, JSON.stringify({ name: 'maintenance', inventory: fleet.inventoryFile, plays: [play] }));
    return file;
  };
  /** Without when it was started: name, state, restart policy, image, id. */
  const kept = async (host: string): Promise<readonly string[]> =>
    (await containersOn(stage.fleet, host)).map((line) => line.replace(/ \S+Z /, ' '));
  const notes = async (host: string): Promise<readonly string[]> =>
    (await stage.fleet.docker(host, ['volume', 'ls', '--quiet'])).split('\n').filter((name) => name !== '');

  test('reboots each node while it is out, and every container is the same as before, and runs', async () => {
    for (const host of stage.fleet.hosts)
      stage.fleet.sandbox.host(host).machine.files.set('/run/reboot-required', Buffer.alloc(0));
    const before = await Promise.all(stage.fleet.hosts.map(kept));
    const file = await maintenance([{ name: 'restart', reboot: { reboot_timeout: 20 }, when: 'reboot_required' }]);
    expect((await stage.plain('plan', file)).stdout).toContain(
      "leaves rotation by container health, which is none of the play's: it is stopped and started",
    );
    const { events, exitCode } = await stage.rollout(file);
    expect([exitCode, story(events)]).toEqual([
      0,
      [
        'h1 starts: canary',
        'h1 done',
        expect.stringMatching(/^bake /),
        'h2 starts: fan_out',
        'h2 done',
        'changed, exit 0: h1 updated, h2 updated',
      ],
    ]);
    const ops = events.flatMap((event) => (event.type === 'op_finished' && event.host === 'h1' ? [event.op.text] : []));
    expect(ops).toEqual([
      'stop health, drain h1',
      'task restart',
      'wait until what ran beside it runs again',
      'start health, admit h1',
    ]);
    expect(await Promise.all(stage.fleet.hosts.map(kept))).toEqual(before);
    expect(await Promise.all(stage.fleet.hosts.map(notes))).toEqual([[], []]);
  });

  test.each(['the next maintenance run', 'the playbook of its services'])(
    'a run that is killed while a node is out: %s lets it in again, as it was',
    async (who) => {
      const before = await kept('h1');
      const running = stage.start(await maintenance([{ name: 'long', command: 'sleep 30' }]));
      await running.event((event) => event.type === 'op_started' && event.op.text === 'task long');
      running.process.kill('SIGKILL');
      await running.finished;
      expect((await kept('h1')).at(-1)).toMatch(/^health exited no /);
      const isNext = who === 'the next maintenance run';
      const next = isNext
        ? await maintenance([{ name: 'short', command: { cmd: 'true', creates: '/etc' } }])
        : await stage.playbook(await stage.app('1'));
      const { events, exitCode } = await stage.rollout(next);
      expect([exitCode, story(events).at(-1)]).toEqual([0, 'unchanged, exit 0: h1 unchanged, h2 unchanged']);
      expect(await kept('h1')).toEqual(before);
    },
  );

  test('a task that fails: its node is let in again, the others are not touched, and what to look at is said', async () => {
    const before = await Promise.all(stage.fleet.hosts.map(kept));
    const { events, exitCode } = await stage.rollout(await maintenance([{ name: 'patch', command: 'false' }]));
    expect([exitCode, story(events)]).toEqual([
      5,
      [
        'h1 starts: canary',
        'h1 failed: task patch: exited with 1',
        'h1 restored',
        'rolled_back, exit 5: h1 restored, h2 untouched',
      ],
    ]);
    expect(await Promise.all(stage.fleet.hosts.map(kept))).toEqual(before);
  });

  test('a host where somebody has stopped it is worked on and stays out; one without it ends the run', async () => {
    await stage.fleet.docker('h2', ['stop', 'health']);
    const file = await maintenance([{ name: 'patch', command: 'true' }], { leastUp: 0 });
    const { events, exitCode } = await stage.rollout(file);
    expect([exitCode, story(events).at(-1)]).toEqual([0, 'changed, exit 0: h1 updated, h2 updated']);
    expect((await kept('h2')).at(-1)).toMatch(/^health exited always /);
    const none = await stage.plain(
      'plan',
      await maintenance([{ name: 'patch', command: 'true' }], { health: 'lb-check' }),
    );
    expect([none.exitCode, none.stderr]).toEqual([
      2,
      expect.stringContaining('there is no container lb-check, which health_container names'),
    ]);
    expect(warningsOf(events).join('\n')).not.toContain('is not checked');
  });
});
