import { describe, expect, test } from 'vitest';
import { labels } from '../../../../src/docker/names.ts';
import type { Container } from '../../../../src/docker/observed.ts';
import { describeOp } from '../../../../src/plan/op-text.ts';
import { recoverOps } from '../../../../src/plan/progress.ts';
import { reconcile } from '../../../../src/plan/reconcile.ts';
import { stopFirst } from '../../../../src/plan/order/stop-first/stop-first.ts';
import { container, desired, observed, service, shop } from '../../../support/simulated-host.ts';

const context = { host: 'h1', play: 'web tier', playbook: shop, gate: undefined, removeOrphans: true };
const old = service('app', 'v1');
const wanted = service('app', 'v2');

/** Somebody else's: without any label. */
const stranger = (name: string, over: Parameters<typeof container>[1] = {}): Container => ({
  ...container(old, { ...over, name }),
  labels: {},
});
const replacing = (id: string, over: Parameters<typeof container>[1] = {}): Container => {
  const made = container(wanted, over);
  return { ...made, labels: { ...made.labels, [labels.replaces]: id } };
};

const planOf = (containers: readonly Container[], want = wanted) => {
  const { errors, heal, before, during } = reconcile(desired([want]), observed(containers), context);
  const texts = [...heal, ...before, ...during].map((op) => describeOp(op).text);
  return { errors, ops: texts.map((text) => text.replace(/ from .*/, '')) };
};
const error = (name: string) =>
  `container ${name} was not made by rollout, and the replacement of app needs its name; give it another one: docker rename ${name} NAME`;

describe('containers of somebody else under names that rollout uses', () => {
  test.each<[string, readonly Container[], readonly string[]]>([
    ['app.next', [container(old), stranger('app.next')], [error('app.next')]],
    ['app.previous', [container(old), stranger('app.previous', { running: false })], [error('app.previous')]],
    [
      'both',
      [container(old), stranger('app.next'), stranger('app.previous')],
      [error('app.next'), error('app.previous')],
    ],
    [
      'app.previous beside a container that took the place of another one',
      [replacing('id-of-another', { name: 'app' }), stranger('app.previous', { id: 'id-of-a-stranger' })],
      [error('app.previous')],
    ],
  ])('are an error where they stand in the way, and are never removed: %s', (_, containers, errors) => {
    const plan = planOf(containers, service('app', 'v3'));
    expect(plan.errors).toEqual(errors);
    expect(plan.ops.filter((text) => /^(?:remove|rename app\.(?:next|previous) )/.test(text))).toEqual([
      'rename app.next to app',
    ]);
  });

  test('are nobody’s business while the service needs no replacement', () => {
    const containers = [container(wanted), stranger('app.next'), stranger('app.previous')];
    expect(planOf(containers)).toEqual({ errors: [], ops: [] });
  });

  test('are nothing to go back to, and stay when a node is put back', () => {
    const now = observed([container(wanted), stranger('app.previous'), stranger('app.next')]).containers;
    expect(stopFirst.before([wanted], now)).toEqual(now);
    const before = new Map([['app', container(old, { id: 'gone' })]]);
    expect(
      stopFirst.putBack({ services: [wanted], gate: undefined, server: 'h1', before, now, cause: 'test' }),
    ).toEqual({
      ops: [],
      lost: ['app'],
    });
  });

  test('that took the name of a service during the run are not removed on the way back', () => {
    const now = observed([stranger('app')]).containers;
    const plan = stopFirst.putBack({
      services: [wanted],
      gate: undefined,
      server: 'h1',
      before: new Map(),
      now,
      cause: 'test',
    });
    expect(plan).toEqual({ ops: [], lost: [] });
  });

  test('are not removed as half made when a create was cut off', () => {
    const create = { kind: 'create', service: wanted, container: 'app.next', cause: 'test' } as const;
    expect(recoverOps([create], observed([stranger('app.next')]).containers)).toEqual([create]);
    expect(recoverOps([create], observed([container(wanted, { name: 'app.next' })]).containers)).toEqual([
      { kind: 'remove', service: 'app', container: 'app.next', cause: 'it may be half made' },
      create,
    ]);
  });
});

describe('a container that was adopted', () => {
  const adopted = stranger('app.previous', { id: 'adopted-0123456789', running: false });

  test('is known by its successor, is gone back to, and steps aside without being removed', () => {
    const successor = replacing(adopted.id, { name: 'app' });
    const containers = [successor, adopted];
    expect(stopFirst.before([wanted], observed(containers).containers).get('app')?.id).toBe(adopted.id);
    expect(planOf(containers, service('app', 'v3'))).toEqual({
      errors: [],
      ops: [
        'wait until h1 is drained',
        'create app.next',
        'set app to restart no',
        'rename app.previous to app.adopted-adopted-0123',
        'stop app',
        'rename app to app.previous',
        'rename app.next to app',
        'start app',
        'verify app',
        'wait until h1 serves',
      ],
    });
  });

  test.each<[string, readonly Container[], readonly string[]]>([
    [
      'parked, its successor not yet in its place',
      [adopted, replacing(adopted.id, { name: 'app.next', running: false, status: 'created' })],
      ['rename app.previous to app', 'set app to restart no', 'start app', 'remove app.next'],
    ],
    [
      'parked, its successor in its place and not started',
      [adopted, replacing(adopted.id, { name: 'app', running: false, status: 'created' })],
      ['remove app', 'rename app.previous to app', 'set app to restart no', 'start app'],
    ],
  ])('comes back where the run was cut off: %s', (_, containers, heal) => {
    expect(planOf(containers).ops.slice(0, heal.length)).toEqual(heal);
  });
});

test('a node left out of rotation is healed under the name of its own health container', () => {
  const gate = service('gatekeeper', 'v1');
  const node = reconcile(desired([gate, old]), observed([container(gate, { running: false }), container(old)]), {
    ...context,
    gate: 'gatekeeper',
  });
  expect(node.changes.map(({ kind, service: name }) => `${kind} ${name}`)).toEqual(['heal gatekeeper']);
});
