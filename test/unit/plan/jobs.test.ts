import { describe, expect, test } from 'vitest';
import type { Container } from '../../../src/docker/observed.ts';
import type { Service } from '../../../src/model/service.ts';
import { describeOp } from '../../../src/plan/op-text.ts';
import type { Op } from '../../../src/plan/plan.ts';
import { isUnchanged, reconcile } from '../../../src/plan/reconcile.ts';
import { stopFirst } from '../../../src/plan/order/stop-first/stop-first.ts';
import { container, desired, observed, service, shop } from '../../support/simulated-host.ts';

const context = { host: 'h1', play: 'web tier', playbook: shop, gate: 'health', removeOrphans: false };
const health = service('health', 'v1');
const db = service('db', 'v1');
const migrate = (version: string): Service =>
  service('migrate', version, { dependsOn: [{ service: 'db', condition: 'service_healthy' }] });
const app = (version: string): Service =>
  service('app', version, { dependsOn: [{ service: 'migrate', condition: 'service_completed_successfully' }] });
const ended = (of: Service, over: Parameters<typeof container>[1] = {}): Container =>
  container(of, { running: false, ...over });

const texts = (ops: readonly Op[]): string[] => ops.map((op) => describeOp(op).text.replace(/ from .*/, ''));
const planOf = (services: readonly Service[], containers: readonly Container[]) => {
  const plan = reconcile(desired(services), observed(containers), context);
  const { heal, before, during } = plan;
  return { plan, heal: texts(heal), before: texts(before), during: texts(during) };
};

describe('a job that another service waits for', () => {
  test('runs while its node still serves, and before anything leaves', () => {
    const { before, during } = planOf(
      [health, db, migrate('v2'), app('v2')],
      [container(health), container(db), ended(migrate('v1')), container(app('v1'))],
    );
    expect(before).toEqual([
      'create migrate.next',
      'set migrate to restart no',
      'rename migrate to migrate.previous',
      'rename migrate.next to migrate',
      'wait until db is healthy',
      'start migrate',
      'wait until migrate has completed',
    ]);
    expect(during).toEqual([
      'stop health, drain h1',
      'create app.next',
      'set app to restart no',
      'stop app',
      'rename app to app.previous',
      'rename app.next to app',
      'wait until migrate has completed',
      'start app',
      'verify app',
      'start health, admit h1',
    ]);
  });

  test('alone in a change needs no node to leave', () => {
    const { before, during } = planOf(
      [health, db, migrate('v2'), app('v1')],
      [container(health), container(db), ended(migrate('v1')), container(app('v1'))],
    );
    expect(before.at(-1)).toBe('wait until migrate has completed');
    expect(during).toEqual([]);
  });

  test('runs in its place where what it needs is new as well, and is not asked to go on running', () => {
    const { before, during } = planOf([health, db, migrate('v1'), app('v1')], [container(health)]);
    expect(before).toEqual([]);
    expect(during.filter((text) => /migrate/.test(text))).toEqual([
      'create migrate',
      'start migrate',
      'wait until migrate has completed',
      'wait until migrate has completed',
    ]);
    expect(during).not.toContain('verify migrate');
  });

  test.each<[string, Container, boolean]>([
    ['that has completed is done', ended(migrate('v1')), true],
    ['that is at work is left alone', container(migrate('v1')), true],
    [
      'that has failed runs again',
      { ...ended(migrate('v1')), state: { ...ended(migrate('v1')).state, exitCode: 1 } },
      false,
    ],
  ])('%s', (_, job, isDone) => {
    const services = [health, db, migrate('v1'), app('v1')];
    const { plan } = planOf(services, [container(health), container(db), job, container(app('v1'))]);
    expect(isUnchanged(plan)).toBe(isDone);
  });

  test('is not run again by whatever puts a node right: a heal, a way back, a rollback', () => {
    const services = [health, db, migrate('v2'), app('v1')];
    const cutOff = [
      container(health),
      container(db),
      container(app('v1')),
      ended(migrate('v1'), { name: 'migrate.previous', id: 'old-job' }),
      ended(migrate('v2'), { name: 'migrate.next', status: 'created' }),
    ];
    expect(planOf(services, cutOff).heal).toEqual(['rename migrate.previous to migrate', 'remove migrate.next']);

    const now = observed([
      container(health),
      container(db),
      container(app('v1')),
      ended(migrate('v1'), { name: 'migrate.previous', id: 'old-job' }),
      ended(migrate('v2')),
    ]).containers;
    const before = stopFirst.before(services, now);
    expect(before.get('migrate')?.state.running).toBe(false);
    const { ops } = stopFirst.putBack({ services, gate: 'health', server: 'h1', before, now, cause: 'test' });
    expect(texts(ops)).toEqual(['remove migrate', 'rename migrate.previous to migrate']);
  });
});
