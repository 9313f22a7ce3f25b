import { describe, expect, test } from 'vitest';
import { DockerError } from '../../../src/docker/errors.ts';
import { labels } from '../../../src/docker/names.ts';
import type { Container } from '../../../src/docker/observed.ts';
import type { Step } from '../../../src/docker/steps.ts';
import { executeOps } from '../../../src/engine/execute.ts';
import type { Node } from '../../../src/engine/node.ts';
import { OpError } from '../../../src/engine/op-error.ts';
import { stopFirst } from '../../../src/plan/order/stop-first/stop-first.ts';
import type { Op } from '../../../src/plan/plan.ts';
import { RemoteError } from '../../../src/ssh/remote.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { runContext } from '../../support/run-context.ts';
import { container, observed, service } from '../../support/simulated-host.ts';

const app = service('app', 'v2');
const id = { service: 'app', cause: 'v1 → v2' };
const stop: readonly Op[] = [
  { ...id, kind: 'set_restart', container: 'app', policy: 'no' },
  { ...id, kind: 'stop', container: 'app', graceMs: 1000 },
  { ...id, kind: 'rename', container: 'app', to: 'app.previous' },
];
const swap: readonly Op[] = [
  { ...id, kind: 'rename', container: 'app', to: 'app.previous' },
  { ...id, kind: 'rename', container: 'app.next', to: 'app' },
  { ...id, kind: 'start', container: 'app' },
];
const next: Container = {
  ...container(app, { name: 'app.next', running: false, status: 'created' }),
  labels: { [labels.run]: 'r1' },
};
const parked = container(service('app', 'v1'), { name: 'app.previous', running: false });
const running = container(service('app', 'v1'));

/** Carries ops out on a host whose docker ends `done` of them and refuses the next in these words, and shows `found`. */
async function failureOf(
  ops: readonly Op[],
  { done, words, found }: { done: number; words: string; found: readonly Container[] | Error },
): Promise<string> {
  const look = (): Promise<ReadonlyMap<string, Container>> =>
    found instanceof Error ? Promise.reject(found) : Promise.resolve(observed(found).containers);
  const docker = {
    carryOut: (steps: readonly Step[], { onDone }: { onDone: (index: number) => void }) => {
      for (let index = 0; index < done; index += 1) onDone(index);
      return Promise.reject(new DockerError('h1', steps[done]?.argv ?? [], 1, `Error response from daemon: ${words}`));
    },
    inspect: look,
  };
  const session = {
    docker,
    assertLocked: () => Promise.resolve(),
    observe: () => Promise.resolve(observed(found instanceof Error ? [next, parked] : found)),
    host: { name: 'h1' },
  };
  const node = {
    ...{ name: 'h1', services: [app], gate: undefined, order: stopFirst, observed: observed([]), session },
    tier: { play: { strategy: {} } },
  } as unknown as Node;
  const failure: unknown = await executeOps(ops, node, runContext(manualClock(0))).catch((error: unknown) => error);
  if (!(failure instanceof OpError)) throw failure;
  return `${failure.step.text}: ${failure.message}`;
}

describe('a step that docker refuses for want of what one before it only claimed', () => {
  const noApp = 'No such container: app';
  test.each<[string, readonly Op[], Parameters<typeof failureOf>[1], string]>([
    [
      'a rename that brought no new one is told, and not the start behind it',
      swap,
      { done: 2, words: noApp, found: [next, parked] },
      'rename app.next to app: docker reported it as done, but app is not there',
    ],
    [
      'a rename that parked nothing is told, and not the rename behind it',
      swap,
      { done: 1, words: 'Conflict. The container name "/app" is already in use', found: [running, next] },
      'rename app to app.previous: docker reported it as done, but app.previous is not there',
    ],
    [
      'a stop that stopped nothing is told, and not the rename behind it',
      stop,
      { done: 2, words: noApp, found: [{ ...running, restartPolicy: { name: 'no', maximumRetryCount: 0 } }] },
      'stop app: docker reported it as done, but app still runs',
    ],
    [
      'a restart policy that was not taken is told, and not the stop behind it',
      stop,
      { done: 1, words: noApp, found: [container(service('app', 'v1'), { restart: 'always' })] },
      'set app to restart no: docker reported it as done, but app does not have restart no',
    ],
  ])('%s', async (_, ops, host, told) => {
    expect(await failureOf(ops, host)).toBe(told);
  });

  test.each<[string, readonly Op[], Parameters<typeof failureOf>[1], string]>([
    [
      'where those before it have come true its own words stand',
      swap,
      { done: 2, words: 'driver failed: no space left on device', found: [{ ...next, name: 'app' }, parked] },
      'start app: driver failed: no space left on device',
    ],
    [
      'where nothing was before it its own words stand',
      swap,
      { done: 0, words: 'No such container: app', found: [next, running] },
      'rename app to app.previous: No such container: app',
    ],
    [
      'where the host cannot be looked at its own words stand',
      swap,
      { done: 2, words: noApp, found: new RemoteError('h1', 'timeout', 'no answer') },
      'start app: No such container: app',
    ],
  ])('%s', async (_, ops, host, told) => {
    expect(await failureOf(ops, host)).toBe(told);
  });
});

/** Carries ops out on a host that shows `found`. @returns its commands, each with what it was looked at for, and the end */
async function commandsFor(ops: readonly Op[], found: readonly Container[]): Promise<readonly string[]> {
  const said: string[] = [];
  const shown = (names: readonly string[]): Promise<ReadonlyMap<string, Container>> =>
    Promise.resolve(new Map([...observed(found).containers].filter(([name]) => names.includes(name))));
  const docker = {
    carryOut: (
      steps: readonly Step[],
      { look, onDone }: { look: readonly string[]; onDone: (index: number) => void },
    ) => {
      for (const index of steps.keys()) onDone(index);
      const verbs = steps.map(({ argv }) => (argv[0] === 'sh' ? argv[3] : argv.slice(1).join(' ')));
      said.push(`${verbs.join(', ')}; look ${look.join(' ')}`.trimEnd());
      return shown(look);
    },
    inspect: (names: readonly string[]) => {
      said.push(`look ${names.join(' ')}`);
      return shown(names);
    },
  };
  const node = {
    ...{ name: 'h1', services: [app], gate: undefined, order: stopFirst, observed: observed([]) },
    session: { docker, assertLocked: () => Promise.resolve(), host: { name: 'h1' } },
    tier: { play: { strategy: {} } },
  } as unknown as Node;
  await executeOps(ops, node, runContext(manualClock(0))).catch((error: unknown) => {
    if (!(error instanceof OpError)) throw error;
    said.push(`${error.step.text}: ${error.message}`);
  });
  return said;
}

describe('what docker has done is looked at', () => {
  const replace: readonly Op[] = [
    { ...id, kind: 'set_restart', container: 'app', policy: 'no' },
    { ...id, kind: 'remove', container: 'app.previous' },
    { ...id, kind: 'stop', container: 'app', graceMs: 1000 },
    ...swap,
  ];
  const commands = [
    'rollout-update, rollout-remove; look',
    'stop --time 1 -- app; look',
    'rename -- app app.previous, rename -- app.next app, start -- app; look app app.previous app.next',
  ];
  const old = { ...parked, restartPolicy: { name: 'no', maximumRetryCount: 0 } };
  const started: Container = { ...running, name: 'app' };

  test('once for a whole replacement, when the new container has started', async () => {
    expect(await commandsFor(replace, [started, old])).toEqual(commands);
  });

  test('and a stop that stopped nothing is told then, before anything else is done', async () => {
    const still = { ...old, state: { ...old.state, running: true, status: 'running' as const } };
    expect(
      await commandsFor([...replace, { ...id, kind: 'verify', service: app, container: 'app' }], [started, still]),
    ).toEqual([...commands, 'stop app: docker reported it as done, but app.previous still runs']);
  });

  test('between the stop of a container and its own start: afterwards nobody could tell', async () => {
    const again: readonly Op[] = [
      { ...id, kind: 'stop', container: 'app', graceMs: 1000 },
      { ...id, kind: 'set_restart', container: 'app', policy: 'always' },
      { ...id, kind: 'start', container: 'app' },
    ];
    expect(await commandsFor(again, [started])).toEqual([
      'stop --time 1 -- app; look',
      'look app',
      'stop app: docker reported it as done, but app still runs',
    ]);
  });

  test('at once where nothing follows', async () => {
    const removal: readonly Op[] = [{ ...id, kind: 'remove', container: 'app.previous' }];
    expect(await commandsFor(removal, [])).toEqual(['rollout-remove; look app.previous']);
  });
});
