import { expect, test } from 'vitest';
import type { Service } from '../../../../src/model/service.ts';
import { describeOp } from '../../../../src/plan/op-text.ts';
import type { Op } from '../../../../src/plan/plan.ts';
import { reconcile } from '../../../../src/plan/reconcile.ts';
import { stopFirst } from '../../../../src/plan/order/stop-first/stop-first.ts';
import { container, desired, observed, service, shop } from '../../../support/simulated-host.ts';

const always = { spec: { restart: 'always' } };
const health = service('health', 'v1', always);
const app = service('app', 'v1', always);
const context = { host: 'h1', play: 'web tier', playbook: shop, gate: 'health', removeOrphans: false };
const plan = (services: readonly Service[], ...containers: readonly ReturnType<typeof container>[]) =>
  reconcile(desired(services), observed(containers), context);
const texts = (ops: readonly Op[]): readonly string[] => ops.map((op) => describeOp(op).text);

test('a container that an earlier run may still be stopping is stopped and started before its node is let in', () => {
  const gate = container(health, { running: false });
  const stopping = container(app, { restart: 'no' });
  expect(texts(plan([health, app], gate, stopping, container(app, { name: 'app.next', running: false })).heal)).toEqual(
    ['stop app', 'set app to restart always', 'start app', 'remove app.next', 'verify app', 'start health, admit h1'],
  );
});

test('a service without a restart policy may be stopping while its successor waits', () => {
  const plain = service('app', 'v1');
  const gate = container(health, { running: false });
  const waiting = container(plain, { name: 'app.next', running: false });
  expect(texts(plan([health, plain], gate, container(plain), waiting).heal)[0]).toBe('stop app');
  expect(texts(plan([health, plain], gate, container(plain)).heal)).toEqual(['verify app', 'start health, admit h1']);
});

test('a node in rotation is never stopped to heal it, whatever policy its containers have been given by hand', () => {
  const node = plan([health, app], container(health, { restart: 'always' }), container(app, { restart: 'no' }));
  expect({ heal: texts(node.heal), before: texts(node.before), during: texts(node.during) }).toEqual({
    heal: [],
    before: ['update app: --restart=always'],
    during: [],
  });
});

test('a drain that was cut off is done again in good order, as the stop of its health container may be under way', () => {
  const node = plan([health, app], container(health, { restart: 'no' }), container(app, { restart: 'always' }));
  expect({ heal: texts(node.heal), during: texts(node.during) }).toEqual({
    heal: [],
    during: ['stop health, drain h1', 'start health, admit h1'],
  });
  expect(node.changes).toEqual([
    {
      service: 'health',
      kind: 'start',
      cause: 'its drain was cut off',
      differences: [{ path: 'restart', from: 'no', to: 'always' }],
    },
  ]);
});

test('what docker changed live is taken back when a node is put back', () => {
  const withMemory = (memory: number): ReturnType<typeof container> => {
    const made = container(app, { restart: 'always', id: 'the same' });
    const hostConfig = { Memory: memory, MemorySwap: 2 * memory, NanoCpus: 5e8, PidsLimit: memory > 1e9 ? 100 : 0 };
    return { ...made, inspect: { HostConfig: hostConfig } };
  };
  const gate = container(health, { restart: 'always' });
  const { ops, lost } = stopFirst.putBack({
    services: [app, health],
    gate: 'health',
    server: 'h1',
    before: observed([gate, withMemory(512 * 2 ** 20)]).containers,
    now: observed([gate, withMemory(1024 * 2 ** 20)]).containers,
    cause: 'it failed',
  });
  expect({ ops: texts(ops), lost }).toEqual({
    ops: ['update app: --memory=512m --memory-swap=1g --pids-limit=-1'],
    lost: [],
  });
});

test('a container whose removal has not ended is removed to the end, and counts as gone', () => {
  const gate = container(health, { restart: 'always' });
  const removing = container(app, { running: false, status: 'removing' });
  const alone = plan([health, app], gate, removing);
  expect({ heal: texts(alone.heal), during: texts(alone.during).slice(1, 3) }).toEqual({
    heal: ['remove app'],
    during: ['create app from registry.example.com/shop/app:v1@sha256:000000000000', 'start app'],
  });
  const parked = container(app, { name: 'app.previous', running: false });
  expect(texts(plan([health, app], gate, removing, parked).heal)).toEqual([
    'remove app',
    'rename app.previous to app',
    'set app to restart always',
    'start app',
  ]);
  const dead = container(app, { name: 'app.previous', running: false, status: 'dead' });
  expect(texts(plan([health, app], gate, container(app, { restart: 'always' }), dead).heal)).toEqual([
    'remove app.previous',
  ]);
});

test('what ran before and is being removed is lost, and what was paused meanwhile goes on', () => {
  const gate = container(health, { restart: 'always' });
  const restore = (now: ReturnType<typeof container>) => {
    const before = container(app, { restart: 'always', id: 'the old one' });
    const { ops, lost } = stopFirst.putBack({
      services: [app, health],
      gate: 'health',
      server: 'h1',
      before: observed([gate, before]).containers,
      now: observed([gate, now]).containers,
      cause: 'it failed',
    });
    return { ops: texts(ops), lost };
  };
  const old = { restart: 'always', id: 'the old one' };
  expect(restore(container(app, { ...old, running: false, status: 'removing' }))).toEqual({ ops: [], lost: ['app'] });
  expect(restore(container(app, { ...old, status: 'paused' }))).toEqual({ ops: ['unpause app'], lost: [] });
});
