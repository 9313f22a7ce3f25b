import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type * as Api from '../../src/api/index.ts';
import type { Event } from '../../src/events/event.ts';
import { startStage, story, type Stage } from './support/stage.ts';

let api: typeof Api;
let stages: readonly Stage[];

beforeAll(async () => {
  const entry = join(dirname(inject('rolloutScript')), 'index.js');
  api = (await import(pathToFileURL(entry).href)) as typeof Api;
  stages = await Promise.all([startStage({ hosts: 3 }), startStage({ hosts: 2 })]);
  await Promise.all(stages.map((stage) => stage.deploy('1')));
});

afterAll(async () => {
  await Promise.all(stages.map((stage) => stage.close()));
});

async function opened(stage: Stage, image: string, events: Event[]): Promise<Api.Run> {
  const playbook = await stage.playbook(image);
  return api.openRun(playbook, { cwd: stage.cwd, homeDir: stage.cwd, onEvent: (event) => events.push(event) });
}

test('two runs in one process, on two fleets at once, know nothing of each other', async () => {
  const told: Event[][] = [[], []];
  const runs = await Promise.all(
    stages.map(async (stage, index) => opened(stage, await stage.app(`2-${index}`), told[index] ?? [])),
  );
  const outcomes = await Promise.all(runs.map((run) => run.start()));
  await Promise.all(runs.map((run) => run.close()));

  expect(outcomes).toMatchObject([
    { outcome: 'changed', exitCode: 0, hosts: { h1: { result: 'updated' }, h3: { result: 'updated' } } },
    { outcome: 'changed', exitCode: 0, hosts: { h1: { result: 'updated' }, h2: { result: 'updated' } } },
  ]);
  expect(await Promise.all(stages.map((stage) => stage.versions()))).toEqual([
    { h1: '2-0', h2: '2-0', h3: '2-0' },
    { h1: '2-1', h2: '2-1' },
  ]);
  for (const [index, events] of told.entries()) {
    expect(new Set(events.map(({ run }) => run))).toEqual(new Set([runs[index]?.id]));
    const stage = stages[index];
    if (stage === undefined) throw new Error('no stage');
    expect(await readdir(join(stage.cwd, '.rollout', 'runs'))).toContain(`${runs[index]?.id}.jsonl`);
  }
});

test('one of two runs that is stopped ends alone', async () => {
  const [first, second] = stages;
  if (first === undefined || second === undefined) throw new Error('no stage');
  const told: Event[][] = [[], []];
  const one = await api.openRun(await first.playbook(await first.app('3')), {
    cwd: first.cwd,
    homeDir: first.cwd,
    onEvent: (event) => {
      told[0]?.push(event);
      if (event.type === 'node_started') one.stop('the test');
    },
  });
  const two = await opened(second, await second.app('3'), told[1] ?? []);
  const outcomes = await Promise.all([one.start(), two.start()]);
  await Promise.all([one.close(), two.close()]);
  expect(outcomes.map(({ outcome, exitCode }) => [outcome, exitCode])).toEqual([
    ['interrupted', 130],
    ['changed', 0],
  ]);
  expect(told[0]?.flatMap((event) => (event.type === 'warning' ? [event.message] : []))).toEqual([
    'the test: no further node starts, nodes under way are finished or put back; send it again to stop at once',
  ]);

  const again = await api.resumeRun(one.id, { cwd: first.cwd, homeDir: first.cwd });
  expect(await again.start()).toMatchObject({ outcome: 'changed', exitCode: 0 });
  await again.close();
  expect(await first.versions()).toEqual({ h1: '3', h2: '3', h3: '3' });
});

test('a plan is data, and touches nothing', async () => {
  const [stage] = stages;
  if (stage === undefined) throw new Error('no stage');
  const before = await stage.versions();
  const events: Event[] = [];
  const run = await opened(stage, await stage.app('4'), events);
  const plan = await run.plan();
  await run.close();
  expect(plan.plays.map(({ play, canaries, nodes }) => [play, canaries, nodes.map(({ host }) => host)])).toEqual([
    ['web tier', ['h1'], ['h1', 'h2', 'h3']],
  ]);
  expect(api.formatPlan(plan)).toContain('app');
  expect(await stage.versions()).toEqual(before);
  expect(story(events)).toEqual([]);
});

test('every problem of the files is in the error, and its exit code is that of the tool', async () => {
  const error: unknown = await api
    .openRun('no-such.yaml', { cwd: stages[0]?.cwd ?? '' })
    .catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(api.ConfigError);
  expect(api.exitCodeOf(error)).toBe(api.exitCodes.usage);
});
