import { describe, expect, test } from 'vitest';
import type { Container, Observed } from '../../../src/docker/observed.ts';
import type { Service } from '../../../src/model/service.ts';
import { describeOp } from '../../../src/plan/op-text.ts';
import { stopFirst } from '../../../src/plan/order/stop-first/stop-first.ts';
import type { Op } from '../../../src/plan/plan.ts';
import { reconcile } from '../../../src/plan/reconcile.ts';
import { container, desired, observed, service, shop, simulate } from '../../support/simulated-host.ts';

const publishing = { spec: { ports: ['8081:8080'] } };
const health = service('health', 'v1', publishing);
const gate = service('gate', 'v1', publishing);
const app = (version: string): Service => service('app', version);

/** As docker shows what it has published. */
function published(of: Service, over: Parameters<typeof container>[1] = {}): Container {
  const made = container(of, { restart: 'always', ...over });
  const bindings = { '8080/tcp': [{ HostIp: '', HostPort: '8081' }] };
  return { ...made, inspect: { HostConfig: { ...(made.inspect['HostConfig'] as object), PortBindings: bindings } } };
}

const texts = (ops: readonly Op[]): readonly string[] =>
  ops.map((op) =>
    describeOp(op)
      .text.replace(/ from .*/, '')
      .replace(/ running for .*/, ''),
  );
const context = { host: 'h1', play: 'web tier', playbook: shop, gate: 'gate', removeOrphans: true };
const planOf = (services: readonly Service[], containers: readonly Container[], over: Partial<typeof context> = {}) => {
  const plan = reconcile(desired(services), observed(containers), { ...context, ...over });
  return [...plan.heal, ...plan.before, ...plan.during, ...plan.after];
};
const putBack = (services: readonly Service[], before: Observed['containers'], now: Observed['containers']) => {
  const input = { services, gate: 'gate', server: 'h1', before, now, cause: 'it failed' };
  const { ops, lost } = stopFirst.putBack(input);
  return { ops: texts(ops), lost };
};

describe('a health container with another name', () => {
  const containers = [published(health), container(app('v1'))];

  test('its node leaves rotation with the one that is there, and comes back with the new one', () => {
    expect(texts(planOf([app('v1'), gate], containers))).toEqual([
      'stop health, drain h1',
      'create gate',
      'stop health',
      'start gate, admit h1',
      'remove health',
    ]);
  });

  test.each<[string, readonly Container[], Partial<typeof context>]>([
    ['another port', [container(health), container(app('v1'))], {}],
    ['a stranger', [{ ...published(health), labels: {} }, container(app('v1'))], {}],
    ['one that stays', containers, { removeOrphans: false }],
    ['one that is off', [published(health, { running: false }), container(app('v1'))], {}],
  ])('no other container is stopped for it: %s', (_, there, over) => {
    const [drain] = planOf([app('v1'), gate], there, over).filter(({ kind }) => kind === 'drain');
    expect(drain).toMatchObject({ container: undefined });
  });

  test('at each point of the update its node is put back into rotation', () => {
    const before = observed(containers).containers;
    const services = [app('v2'), gate];
    const states = simulate(before, planOf(services, containers));
    for (const [step, now] of states.entries()) {
      const input = { services, gate: 'gate', server: 'h1', before, now, cause: 'it failed' };
      const { ops, lost } = stopFirst.putBack(input);
      const after = simulate(now, ops).at(-1);
      const running = [...(after?.values() ?? [])].filter(({ state }) => state.running);
      // One of the two answers the check, and once the old one is gone it is the new one.
      const names = running.map(({ name }) => name).sort();
      expect([step, lost, names]).toEqual([step, [], now.has('health') ? ['app', 'health'] : ['app', 'gate']]);
      expect([step, after?.get('app')?.id]).toEqual([step, before.get('app')?.id]);
      const letsIn = after?.get('health') ?? after?.get('gate');
      expect([step, letsIn?.restartPolicy.name]).toEqual([step, now.has('health') ? 'always' : 'no']);
    }
  });
});

describe('a service with another name', () => {
  const renamed = service('shop', 'v1');
  const own = published(gate, { restart: 'no' });
  const before = observed([own, container(app('v1'), { restart: 'always' })]).containers;

  test('whose old container is still there is put back to it', () => {
    const stopped = container(app('v1'), { restart: 'always', running: false, id: before.get('app')?.id ?? '' });
    const now = observed([own, stopped, container(renamed)]).containers;
    const { ops, lost } = putBack([renamed, gate], before, now);
    expect(lost).toEqual([]);
    expect(ops).toEqual(expect.arrayContaining(['remove shop', 'start app']));
  });

  test('whose old container is gone keeps the new one, and is told to be not put back', () => {
    const now = observed([own, container(renamed)]).containers;
    expect(putBack([renamed, gate], before, now)).toEqual({ ops: [], lost: ['app'] });
  });
});
