import { describe, expect, test } from 'vitest';
import type { Container } from '../../../src/docker/observed.ts';
import type { Service } from '../../../src/model/service.ts';
import { typedByHand } from '../../../src/plan/by-hand.ts';
import { describeOp } from '../../../src/plan/op-text.ts';
import { stopFirst } from '../../../src/plan/order/stop-first/stop-first.ts';
import { reconcile } from '../../../src/plan/reconcile.ts';
import { container, desired, observed, service, shop, simulate } from '../../support/simulated-host.ts';

const health = service('health', 'v1', { spec: { restart: 'always' } });
const app = (version: string): Service => service('app', version);
const gate = container(health, { restart: 'always' });
const old = container(app('v1'), { restart: 'always' });
const stopped: Container = { ...old, state: { ...old.state, running: false, status: 'exited' } };

function wayBack(now: readonly Container[], { wasGate = gate, gate: wanted = health } = {}) {
  const before = observed([wasGate, old]).containers;
  const { ops, lost } = stopFirst.putBack({
    ...{ services: [app('v2'), wanted], gate: 'health', server: 'h1', cause: 'admit h1 failed' },
    ...{ before, now: observed(now).containers },
  });
  const end = simulate(observed(now).containers, ops).at(-1) ?? new Map<string, Container>();
  const running = [...end.values()].filter(({ state }) => state.running).map(({ name }) => name);
  return { ops, texts: ops.map((op) => describeOp(op).text.replace(/ from .*/, '')), lost, running: running.sort() };
}

// `docker container prune` takes what stands still: the health container for as long as its node is out.
describe('a health container that somebody has removed while its node was out', () => {
  test('is made anew, with its policy, where what ran before still runs', () => {
    const { texts, lost, running, ops } = wayBack([old]);
    expect({ texts, lost, running }).toEqual({
      texts: ['create health', 'verify app', 'start health, admit h1'],
      lost: [],
      running: ['app', 'health'],
    });
    expect(ops).toContainEqual(expect.objectContaining({ kind: 'admit', container: 'health', policy: 'always' }));
  });

  test('is made anew at each point of the update at which the old container is still there', () => {
    const before = observed([gate, old]);
    const plan = reconcile(desired([app('v2'), health]), before, {
      ...{ host: 'h1', play: 'web tier', playbook: shop, gate: 'health', removeOrphans: false },
    });
    // Without the last: there the node is in already.
    const states = simulate(before.containers, [...plan.before, ...plan.during]).slice(1, -1);
    expect(states.length).toBeGreaterThan(5);
    for (const [step, state] of states.entries()) {
      const { lost, running } = wayBack([...state.values()].filter(({ name }) => name !== 'health'));
      expect([step, lost, running]).toEqual([step, [], ['app', 'health']]);
    }
  });

  test.each<[string, readonly Container[], Parameters<typeof wayBack>[1], readonly string[]]>([
    ['what ran before is gone as well', [], {}, ['app', 'health']],
    ['the play has changed it', [old], { gate: service('health', 'v2') }, ['health']],
    ['another of its settings was changed', [old], { gate: { ...health, spec: { restart: 'no' } } }, ['health']],
    ['it was not made by rollout', [old], { wasGate: { ...gate, labels: {} } }, ['health']],
    ['a stranger has its name', [old, { ...container(health), labels: {} }], {}, ['health']],
    [
      'it shares the network of another',
      [old],
      { gate: { ...health, spec: { ...health.spec, network_mode: 'container:app' } } },
      ['health'],
    ],
  ])('is not made anew where %s: that is said', (_, now, over, lost) => {
    const found = wayBack(now, over);
    expect(found.lost).toEqual(lost);
    expect(found.texts.filter((text) => text.startsWith('create') || text.includes('admit'))).toEqual([]);
  });

  test('is nothing that a person is told to start by hand', () => {
    const { ops } = wayBack([stopped]);
    expect(typedByHand(ops)).toEqual([['docker', 'start', 'app']]);
  });
});
