import { once } from 'node:events';
import { mkdir, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import type { Event } from '../../src/events/event.ts';
import { onTerminal } from '../support/on-terminal.ts';
import { runRollout, startRollout } from '../support/rollout.ts';
import { startStage, story, warningsOf, type Stage } from './support/stage.ts';

const untouched = 'h1 untouched, h2 untouched, h3 untouched, h4 untouched';

describe('a run is steered from another terminal', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage();
  });
  beforeEach(() => stage.deploy('1'));
  afterEach(() => stage.reset());
  afterAll(() => stage.close());

  const longBake = { strategy: { canary: { bake: '10m' } } };
  const baking = ({ type }: Event): boolean => type === 'bake_started';
  const startBaking = async (strategy: Readonly<Record<string, unknown>> = longBake.strategy) => {
    const run = stage.start(await stage.playbook(await stage.app('2'), { strategy }));
    const { run: id } = await run.event(baking);
    return { ...run, id };
  };
  const steer = (...args: readonly string[]) => runRollout(args, { script: inject('rolloutScript'), cwd: stage.cwd });
  const steered = (events: readonly Event[]): readonly string[] =>
    events.flatMap((event) => (event.type === 'run_steered' ? [`${event.steering}: ${event.message}`] : []));
  const goesOn = 'the canary h1 goes on without waiting any longer';

  test('promote ends a bake, and the run goes on to its end', async () => {
    const run = await startBaking();
    const said = await steer('promote', run.id);
    expect(said).toMatchObject({ exitCode: 0, stdout: `run ${run.id}: ${goesOn}\n`, stderr: '' });
    const { exitCode, events } = await run.finished;
    expect({ exitCode, steered: steered(events) }).toEqual({ exitCode: 0, steered: [`promote: ${goesOn}`] });
    expect(story(events)).toContain('bake promoted');
    expect(new Set(Object.values(await stage.versions()))).toEqual(new Set(['2']));
  });

  test('promote while it bakes stands for the answer of promote: manual; the beginning of an id is enough', async () => {
    const run = await startBaking({ canary: { bake: '10m', promote: 'manual' } });
    expect((await steer('promote', run.id.slice(0, -1))).exitCode).toBe(0);
    expect((await run.finished).exitCode).toBe(0);
  });

  test('promote answers the question that another terminal is asked', async () => {
    const playbook = await stage.playbook(await stage.app('2'), { strategy: { canary: { promote: 'manual' } } });
    const terminal = onTerminal([process.execPath, inject('rolloutScript'), playbook], stage.cwd);
    await terminal.said('Go on with the others? [y/N]');
    expect((await steer('promote', 'latest')).exitCode).toBe(0);
    expect(await terminal.exited).toBe(0);
    expect(new Set(Object.values(await stage.versions()))).toEqual(new Set(['2']));
  });

  test('promote is refused where nothing holds', async () => {
    const slow = await stage.app('2', { APP_FAULT: 'slow_boot', APP_BOOT_MS: '600000' });
    const run = stage.start(await stage.playbook(slow, { strategy: { healthy_deadline: '10m' } }));
    const { run: id } = await run.event(({ type }) => type === 'drain_started');
    const said = await steer('promote', id);
    expect(said).toMatchObject({ exitCode: 2, stdout: '' });
    expect(said.stderr).toContain(`run ${id} refuses to promote: nothing waits for promotion now`);
    for (const again of ['abort', 'abort']) await steer(again, id);
    expect((await run.finished).exitCode).toBe(130);
  });

  test('pause stops it with 7 after the nodes under way, and resume goes on', async () => {
    const run = stage.start(await stage.playbook(await stage.app('2')));
    const { run: id } = await run.event((event) => event.type === 'node_started' && event.role === 'fan_out');
    const said = await steer('pause', id);
    expect(said.stdout).toBe(
      `run ${id}: no further node starts, those under way are finished or put back, and the run pauses\n`,
    );
    const { exitCode, events } = await run.finished;
    expect(exitCode).toBe(7);
    // On a busy machine another node has started by the time that the pause is heard.
    const started = new Set(events.flatMap((event) => (event.type === 'node_started' ? [event.host] : [])));
    const ends = ['h1', 'h2', 'h3', 'h4'].map((host) => `${host} ${started.has(host) ? 'updated' : 'untouched'}`);
    expect(story(events).at(-1)).toBe(`paused, exit 7: ${ends.join(', ')}`);
    expect(ends).toContain('h4 untouched');
    expect(events.findLast(({ type }) => type === 'run_paused')).toMatchObject({
      reason: 'an operator has paused it',
      next: `rollout resume ${id}`,
    });
    expect((await steer('pause', id)).stderr).toBe(
      `rollout: run ${id} is over: paused, exit code 7\n  'rollout resume ${id}' goes on with it, canary promoted\n`,
    );
    expect((await stage.rollout('resume', id)).exitCode).toBe(0);
    expect(new Set(Object.values(await stage.versions()))).toEqual(new Set(['2']));
  });

  test('pause in a bake leaves that bake to resume', async () => {
    const run = await startBaking({ canary: { bake: '2s' } });
    await steer('pause', run.id);
    const { exitCode, events } = await run.finished;
    expect({ exitCode, end: story(events).slice(2) }).toEqual({
      exitCode: 7,
      end: ['paused', 'paused, exit 7: h1 updated, h2 untouched, h3 untouched, h4 untouched'],
    });
    const resumed = await stage.rollout('resume', run.id);
    expect(story(resumed.events)[0]).toBe('bake passed');
    expect(resumed.exitCode).toBe(0);
  });

  test('abort does as the first Ctrl-C', async () => {
    const run = await startBaking();
    expect((await steer('abort', run.id)).exitCode).toBe(0);
    const { exitCode, events } = await run.finished;
    expect({ exitCode, end: story(events).at(-1) }).toEqual({
      exitCode: 130,
      end: 'interrupted, exit 130: h1 updated, h2 untouched, h3 untouched, h4 untouched',
    });
    expect(steered(events)).toEqual([
      'abort: no further node starts, nodes under way are finished or put back; send it again to stop at once',
    ]);
    expect(warningsOf(events)).toEqual([]);
  });

  test('a run that is over, unknown, killed or on another controller is refused, each in its own words', async () => {
    const run = await startBaking();
    run.process.kill('SIGKILL');
    await run.finished;
    const control = join(stage.cwd, '.rollout/control');
    expect(await readdir(control)).toEqual([`${run.id}.sock`]);
    const dead = await steer('promote', run.id);
    expect(dead).toMatchObject({
      exitCode: 2,
      stderr: `rollout: run ${run.id} is not under way: its process has ended without a word\n  it was killed, or its machine was restarted; 'rollout resume ${run.id}' goes on with it\n`,
    });
    const elsewhere = `${run.id.slice(0, -4)}zzzz`;
    const started = run.events.find(({ type }) => type === 'run_started');
    const journal = join(stage.cwd, '.rollout/runs', `${elsewhere}.jsonl`);
    await writeFile(journal, `${JSON.stringify({ ...started, run: elsewhere, controller: 'build-7' })}\n`);
    expect((await steer('abort', elsewhere)).stderr).toBe(
      `rollout: run ${elsewhere} is not on this controller: it was started on build-7\n  type the command there, as the user who started it\n`,
    );
    await rm(journal);
    expect(await steer('abort', 'nothing')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("no run 'nothing'") as string,
    });
    // The next run takes away what the killed one has left.
    const { exitCode, events } = await stage.rollout(await stage.playbook(await stage.app('2')));
    expect(exitCode).toBe(0);
    expect(await readdir(control)).toEqual([]);
    expect((await steer('pause', events[0]?.run ?? '')).stderr).toContain('is over: changed, exit code 0');
  });

  test('the socket is its owner’s alone, and cuts off whoever does not speak as a client does', async () => {
    const run = await startBaking();
    const control = join(stage.cwd, '.rollout/control');
    const socket = join(control, `${run.id}.sock`);
    const modes = await Promise.all([control, socket].map(async (path) => (await stat(path)).mode & 0o777));
    expect(modes).toEqual([0o700, 0o600]);
    const answers = await Promise.all(
      ['nonsense\n', '{"do":"reboot","by":"eve"}\n', '{"do":"abort"}\n', 'x'.repeat(10_000), '[]\n'].map(
        async (text) => {
          const client = connect(socket);
          client.write(text);
          const [data] = (await once(client, 'data')) as [Buffer];
          client.destroy();
          return (JSON.parse(data.toString()) as { message: string }).message;
        },
      ),
    );
    expect(answers).toEqual([
      'a request is one JSON object in one line',
      '"do" must be promote, pause, abort; got "reboot"',
      '"by" must be a name; got nothing',
      'a request has at most 4096 bytes',
      '"do" must be promote, pause, abort; got nothing',
    ]);
    expect(run.process.exitCode).toBe(null);
    expect((await steer('abort', run.id)).exitCode).toBe(0);
    await run.finished;
  });

  test('a state folder too deep for the path of a socket is no hindrance', async () => {
    const deep = join(stage.cwd, 'a'.repeat(90), 'b'.repeat(90));
    await mkdir(deep, { recursive: true });
    const settings = { script: inject('rolloutScript'), cwd: stage.cwd, env: { ROLLOUT_STATE_DIR: deep } };
    const run = startRollout([await stage.playbook(await stage.app('2'), longBake), '--output', 'json'], settings);
    const { run: id } = await run.event(baking);
    expect((await runRollout(['promote', id], settings)).exitCode).toBe(0);
    const { exitCode, events } = await run.finished;
    expect({ exitCode, warnings: warningsOf(events) }).toEqual({ exitCode: 0, warnings: [] });
    expect(await readdir(join(deep, 'control'))).toEqual([]);
  });

  test('where there can be no socket the run says so and goes on', async () => {
    const state = join(stage.cwd, 'state');
    await mkdir(join(state, 'elsewhere'), { recursive: true });
    await symlink(join(state, 'elsewhere'), join(state, 'control'));
    const settings = { script: inject('rolloutScript'), cwd: stage.cwd, env: { ROLLOUT_STATE_DIR: state } };
    const { exitCode, events } = await runRollout(
      [await stage.playbook(await stage.app('2')), '--output', 'json'],
      settings,
    );
    expect({ exitCode, warnings: warningsOf(events) }).toEqual({
      exitCode: 0,
      warnings: [`this run cannot be steered from another terminal: ${join(state, 'control')} is no folder`],
    });
  });

  test('--no-bake goes on without any bake, says why, and needs a reason', async () => {
    const strategy = { canary: { bake: '10m' }, stages: ['50%'] };
    const playbook = await stage.playbook(await stage.app('2'), { strategy });
    for (const [args, words] of [
      [['--no-bake'], '--no-bake needs a reason, for the journal: --reason TEXT'],
      [['--no-bake', '--reason', '  '], '--no-bake needs a reason, for the journal: --reason TEXT'],
      [['--reason', 'late'], '--reason says why: it goes with --no-bake or --ignore-window'],
    ] as const) {
      const { exitCode, stderr, events } = await stage.rollout(playbook, ...args);
      expect({ exitCode, stderr, events }).toEqual({ exitCode: 2, stderr: `rollout: ${words}\n`, events: [] });
    }
    const { exitCode, events } = await stage.rollout(playbook, '--no-bake', '--reason', 'the shop is down');
    expect(exitCode).toBe(0);
    expect(events.find(({ type }) => type === 'run_started')).toMatchObject({ noBake: { reason: 'the shop is down' } });
    expect(
      events.flatMap((event) => (event.type === 'bake_finished' ? [[event.wave, event.verdict, event.reason]] : [])),
    ).toEqual([
      ['canary', 'skipped', 'the shop is down'],
      ['stage 50%', 'skipped', 'the shop is down'],
    ]);
    expect(story(events)).toContain('h1 starts: canary');
  });

  test('a manual gate stands with --no-bake and with a bake of nothing, once', async () => {
    const strategy = { canary: { bake: '0', promote: 'manual' } };
    const { exitCode, events } = await stage.rollout(await stage.playbook(await stage.app('2'), { strategy }));
    expect(exitCode).toBe(7);
    expect(story(events).slice(2, 4)).toEqual(['bake inconclusive', 'paused']);
    expect((await stage.rollout('resume', events[0]?.run ?? '')).exitCode).toBe(0);
    expect(new Set(Object.values(await stage.versions()))).toEqual(new Set(['2']));
  });

  test('a run that is paused before it has touched anything ends with 7', async () => {
    const first = await startBaking();
    const waiting = stage.start(await stage.playbook(await stage.app('2')), '--lock-timeout', '10m');
    const { run: id } = await waiting.event(({ type }) => type === 'host_connected' || type === 'run_started');
    await expect.poll(async () => (await steer('pause', id)).exitCode, { timeout: 20_000 }).toBe(0);
    const { exitCode, events, stderr } = await waiting.finished;
    expect({ exitCode, stderr, end: story(events) }).toEqual({
      exitCode: 7,
      stderr: 'rollout: paused: an operator has paused it; nothing was touched\n',
      end: ['paused', `paused, exit 7: ${untouched}`],
    });
    await steer('abort', first.id);
    await first.finished;
  });
});
