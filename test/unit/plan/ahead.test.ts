import { expect, test } from 'vitest';
import { createsAhead } from '../../../src/plan/ahead.ts';
import type { NodePlan, Op } from '../../../src/plan/plan.ts';

const service = { name: 'app', image: { repository: 'shop/app', tag: '2', digest: 'sha256:1' } };
const op = (kind: Op['kind'], more: object = {}): Op => ({ kind, cause: 'image 1 → 2', ...more }) as unknown as Op;
const create = (container: string, more: object = {}): Op => op('create', { service, container, ...more });
const drain = op('drain', { container: 'health', server: 'h1' });
const beside = { beside: 'drain' };

function namesOf(plan: Partial<Pick<NodePlan, 'heal' | 'before' | 'during'>>): readonly string[] {
  return createsAhead({ heal: [], before: [], during: [], ...plan }).map(({ container }) => container);
}

test('everything that a replacement creates can be there before its turn', () => {
  const during = [
    drain,
    create('app.next', beside),
    op('set_restart', beside),
    op('remove', beside),
    create('health.next', beside),
    op('stop'),
    op('rename'),
    op('start'),
  ];
  expect(namesOf({ during })).toEqual(['app.next', 'health.next']);
});

test.each<Op['kind']>(['task', 'create_network', 'create_volume', 'pull', 'start', 'await', 'unpause', 'admit'])(
  'what comes behind a %s is created in its turn: it may need what that does',
  (kind) => {
    expect(
      namesOf({ before: [create('migrate.next'), op(kind)], during: [drain, create('app.next', beside)] }),
    ).toEqual(['migrate.next']);
  },
);

test('what shares with a container that has another name by then, or goes by a tag alone, is created in its turn', () => {
  const { digest: _, ...tagged } = service.image;
  const during = [
    create('sidecar.next', { namesUntilThen: { app: 'app.next' } }),
    create('local.next', { service: { ...service, image: tagged } }),
    create('app.next'),
  ];
  expect(namesOf({ during })).toEqual(['app.next']);
});

test('on a node that is to be healed first nothing is created: its plan is another one afterwards', () => {
  expect(namesOf({ heal: [op('remove')], during: [create('app.next')] })).toEqual([]);
});
