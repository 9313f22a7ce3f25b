import { expect, test } from 'vitest';
import { describeOp } from '../../../src/plan/op-text.ts';
import { reconcile } from '../../../src/plan/reconcile.ts';
import { stopFirst } from '../../../src/plan/order/stop-first/stop-first.ts';
import type { Op } from '../../../src/plan/plan.ts';
import { container, desired, observed, service, shop } from '../../support/simulated-host.ts';

const context = { host: 'h1', play: 'web tier', playbook: shop, gate: 'health', removeOrphans: false };
const health = service('health', 'v1');
const app = (version: string) => service('app', version);
const sidecar = service('sidecar', 'v1', {
  spec: { network_mode: 'container:app', restart: 'always' },
  dependsOn: [{ service: 'app', condition: 'service_started' }],
});
const running = ({ bound = 'app-1', ...overrides }: { startedAt?: string; bound?: string } = {}) => [
  container(health),
  container(app('v1'), { id: 'app-1' }),
  container(sidecar, { restart: 'always', bound: { network_mode: bound }, ...overrides }),
];

const texts = (ops: readonly Op[]): string[] => ops.map((op) => describeOp(op).text);

function planOf(want: Parameters<typeof desired>[0], have: Parameters<typeof observed>[0]) {
  const { changes, errors, before, during } = reconcile(desired(want), observed(have), context);
  return {
    changes: changes.map(({ kind, service: name, cause }) => `${kind} ${name}: ${cause}`),
    errors,
    before: texts(before),
    during: texts(during),
  };
}

test('what shares the network of a container that is replaced is replaced with it: created beside it, stopped before it, started after it', () => {
  const plan = reconcile(desired([health, app('v2'), sidecar]), observed(running()), context);
  expect(plan.changes.map(({ service: name, cause }) => `${name}: ${cause}`)).toEqual([
    'app: image v1 → v2',
    'sidecar: app is replaced, and sidecar shares its network',
  ]);
  expect(plan.changes[1]?.differences).toEqual([{ path: 'network_mode', from: 'the old app', to: 'the new app' }]);
  expect(
    plan.during
      .filter(({ kind }) => kind === 'create')
      .map((op) => [describeOp(op).text.split(' from ')[0], op.kind === 'create' && op.namesUntilThen]),
  ).toEqual([
    ['create app.next', undefined],
    ['create sidecar.next', { app: 'app.next' }],
  ]);
  expect(texts(plan.during)).toEqual([
    'stop health, drain h1',
    'create app.next from registry.example.com/shop/app:v2@sha256:000000000000',
    'set app to restart no',
    'create sidecar.next from registry.example.com/shop/sidecar:v1@sha256:000000000000',
    'set sidecar to restart no',
    'stop sidecar',
    'stop app',
    'rename app to app.previous',
    'rename app.next to app',
    'start app',
    'rename sidecar to sidecar.previous',
    'rename sidecar.next to sidecar',
    'start sidecar',
    'verify app',
    'verify sidecar',
    'start health, admit h1',
  ]);
});

test('nothing is to be done where it shares with the container that is there', () => {
  expect(planOf([health, app('v1'), sidecar], running())).toEqual({ changes: [], errors: [], before: [], during: [] });
});

test('one that shares with an earlier container is replaced', () => {
  const plan = planOf([health, app('v1'), sidecar], running({ bound: 'app-0' }));
  expect(plan.changes).toEqual(['replace sidecar: it shares the network of an earlier app']);
});

test('one whose container was started after it is started again, with its policy put aside meanwhile', () => {
  const plan = planOf([health, app('v1'), sidecar], running({ startedAt: '2026-11-20T14:59:59.5Z' }));
  expect(plan).toEqual({
    changes: ['start sidecar: app was started again, and sidecar shares its network'],
    errors: [],
    before: [],
    during: [
      'stop health, drain h1',
      'set sidecar to restart no',
      'stop sidecar',
      'set sidecar to restart always',
      'start sidecar',
      'verify sidecar',
      'start health, admit h1',
    ],
  });
});

test('one is started again together with a container that does not run', () => {
  const have = running();
  have[1] = container(app('v1'), { id: 'app-1', running: false });
  const { changes, during } = planOf([health, app('v1'), sidecar], have);
  expect(changes).toEqual([
    'start app: exited with code 0, should run',
    'start sidecar: app is started again, and sidecar shares its network',
  ]);
  expect(during.slice(1, 6)).toEqual([
    'set sidecar to restart no',
    'stop sidecar',
    'start app',
    'set sidecar to restart always',
    'start sidecar',
  ]);
});

test('a health container that shares with what is replaced stops by the drain and starts by the admission', () => {
  const gate = service('health', 'v1', { spec: { network_mode: 'container:app' } });
  const have = [container(app('v1'), { id: 'app-1' }), container(gate, { bound: { network_mode: 'app-1' } })];
  expect(planOf([gate, app('v2')], have).during).toEqual([
    'stop health, drain h1',
    'create app.next from registry.example.com/shop/app:v2@sha256:000000000000',
    'set app to restart no',
    'create health.next from registry.example.com/shop/health:v1@sha256:000000000000',
    'set health to restart no',
    'stop app',
    'rename app to app.previous',
    'rename app.next to app',
    'start app',
    'rename health to health.previous',
    'rename health.next to health',
    'verify app',
    'start health, admit h1',
  ]);
});

test('a container of somebody else that is not there stands in the way of the plan', () => {
  const alone = service('sidecar', 'v1', { spec: { pid: 'container:vpn' } });
  expect(planOf([health, alone], [container(health)]).errors).toEqual([
    'container vpn is not there, and pid of sidecar shares with it; start it first: docker start vpn',
  ]);
});

test('after a failure the old container comes back before the one that shares with it', () => {
  const before = observed(running()).containers;
  const now = observed([
    container(health, { running: false, id: before.get('health')?.id ?? '' }),
    {
      ...(before.get('app') ?? container(app('v1'))),
      name: 'app.previous',
      state: container(app('v1'), { running: false }).state,
    },
    container(app('v2'), { id: 'app-2', running: false }),
    { ...(before.get('sidecar') ?? container(sidecar)), state: container(sidecar, { running: false }).state },
    container(sidecar, { name: 'sidecar.next', bound: { network_mode: 'app-2' }, running: false }),
  ]).containers;
  const { ops, lost } = stopFirst.putBack({
    services: [app('v2'), sidecar, health],
    gate: 'health',
    server: 'h1',
    before,
    now,
    cause: 'it failed',
  });
  expect(lost).toEqual([]);
  expect(texts(ops)).toEqual([
    'wait until h1 is drained',
    'remove app',
    'rename app.previous to app',
    'start app',
    'remove sidecar.next',
    'start sidecar',
    'verify app',
    'verify sidecar',
    'start health, admit h1',
  ]);
});

test('a rollback leaves a container that the parked one shares with where it is', () => {
  const now = observed([
    ...running().slice(0, 2),
    container(app('v1'), { name: 'app.previous', id: 'app-0', running: false }),
    container({ ...sidecar }, { id: 'sidecar-2', bound: { network_mode: 'app-1' } }),
    container(sidecar, { name: 'sidecar.previous', id: 'sidecar-1', running: false, bound: { network_mode: 'app-1' } }),
  ]).containers;
  const back = stopFirst.before([app('v1'), sidecar, health], now);
  expect([back.get('app')?.id, back.get('sidecar')?.id]).toEqual(['app-1', 'sidecar-1']);
});
