import { expect, test } from 'vitest';
import { describeOp } from '../../../src/plan/op-text.ts';
import { stopFirst } from '../../../src/plan/order/stop-first/stop-first.ts';
import { withoutWrites, type Without } from '../../../src/plan/scarce.ts';
import { container, observed, service } from '../../support/simulated-host.ts';

const app = service('app', 'v1');
const served = { ...container(app), id: 'old' };
const before = observed([served]).containers;
const old = {
  ...container(app, { name: 'app.previous', running: false }),
  id: 'old',
  restartPolicy: { name: 'no', maximumRetryCount: 0 },
};
const failed = { ...container(app), id: 'new' };

/** The way back from a new app that runs, the old one being parked: whole, or with fewer writes. */
function wayBack(without: Without | undefined): readonly string[] {
  const now = observed([failed, old]).containers;
  const { ops } = stopFirst.putBack({
    services: [app],
    gate: undefined,
    server: 'h1',
    before,
    now,
    cause: 'disk full',
  });
  return (without === undefined ? ops : withoutWrites(ops, without)).map((op) =>
    `${op.kind} ${'container' in op ? (op.container ?? '') : ''}`.trim(),
  );
}

test('a way back on a full disk leaves out what is only written: first the policies, then the names', () => {
  const whole = wayBack(undefined);
  expect(whole).toContain('rename app.previous');
  expect(whole).toContain('start app');
  expect(wayBack('policies')).toEqual(whole.filter((line) => !line.startsWith('set_restart')));
  expect(wayBack('names')).toEqual(
    whole
      .filter((line) => !/^(?:set_restart|rename) /.test(line))
      .map((line) => line.replace(/^(start|verify) app$/, '$1 app.previous')),
  );
});

test('what has no name to change starts under its own', () => {
  const start = { kind: 'start', service: 'app', container: 'app', cause: 'disk full' } as const;
  expect(withoutWrites([start], 'names').map((op) => describeOp(op).text)).toEqual([describeOp(start).text]);
});
