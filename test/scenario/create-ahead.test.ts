import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import type { Event } from '../../src/events/event.ts';
import { containersOn } from '../support/containers.ts';
import { runRollout, type RunningRollout } from '../support/rollout.ts';
import { appsOf, startStage, story, type Stage } from './support/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage({ hosts: 3 });
});
beforeEach(() => stage.deploy('1'));
afterEach(() => stage.reset());
afterAll(() => stage.close());

const others = ['h2', 'h3'] as const;
const name = 'rollout.ahead.app.next';

/** A run whose canary bakes until it is let on, and whose other hosts have what they are to run next. */
async function bakingRun(version: string): Promise<RunningRollout> {
  const strategy = { canary: { bake: '10m' } };
  const run = stage.start(await stage.playbook(await stage.app(version), { strategy }), '-vvv');
  await run.event(({ type }) => type === 'bake_started');
  await Promise.all(others.map((host) => run.event((event) => isCreatedAhead(event, host))));
  return run;
}

function isCreatedAhead(event: Event, host: string): boolean {
  return (
    event.type === 'command_run' && event.host === host && event.script?.startsWith('rollout-create-ahead') === true
  );
}

/** Lets the canary on; resolves to what the run said up to its end. */
async function goOn(run: RunningRollout): Promise<readonly Event[]> {
  const { exitCode } = await runRollout(['promote', 'latest'], { script: inject('rolloutScript'), cwd: stage.cwd });
  expect(exitCode).toBe(0);
  return (await run.finished).events;
}

/** Id of the container that waits on a host. */
async function waitingOn(host: string): Promise<string | undefined> {
  const lines = await containersOn(stage.fleet, host);
  return lines
    .find((line) => line.startsWith(`${name} created `))
    ?.split(' ')
    .at(-1);
}

/** Names that no host is left with. */
async function unfinished(): Promise<readonly string[]> {
  const lines = await Promise.all(stage.fleet.hosts.map((host) => containersOn(stage.fleet, host)));
  return lines.flat().filter((line) => /^rollout\.|\.next /.test(line));
}

const everyone = 'changed, exit 0: h1 updated, h2 updated, h3 updated';

test('what is created while the canary bakes is what the others run afterwards', async () => {
  const run = await bakingRun('2');
  const [h2, h3] = await Promise.all(others.map(waitingOn));
  expect(story(await goOn(run)).at(-1)).toBe(everyone);
  expect(await appsOf(stage)).toMatchObject({ h2, h3 });
  expect({ ids: [h2, h3].every((id) => id !== undefined), left: await unfinished() }).toEqual({ ids: true, left: [] });
});

test('a canary that fails leaves none behind, and the others as they were', async () => {
  const before = await appsOf(stage);
  const app = await stage.app('2', { APP_FAULT: 'slow_boot', APP_BOOT_MS: '600000' });
  const { events } = await stage.rollout(await stage.playbook(app, { strategy: { healthy_deadline: '1s' } }), '-vvv');
  expect(others.map((host) => events.some((event) => isCreatedAhead(event, host)))).toEqual([true, true]);
  expect(story(events).at(-1)).toBe('rolled_back, exit 5: h1 restored, h2 untouched, h3 untouched');
  expect({ apps: await appsOf(stage), left: await unfinished() }).toEqual({ apps: before, left: [] });
});

test('a run that is interrupted while its canary bakes removes them', async () => {
  const run = await bakingRun('2');
  run.process.kill('SIGINT');
  expect(story((await run.finished).events).at(-1)).toMatch(/^interrupted, exit 130: /);
  expect(await unfinished()).toEqual([]);
});

test('those of a run that was killed are in nobody’s way: status tells of them, and the next run removes them', async () => {
  const run = await bakingRun('2');
  run.process.kill('SIGKILL');
  await run.finished;
  const killed = await Promise.all(others.map(waitingOn));
  const file = await stage.playbook(await stage.app('2'));
  const plan = await stage.plain('plan', file);
  expect(plan.stdout).not.toContain('rollout.ahead');
  const status = await stage.plain('status', file);
  expect(status.stdout.split('\n').filter((line) => line.includes('left half way'))).toEqual([
    `    left half way: ${name} (created ahead of its turn)`,
    `    left half way: ${name} (created ahead of its turn)`,
  ]);
  const { events } = await stage.rollout(file);
  expect(story(events).at(-1)).toBe('changed, exit 0: h1 unchanged, h2 updated, h3 updated');
  const { h2, h3 } = await appsOf(stage);
  expect(killed.includes(h2) || killed.includes(h3)).toBe(false);
  expect(await unfinished()).toEqual([]);
});

test('one that was pruned meanwhile is created again', async () => {
  const run = await bakingRun('2');
  await stage.fleet.docker('h2', ['rm', name]);
  expect(story(await goOn(run)).at(-1)).toBe(everyone);
  expect({ versions: await stage.versions(), left: await unfinished() }).toEqual({
    versions: { h1: '2', h2: '2', h3: '2' },
    left: [],
  });
});

test('one whose host has changed meanwhile is not the one that is wanted: it goes, and another one comes', async () => {
  const run = await bakingRun('2');
  const outdated = await waitingOn('h2');
  await stage.fleet.docker('h2', ['rm', '--force', 'app']);
  expect(story(await goOn(run)).at(-1)).toBe(everyone);
  const { h2 } = await appsOf(stage);
  expect({ isAnother: h2 !== outdated, left: await unfinished() }).toEqual({ isAnother: true, left: [] });
});
