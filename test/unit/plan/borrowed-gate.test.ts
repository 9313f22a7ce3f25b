import { describe, expect, test } from 'vitest';
import { noteAbout, noteLabels, noteName, type DrainNote } from '../../../src/docker/drain-note.ts';
import { labels } from '../../../src/docker/names.ts';
import type { Container, Observed } from '../../../src/docker/observed.ts';
import type { Task } from '../../../src/model/task.ts';
import { planWayBack } from '../../../src/plan/borrowed-gate.ts';
import { describeOp } from '../../../src/plan/op-text.ts';
import { stopFirst } from '../../../src/plan/order/stop-first/stop-first.ts';
import type { Op } from '../../../src/plan/plan.ts';
import { isUnchanged, reconcile } from '../../../src/plan/reconcile.ts';
import { container, desired, observed, service } from '../../support/simulated-host.ts';

const startedAt = '2026-11-20T15:00:00Z';
const context = {
  host: 'h1',
  play: 'maintenance',
  playbook: { name: 'maintenance', plays: ['maintenance'] },
  gate: undefined,
  removeOrphans: false,
};
const task: Task = {
  kind: 'block',
  name: 'patch',
  runOnce: false,
  timeoutMs: 1000,
  block: [],
  rescue: [],
  always: [],
};
const wanted = (tasks: readonly Task[] = [task]) => desired([], { borrowedGate: 'health', tasks });
const health = (overrides: Parameters<typeof container>[1] = {}): Container =>
  container(service('health', 'v1'), { restart: 'always', id: 'health-id', ...overrides });
const app = container(service('app', 'v1'), { restart: 'always' });

/** As docker keeps a note that a run has left. */
const withNote = (containers: readonly Container[], note: DrainNote, of = 'health'): Observed => {
  const document = { Name: noteName(of), Labels: noteLabels(note) };
  return observed(containers, {
    volumes: new Set([noteName(of)]),
    volumeDocuments: new Map([[noteName(of), document]]),
  });
};
const note: DrainNote = { id: 'health-id', startedAt, policy: 'always', ran: ['app', 'exporter'] };
const texts = (ops: readonly Op[]): readonly string[] => ops.map((op) => describeOp(op).text);

describe('a play that has no health container of its own', () => {
  test('leaves by one that is there, leaves a note of its policy, and lets it in when what ran beside it runs again', () => {
    const { during, errors, warnings } = reconcile(wanted(), observed([health(), app]), context);
    expect({ texts: texts(during), errors, warnings }).toEqual({
      texts: [
        'stop health, drain h1',
        'task patch',
        'wait until what ran beside it runs again',
        'start health, admit h1',
      ],
      errors: [],
      warnings: [],
    });
    expect(during[0]).toMatchObject({ note: { id: 'health-id', startedAt, policy: 'always' } });
    expect(during[3]).toMatchObject({ policy: 'always', isBorrowed: true });
  });

  test.each(['no', 'always', 'unless-stopped', 'on-failure'])('gives it back its restart policy: %s', (restart) => {
    const { during } = reconcile(wanted(), observed([health({ restart })]), context);
    expect([during[0], during.at(-1)]).toMatchObject([{ note: { policy: restart } }, { policy: restart }]);
  });

  test.each<[string, Container]>([
    ['of another playbook', health()],
    ['of another play of this playbook', health({ play: 'other' })],
    ['of nobody', { ...health(), labels: {} }],
  ])('changes nothing else of it: %s', (_, gate) => {
    const plan = reconcile(wanted(), observed([gate, app]), { ...context, removeOrphans: true });
    const kinds = [...plan.heal, ...plan.before, ...plan.during, ...plan.after].map(({ kind }) => kind);
    expect({ kinds, changes: plan.changes }).toEqual({ kinds: ['drain', 'task', 'settle', 'admit'], changes: [] });
  });

  test('has nothing to do where its tasks have nothing to do', () => {
    const plan = reconcile(wanted(), observed([health(), app]), { ...context, areTasksIdle: true });
    expect(isUnchanged(plan)).toBe(true);
  });

  test('refuses a host that has no such container, and says what to type', () => {
    const plan = reconcile(wanted(), observed([app]), context);
    expect(plan.errors).toEqual([
      'there is no container health, which health_container names and which is no service of the play. Name one that is there (docker ps -a), or run the playbook that creates it first',
    ]);
  });

  test('names the playbook whose update was cut off where its container has another name just now', () => {
    const parked = health({ name: 'health.previous', running: false });
    const half = { ...parked, labels: { ...parked.labels, [labels.playbook]: 'shop' } };
    expect(reconcile(wanted(), observed([half]), context).errors).toEqual([
      'there is no container health, which health_container names and which is no service of the play. An update by playbook shop was cut off here: run that one again first',
    ]);
  });

  test('takes one that an earlier play of the same run makes as it will be', () => {
    const early = { ...wanted(), isGateMadeEarlier: true } as const;
    expect(reconcile(early, observed([]), context).errors).toEqual([]);
  });

  test('works on a node that somebody has taken out, and leaves it out', () => {
    const plan = reconcile(wanted(), observed([health({ running: false }), app]), context);
    expect({ texts: texts(plan.during), heal: plan.heal, warnings: plan.warnings }).toEqual({
      texts: ['wait until h1 is drained', 'task patch', 'wait until what ran beside it runs again'],
      heal: [],
      warnings: [
        'health container health does not run (exited), and no run of a maintenance has stopped it: the node is worked on and stays out of rotation. To let it in: docker start health',
      ],
    });
  });
});

describe('what a run that was killed has left', () => {
  const heal = (found: Observed) => reconcile(wanted([]), found, context);

  test('is let in by the next one, when what ran beside it runs again, with its own policy', () => {
    const plan = heal(withNote([health({ running: false, restart: 'no' }), app], note));
    expect({ texts: texts(plan.heal), changes: plan.changes, during: plan.during, warnings: plan.warnings }).toEqual({
      texts: ['wait until what ran beside it runs again', 'start health, admit h1'],
      changes: [{ service: 'health', kind: 'heal', cause: 'left out of rotation by an earlier run', differences: [] }],
      during: [],
      warnings: [],
    });
    expect(plan.heal).toMatchObject([{ containers: ['app', 'exporter'] }, { policy: 'always', isBorrowed: true }]);
  });

  test('is stopped to the end first where its stop may be under way', () => {
    const plan = heal(withNote([health({ restart: 'no' })], note));
    expect(texts(plan.heal)).toEqual([
      'stop health',
      'wait until what ran beside it runs again',
      'start health, admit h1',
    ]);
  });

  test.each<[string, Observed]>([
    ['it was never stopped', withNote([health()], note)],
    [
      'it was started by somebody since, and stopped again',
      withNote([health({ running: false, startedAt: '2026-11-21T09:00:00Z' })], note),
    ],
    ['another container has its name by now', withNote([health({ running: false, id: 'new-id' })], note)],
    ['the note is about another container', withNote([health({ running: false })], note, 'other')],
    ['the note holds what is no policy', withNote([health({ running: false })], { ...note, policy: '$(reboot)' })],
  ])('is left as it is where %s', (_, found) => {
    expect(heal(found).heal).toEqual([]);
  });

  test('names that no container can have are passed over in a note', () => {
    const found = withNote([health({ running: false })], { ...note, ran: ['app', '-rf', 'a b', '$(x)', 'ok.1'] });
    const gate = found.containers.get('health');
    expect(gate && noteAbout(gate, found)?.ran).toEqual(['app', 'ok.1']);
  });
});

describe('the way back of a node whose task has failed', () => {
  const back = (was: readonly Container[], is: readonly Container[]) => {
    const { ops, lost } = planWayBack(stopFirst, {
      services: [],
      gate: undefined,
      borrowedGate: 'health',
      server: 'h1',
      before: observed(was).containers,
      now: observed(is).containers,
      cause: 'task patch failed',
    });
    return { ops: texts(ops), lost, policy: ops.flatMap((op) => (op.kind === 'admit' ? [op.policy] : [])) };
  };
  const stopped = health({ running: false, restart: 'no' });

  test.each<[string, readonly Container[], readonly Container[], ReturnType<typeof back>]>([
    [
      'it serves again',
      [health()],
      [stopped],
      { ops: ['wait until what ran beside it runs again', 'start health, admit h1'], lost: [], policy: ['always'] },
    ],
    ['it was never taken out', [health()], [health()], { ops: [], lost: [], policy: [] }],
    ['somebody had taken it out before', [stopped], [stopped], { ops: [], lost: [], policy: [] }],
    ['its container is gone', [health()], [], { ops: [], lost: ['health'], policy: [] }],
  ])('%s', (_, was, is, expected) => {
    expect(back(was, is)).toEqual(expected);
  });
});
