import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import type { FinishedRollout } from '../support/rollout.ts';
import { appsOf, startStage, story, warningsOf, type Stage } from './support/stage.ts';

const untouched = 'h1 untouched, h2 untouched, h3 untouched, h4 untouched';

describe('runs that meet, and runs that are told to stop', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage();
  });
  beforeEach(() => stage.deploy('1'));
  afterEach(() => stage.reset());
  afterAll(() => stage.close());

  test('a second run is told who holds the hosts, since when and which run; with --lock-timeout it waits', async () => {
    const playbook = await stage.playbook(await stage.app('2'), { strategy: { canary: { bake: '2s' } } });
    const first = stage.start(playbook);
    const { run } = await first.event(({ type }) => type === 'plan_ready');
    const waiting = stage.rollout(playbook, '--lock-timeout', '50s');
    const refused = await stage.rollout(playbook);
    expect({ exitCode: refused.exitCode, stderr: refused.stderr }).toEqual({
      exitCode: 6,
      stderr: expect.stringMatching(
        new RegExp(
          `^rollout: locked by another run on \\d hosts?\\n  h\\d(?:, h\\d)*(?: and \\d more)? (?:is|are) locked by run ${run} of \\S+ from \\S+, since \\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z\\.\\n$`,
        ),
      ) as string,
    });
    expect((await first.finished).exitCode).toBe(0);
    expect(story((await waiting).events)).toEqual([
      'unchanged, exit 0: h1 unchanged, h2 unchanged, h3 unchanged, h4 unchanged',
    ]);
  });

  test('runs on other hosts go on side by side', async () => {
    const playbook = await stage.playbook(await stage.app('2'));
    const runs = await Promise.all([
      stage.rollout(playbook, '--limit', 'h1,h2'),
      stage.rollout(playbook, '--limit', 'h3,h4'),
    ]);
    expect(runs.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  });

  test('a lock that is lost while its connection lives is taken again, and the run goes on', async () => {
    const { lock } = stage.fleet.sandbox.host('h3').machine;
    const run = stage.start(await stage.playbook(await stage.app('2')));
    await run.event(({ type }) => type === 'drain_started');
    const { holder, taken } = lock;
    lock.breakUp();
    await vi.waitFor(() => expect(lock).toMatchObject({ taken: taken + 1, holder }));
    expect(story((await run.finished).events).at(-1)).toBe(
      'changed, exit 0: h1 updated, h2 updated, h3 updated, h4 updated',
    );
  });

  test('where another run has a lost lock by then, nothing more is changed on that host', async () => {
    const { lock } = stage.fleet.sandbox.host('h3').machine;
    const before = (await appsOf(stage))['h3'];
    const run = stage.start(await stage.playbook(await stage.app('2')));
    await run.event(({ type }) => type === 'drain_started');
    lock.breakUp(JSON.stringify({ run: 'another', user: 'eve', controller: 'laptop' }));
    const { events } = await run.finished;
    lock.breakUp();
    expect(story(events).slice(5)).toEqual([
      'h3 starts: fan_out',
      expect.stringMatching(/^h3 failed: .*: h3 is locked by run another of eve from laptop\.$/),
      'h3 restored',
      'h2 starts: rollback',
      'h2 restored',
      'h1 starts: rollback',
      'h1 restored',
      'rolled_back, exit 5: h1 restored, h2 restored, h3 restored, h4 untouched',
    ]);
    expect((await appsOf(stage))['h3']).toBe(before);
  });

  test('--confirm without a terminal is refused, and nothing is touched', async () => {
    const { exitCode, stderr, events } = await stage.rollout(await stage.playbook(await stage.app('2')), '--confirm');
    expect({ exitCode, stderr, story: story(events) }).toEqual({
      exitCode: 2,
      stderr: 'rollout: --confirm asks on a terminal, and there is none\n',
      story: [`failed, exit 2: ${untouched}`],
    });
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s during a drain: the node is finished, no other starts, exit 130',
    async (signal) => {
      const run = stage.start(await stage.playbook(await stage.app('2')));
      await run.event(({ type }) => type === 'drain_started');
      run.process.kill(signal);
      const { events, exitCode } = await run.finished;
      expect(exitCode).toBe(130);
      expect(story(events)).toEqual([
        'h1 starts: canary',
        'h1 done',
        'interrupted, exit 130: h1 updated, h2 untouched, h3 untouched, h4 untouched',
      ]);
      expect(warningsOf(events)[0]).toBe(
        `${signal}: no further node starts, nodes under way are finished or put back; send it again to stop at once`,
      );
    },
  );

  test('an interrupt ends a bake at once; the canary stays, and resume goes on', async () => {
    const image = await stage.app('2');
    const playbook = await stage.playbook(image, { strategy: { canary: { bake: '60s' } } });
    const run = stage.start(playbook);
    await run.event(({ type }) => type === 'bake_started');
    run.process.kill('SIGINT');
    const { events, exitCode } = await run.finished;
    expect(exitCode).toBe(130);
    expect(story(events).at(-1)).toBe('interrupted, exit 130: h1 updated, h2 untouched, h3 untouched, h4 untouched');
    await stage.playbook(image);
    const resumed = await stage.rollout('resume', events[0]?.run ?? 'none');
    expect(story(resumed.events).at(-1)).toBe('changed, exit 0: h1 unchanged, h2 updated, h3 updated, h4 updated');
  });

  test('resume runs the tasks of no node that was finished, also in a run that resumes a resumed run', async () => {
    const image = await stage.app('2');
    const play = {
      pre_tasks: [{ name: 'before', command: 'true' }],
      tasks: [{ name: 'once', command: 'true', run_once: true }],
      post_tasks: [{ name: 'after', command: 'true' }],
    };
    const interruptedAfter = async (host: string, ...args: readonly string[]): Promise<FinishedRollout> => {
      const run = stage.start(...args);
      await run.event((event) => event.type === 'drain_started' && event.host === host);
      run.process.kill('SIGINT');
      return run.finished;
    };
    const first = await interruptedAfter('h1', await stage.playbook(image, { play }));
    const second = await interruptedAfter('h2', 'resume', first.events[0]?.run ?? 'none');
    const third = await stage.rollout('resume', second.events[0]?.run ?? 'none');
    const tasksOf = ({ events }: FinishedRollout): readonly string[] =>
      events.flatMap((event) =>
        event.type === 'op_finished' && event.op.kind === 'task' ? [`${event.host} ${event.op.text}`] : [],
      );
    expect([first, second, third].map(tasksOf)).toEqual([
      ['h1 task before', 'h1 task once', 'h1 task after'],
      ['h2 task before', 'h2 task after'],
      ['h3 task before', 'h3 task after', 'h4 task before', 'h4 task after'],
    ]);
    expect(story(third.events).at(-1)).toBe('changed, exit 0: h1 unchanged, h2 unchanged, h3 updated, h4 updated');
  });

  test('resume goes on with an interrupted rollback in its own direction', async () => {
    const playbook = await stage.playbook(await stage.app('2'));
    expect((await stage.rollout(playbook)).exitCode).toBe(0);
    const rollback = stage.start('rollback', playbook);
    await rollback.event(({ type }) => type === 'drain_started');
    rollback.process.kill('SIGINT');
    const { events, exitCode } = await rollback.finished;
    expect(exitCode).toBe(130);
    const resumed = await stage.rollout('resume', events[0]?.run ?? 'none');
    expect(resumed.exitCode).toBe(0);
    expect(await stage.versions()).toEqual({ h1: '1', h2: '1', h3: '1', h4: '1' });
  });

  test('an interrupt before anything was touched says so', async () => {
    const before = await appsOf(stage);
    stage.fleet.sandbox.balancer.setStatsMode({ delayMs: 1500 });
    const run = stage.start(await stage.playbook(await stage.app('2')));
    await run.event(({ type }) => type === 'host_connected');
    run.process.kill('SIGINT');
    const { exitCode, events } = await run.finished;
    expect(exitCode).toBe(130);
    expect(story(events)).toEqual([`interrupted, exit 130: ${untouched}`]);
    expect(await appsOf(stage)).toEqual(before);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s before there is a run: exit 130, and nothing is connected to',
    async (signal) => {
      // The inventory is read long before the first connection.
      const inventory = join(stage.cwd, 'interrupts.sh');
      await writeFile(inventory, `#!/bin/sh\nkill -${signal.slice(3)} $PPID\nsleep 1\necho '{}'\n`, { mode: 0o755 });
      const { exitCode, stdout, stderr } = await stage.rollout(
        await stage.playbook(await stage.app('2')),
        '--inventory',
        inventory,
      );
      expect({ exitCode, stdout, stderr }).toEqual({
        exitCode: 130,
        stdout: '',
        stderr: 'rollout: interrupted; nothing was touched\n',
      });
    },
  );

  test('a second interrupt stops at once, and the next run puts everything right', async () => {
    const playbook = await stage.playbook(await stage.app('2'));
    const run = stage.start(playbook);
    await run.event((event) => event.type === 'op_started' && event.op.text === 'rename app to app.previous');
    run.process.kill('SIGINT');
    await run.event(({ type }) => type === 'warning');
    run.process.kill('SIGINT');
    expect((await run.finished).exitCode).toBe(130);
    const next = await stage.rollout(playbook, '--lock-timeout', '20s');
    expect(next.exitCode).toBe(0);
    expect(await stage.versions()).toEqual({ h1: '2', h2: '2', h3: '2', h4: '2' });
  });

  test('a reader that goes away, as `| head -1` does, does not stop a run', async () => {
    const playbook = await stage.playbook(await stage.app('2'));
    const child = spawn(process.execPath, [inject('rolloutScript'), playbook, '--output', 'plain'], {
      cwd: stage.cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    await once(child.stdout, 'data');
    child.stdout.destroy();
    const [exitCode] = (await once(child, 'close')) as [number | null];
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(await stage.versions()).toEqual({ h1: '2', h2: '2', h3: '2', h4: '2' });
  });
});
