import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { idlePlaybook, idleTasks, mostRoundTrips } from '../../bench/idle-tasks.ts';
import type { Event } from '../../src/events/event.ts';
import { startStage, type Stage } from './support/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage({ hosts: 3 });
});
afterAll(() => stage.close());

test('a run that finds nothing to do sends one command to each host', async () => {
  const { exitCode, events } = await stage.rollout(await stage.playbook(await stage.deploy('1')), '-vvv');
  expect({ exitCode, sent: commandsOf(events) }).toEqual({
    exitCode: 0,
    sent: onEveryHost(['rollout-lock rollout-survey']),
  });
});

test('an update sends the canary eleven commands, those that wait for its bake two more, and the looks between them', async () => {
  await stage.deploy('1');
  const { exitCode, events } = await stage.rollout(await stage.playbook(await stage.app('2')), '-vvv');
  const look = 'docker container';
  const sent = Object.entries(commandsOf(events)).map(([host, names]) => [host, names.filter((name) => name !== look)]);
  const preflight = [
    'rollout-lock rollout-survey',
    'rollout-observe',
    'rollout-bring',
    'rollout-observe',
    'rollout-room',
  ];
  // Beside the drain: create, then the policy and what was parked. Out: the stop; the renames and the start. And in.
  const update = ['docker create', ...Array<string>(5).fill('rollout-steps')];
  // While the canary bakes: create. Then the host is read again, and the container that waits gets its name.
  const waiting = [...preflight, 'rollout-create-ahead', 'rollout-observe', 'rollout-steps', ...update.slice(1)];
  expect({ exitCode, sent: Object.fromEntries(sent) as unknown }).toEqual({
    exitCode: 0,
    sent: { h1: [...preflight, ...update], h2: waiting, h3: waiting },
  });
});

test('ten tasks with nothing to do cost each host two commands: the look that every run takes, and one question', async () => {
  const file = join(stage.cwd, 'idle.yaml');
  await writeFile(file, idlePlaybook(stage.fleet.inventoryFile));
  expect((await stage.rollout('run', file)).exitCode).toBe(0);
  const { exitCode, events } = await stage.rollout('run', file, '-vvv');
  expect({ exitCode, tasks: idleTasks.length, sent: commandsOf(events), most: mostRoundTrips(events) }).toEqual({
    exitCode: 0,
    tasks: 10,
    sent: onEveryHost(['rollout-lock rollout-survey', 'rollout-read']),
    most: 2,
  });
});

/** What each host was asked to run, in order; what a command holds besides its own name is one round trip with it. */
function commandsOf(events: readonly Event[]): Readonly<Record<string, readonly string[]>> {
  const sent: Record<string, string[]> = {};
  for (const event of events)
    if (event.type === 'command_run') (sent[event.host] ??= []).push(nameOf(event.script ?? event.commandLine));
  return sent;
}

function nameOf(commandLine: string): string {
  const [name = '', first = ''] = commandLine.split(' ');
  if (name === 'docker') return `${name} ${first}`;
  const [, within] = /^rollout-lock .* -- (\S+)$/.exec(commandLine) ?? [];
  return within === undefined ? name : `${name} ${within}`;
}

const onEveryHost = <T>(value: T): Readonly<Record<string, T>> => ({ h1: value, h2: value, h3: value });
