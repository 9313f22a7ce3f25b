import { expect, test } from 'vitest';
import { DockerError } from '../../../src/docker/errors.ts';
import { Ahead } from '../../../src/engine/ahead.ts';
import type { Node } from '../../../src/engine/node.ts';
import { RemoteError } from '../../../src/ssh/remote.ts';
import type { EventBody } from '../../../src/events/event.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { runContext } from '../../support/run-context.ts';

type CreateAhead = (service: unknown, container: string) => Promise<string>;

/** Of a node, what is created ahead uses no more than this: one container to be replaced, and room for it. */
function nodeNamed(name: string, createAhead: CreateAhead, more: Partial<Node> = {}): Node {
  const service = { name: 'app', image: { repository: 'shop/app', digest: 'sha256:1' }, spec: {}, dependsOn: [] };
  const create = { kind: 'create', service, container: 'app.next', cause: 'image 1 → 2' };
  return {
    name,
    hasAmpleRoom: true,
    result: 'untouched',
    services: [],
    plan: { heal: [], before: [], during: [create], after: [] },
    labelsFor: () => ({}),
    session: {
      host: { name },
      assertLocked: () => Promise.resolve(),
      docker: { createAhead, removeUnstarted: () => Promise.resolve() },
    },
    ...more,
  } as unknown as Node;
}

const hosts = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `h${index + 1}`);

/** What was asked for, in order. */
function recorder(): { readonly asked: string[]; readonly on: (host: string) => CreateAhead } {
  const asked: string[] = [];
  return {
    asked,
    on: (host) => (_, container) => {
      asked.push(`${host} ${container}`);
      return Promise.resolve('id');
    },
  };
}

test('every node of the next wave gets its container, where there is ample room for it and its turn has not come', async () => {
  const { asked, on } = recorder();
  const ahead = new Ahead(runContext(manualClock(0)));
  ahead.begin([
    nodeNamed('h1', on('h1')),
    nodeNamed('full', on('full'), { hasAmpleRoom: false }),
    nodeNamed('done', on('done'), { result: 'updated' }),
    nodeNamed('h2', on('h2')),
  ]);
  await new Promise(setImmediate);
  await ahead.end();
  expect(asked).toEqual(['h1 rollout.ahead.app.next', 'h2 rollout.ahead.app.next']);
});

test('no more than four hosts create at once, and none begins when the play has ended', async () => {
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const ahead = new Ahead(runContext(manualClock(0)));
  const slow = (host: string) => () => {
    begun.push(host);
    return new Promise<string>((resolve) => ends.push(() => resolve('id')));
  };
  ahead.begin(hosts(6).map((host) => nodeNamed(host, slow(host))));
  await new Promise(setImmediate);
  expect(begun).toEqual(['h1', 'h2', 'h3', 'h4']);
  const ended = ahead.end();
  for (const end of ends) end();
  await ended;
  expect(begun).toEqual(['h1', 'h2', 'h3', 'h4']);
});

test('what fails alike on many hosts is said once, and fails no run', async () => {
  const said: EventBody[] = [];
  const context = runContext(manualClock(0), (event) => void said.push(event));
  const refuses = (message: string) => () => Promise.reject(new DockerError('h', ['docker', 'create'], 1, message));
  const ahead = new Ahead(context);
  ahead.begin([
    ...hosts(3).map((host) => nodeNamed(host, refuses('no such runtime'))),
    nodeNamed('h4', refuses('another')),
  ]);
  await new Promise(setImmediate);
  await ahead.end();
  expect(said.map((event) => (event.type === 'warning' ? [event.host, event.message.split(': ')[0]] : event))).toEqual([
    ['h1', 'its next container cannot be created yet; that is tried again when its turn comes'],
    ['h4', 'its next container cannot be created yet; that is tried again when its turn comes'],
  ]);
});

test('a mistake of our own ends the run', async () => {
  const ahead = new Ahead(runContext(manualClock(0)));
  ahead.begin([nodeNamed('h1', () => Promise.reject(new TypeError('x is not a function')))]);
  await new Promise(setImmediate);
  await expect(ahead.end()).rejects.toThrow('x is not a function');
});

test('one that docker does not remove, as somebody has started it, is said and left to the next run', async () => {
  const said: EventBody[] = [];
  const { on } = recorder();
  const running = new DockerError('h1', ['docker', 'rm'], 1, 'You cannot remove a running container');
  const node = nodeNamed('h1', on('h1'));
  Object.assign(node.session.docker, { removeUnstarted: () => Promise.reject(running) });
  const ahead = new Ahead(runContext(manualClock(0), (event) => void said.push(event)));
  ahead.begin([node]);
  await new Promise(setImmediate);
  await ahead.end();
  expect(said).toEqual([
    {
      type: 'warning',
      host: 'h1',
      message: `rollout.ahead.app.next, which was created ahead of its turn, could not be removed: ${running.message}; the next run removes it`,
    },
  ]);
});

test('one whose creation was cut off is removed by its name: it may be there all the same', async () => {
  const removed: string[] = [];
  const node = nodeNamed('h1', () =>
    Promise.reject(new RemoteError('h1', 'connection_lost', 'the connection was lost')),
  );
  Object.assign(node.session.docker, {
    removeUnstarted: (name: string) => {
      removed.push(name);
      return Promise.resolve();
    },
  });
  const ahead = new Ahead(runContext(manualClock(0)));
  ahead.begin([node]);
  await new Promise(setImmediate);
  await ahead.end();
  expect(removed).toEqual(['rollout.ahead.app.next']);
});
