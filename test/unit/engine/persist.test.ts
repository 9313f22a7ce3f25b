import { expect, test, vi } from 'vitest';
import { DockerError } from '../../../src/docker/errors.ts';
import type { Node } from '../../../src/engine/node.ts';
import { persist } from '../../../src/engine/persist.ts';
import type { Op } from '../../../src/plan/plan.ts';
import { describeOp } from '../../../src/plan/op-text.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { container, observed, service } from '../../support/simulated-host.ts';
import { stopFirst } from '../../../src/plan/order/stop-first/stop-first.ts';
import { runContext } from '../../support/run-context.ts';

const app = service('app', 'v1');
const refused = (words: string): DockerError =>
  new DockerError('h1', ['docker'], 1, `Error response from daemon: ${words}`);
const away = refused('Cannot connect to the Docker daemon at unix:///var/run/docker.sock.');
const taken = refused('Conflict. The container name "/app.next" is already in use by container "1f".');
const create: Op = { kind: 'create', service: app, container: 'app.next', cause: 'v1 → v2' };
const start: Op = { kind: 'start', service: 'app', container: 'app', cause: 'v1 → v2' };

/** One that carries `op` out, failing with each of `errors` in turn; and that finds `found` when it reads the host. */
function attempt(op: Op, errors: readonly Error[], found: () => ReturnType<typeof observed>) {
  const clock = manualClock(0);
  const said: string[] = [];
  const context = runContext(clock, (event) => void said.push(event.type === 'warning' ? event.message : event.type));
  const session = { observe: () => Promise.resolve(found()), host: { name: 'h1' } };
  const base = { name: 'h1', services: [app], gate: undefined, order: stopFirst };
  const node = { ...base, observed: found(), session, wasAway: false };
  const left = [...errors];
  const done = persist([op], node as unknown as Node, context, (ops) => {
    said.push(
      ops.map((each) => `${clock.now() / 1000} s ${describeOp(each).text.split(' from ')[0] ?? ''}`).join(', '),
    );
    const error = left.shift();
    return error === undefined ? Promise.resolve() : Promise.reject(error);
  });
  done.catch(() => undefined);
  const untilAsleep = () => vi.waitFor(() => expect(clock.sleepers()).toBe(1));
  return { clock, said, done, untilAsleep };
}

test('a create that was cut off and goes on at the daemon is waited for, and its container made anew', async () => {
  const current = container(app);
  let hosts = observed([current]);
  const { clock, said, done, untilAsleep } = attempt(create, [away, taken], () => hosts);
  await untilAsleep();
  hosts = observed([current, container(app, { name: 'app.next', running: false, status: 'created' })]);
  await clock.advanceTo(1000);
  await done;
  expect(said).toEqual([
    '0 s create app.next',
    'the docker daemon is away (Cannot connect to the Docker daemon at unix:///var/run/docker.sock.); reading the host again',
    '0 s create app.next',
    `${taken.message}; reading the host again`,
    '1 s remove app.next, 1 s create app.next',
  ]);
});

test('a name that is taken is an error at once where no create of ours was cut off', async () => {
  const { said, done } = attempt(create, [taken], () => observed([container(app)]));
  await expect(done).rejects.toBe(taken);
  expect(said).toEqual(['0 s create app.next']);
});

test('a daemon that answers and is without its containerd is tried again for 15 s, ever less often', async () => {
  const without = refused('connection error: dial unix:///run/containerd/containerd.sock: timeout": unavailable');
  const stopped = observed([container(app, { running: false })]);
  const { clock, said, done, untilAsleep } = attempt(
    start,
    Array.from({ length: 6 }, () => without),
    () => stopped,
  );
  for (const atMs of [1000, 3000, 7000, 15_000]) {
    await untilAsleep();
    await clock.advanceTo(atMs);
  }
  await expect(done).rejects.toBe(without);
  expect(said.filter((line) => line.includes('start'))).toEqual([
    '0 s start app',
    '0 s start app',
    '1 s start app',
    '3 s start app',
    '7 s start app',
    '15 s start app',
  ]);
});

const stop: Op = { kind: 'stop', service: 'app', container: 'app', graceMs: 1000, cause: 'v1 → v2' };
const rename: Op = { kind: 'rename', service: 'app', container: 'app', to: 'app.previous', cause: 'v1 → v2' };

const remove: Op = { kind: 'remove', service: 'app', container: 'app', cause: 'v1 → v2' };
const unpause: Op = { kind: 'unpause', service: 'app', container: 'app', cause: 'v1 → v2' };

test.each<[string, Op, ReturnType<typeof container>, string]>([
  ['stop', stop, container(app, { running: false }), 'cannot stop container: ttrpc: closed'],
  ['start', start, container(app), 'OCI runtime start failed: unknown'],
  ['rename', rename, container(app, { name: 'app.previous' }), 'sandbox 1f not found'],
  ['stop', stop, container(app, { running: false }), 'Cannot stop container app: no such process'],
  ['stop', stop, container(app, { running: false }), 'rpc error: code = 2 desc = containerd: container not found'],
  ['start', start, container(app), 'failed to create task for container: ttrpc: closed: unknown'],
  [
    'removal',
    remove,
    container(app, { name: 'other' }),
    'Could not kill running container, cannot remove - no such process',
  ],
  [
    'removal',
    remove,
    container(app, { name: 'other' }),
    'Failed to set container state to RemovalInProgress: Status is already RemovalInProgress',
  ],
  ['unpause', unpause, container(app), 'Container 1f is not paused'],
])('a %s that docker refuses and that has come true all the same is done', async (_, op, after, words) => {
  const { said, done } = attempt(op, [refused(words)], () => observed([after]));
  await done;
  expect(said).toEqual([expect.stringContaining('0 s ')]);
});

test('a stop that docker refuses is asked again twice, a little later each time, and then stands in docker’s words', async () => {
  const closed = refused('cannot stop container: app: tried to kill container, but did not receive an exit event');
  const { clock, said, done, untilAsleep } = attempt(stop, [closed, closed, closed, closed], () =>
    observed([container(app)]),
  );
  for (const atMs of [300, 1300]) {
    await untilAsleep();
    await clock.advanceTo(atMs);
  }
  await expect(done).rejects.toBe(closed);
  expect(said).toEqual(['0 s stop app', '0.3 s stop app', '1.3 s stop app']);
});

test('a removal that docker has been asked for half a minute is asked no further', async () => {
  const held = refused('cannot remove container "app": unable to remove filesystem: device or resource busy');
  const { said, done } = attempt(remove, [held, held], () => observed([container(app)]));
  await expect(done).rejects.toBe(held);
  expect(said).toEqual(['0 s remove app']);
});

test('what docker refuses for good is refused at once: no room, no such container', async () => {
  for (const words of ['write /var/lib/docker/x: no space left on device', 'No such container: app']) {
    const { said, done } = attempt(start, [refused(words)], () => observed([container(app, { running: false })]));
    await expect(done).rejects.toThrow(words);
    expect(said).toEqual(['0 s start app']);
  }
});
