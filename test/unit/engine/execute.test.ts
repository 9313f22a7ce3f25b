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
