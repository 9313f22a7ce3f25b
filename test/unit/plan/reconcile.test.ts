import { taskNamed } from '../../support/tasks.ts';
import { describe, expect, test } from 'vitest';
import type { Op } from '../../../src/plan/plan.ts';
import { describeOp } from '../../../src/plan/op-text.ts';
import { isUnchanged, reconcile } from '../../../src/plan/reconcile.ts';
import { container, desired, observed, service, shop } from '../../support/simulated-host.ts';

const context = { host: 'h1', play: 'web tier', playbook: shop, gate: 'health', removeOrphans: false };
const health = service('health', 'v1');
const app = (version: string) => service('app', version);

const lines = (ops: readonly Op[]): string[] =>
  ops.map((op) => {
    const { text, cause } = describeOp(op);
    const meanwhile = op.beside === undefined ? '' : 'meanwhile ';
    return `${meanwhile}${text}  (${cause})`.replaceAll('registry.example.com/shop/', '');
  });

function transcript(want: Parameters<typeof reconcile>[0], have: Parameters<typeof reconcile>[1], over = {}) {
  const { changes, heal, before, during, after } = reconcile(want, have, { ...context, ...over });
  return {
    changes: changes.map(({ kind, service: name, cause }) =>
      `${kind} ${name}: ${cause}`.replaceAll('registry.example.com/shop/', ''),
    ),
    heal: lines(heal),
    before: lines(before),
    during: lines(during),
    after: lines(after),
  };
}

const none = { changes: [], heal: [], before: [], during: [], after: [] };

describe('tasks of a play that runs them on change', () => {
  const task = taskNamed('warm up');
  const want = desired([health, app('v1')], { preTasks: [task], tasks: [task], postTasks: [task] });
  const over = { tasksOnChange: true };
  const tasksIn = (...containers: Parameters<typeof observed>[0]): number => {
    const plan = reconcile(want, observed(containers), { ...context, ...over });
    return [...plan.before, ...plan.during, ...plan.after].filter(({ kind }) => kind === 'task').length;
  };
  const orphan = container(service('other', 'v1'), { play: 'web tier' });

  test.each<[string, Parameters<typeof observed>[0], number]>([
    ['nothing to do', [container(health), container(app('v1'))], 0],
    ['an orphan that stays', [container(health), container(app('v1')), orphan], 0],
    ['another image', [container(health), container(app('v0'))], 3],
    ['nothing there', [], 3],
    ['a container that has exited', [container(health), container(app('v1'), { running: false })], 3],
    ['a policy changed live', [container(health), container(app('v1'), { restart: 'always' })], 3],
    ['a run that was cut off', [container(health, { running: false }), container(app('v1'))], 3],
  ])('%s', (_, containers, count) => {
    expect(tasksIn(...containers)).toBe(count);
  });
});

describe('a node', () => {
  test('that runs what is wanted is not touched', () => {
    const have = observed([container(health), container(app('v1'))]);
    expect(transcript(desired([health, app('v1')]), have)).toEqual(none);
    expect(isUnchanged(reconcile(desired([health, app('v1')]), have, context))).toBe(true);
  });

  test('gets a new version beside the old one, then leaves, swaps, verifies and returns', () => {
    const have = observed([container(health, { restart: 'always' }), container(app('v1'))]);
    const gate = service('health', 'v1', { spec: { restart: 'always' } });
    expect(
      transcript(
        desired([gate, app('v2')]),
        observed([container(gate, { restart: 'always' }), ...[...have.containers.values()].slice(1)]),
      ),
    ).toEqual({
      changes: ['replace app: image v1 → v2'],
      heal: [],
      before: [],
      during: [
        'stop health, drain h1  (app: image v1 → v2)',
        'meanwhile create app.next from app:v2@sha256:000000000000  (image v1 → v2)',
        'meanwhile set app to restart no  (image v1 → v2)',
        'stop app  (image v1 → v2)',
        'rename app to app.previous  (image v1 → v2)',
        'rename app.next to app  (image v1 → v2)',
        'start app  (image v1 → v2)',
        'verify app  (image v1 → v2)',
        'start health, admit h1  (verified)',
      ],
      after: [],
    });
  });

  test('does not restart app when only health differs', () => {
    const have = observed([container(health), container(app('v1'))]);
    const ops = transcript(desired([service('health', 'v2'), app('v1')]), have);
    expect(ops.changes).toEqual(['replace health: image v1 → v2']);
    expect(ops.during).toEqual([
      'stop health, drain h1  (health: image v1 → v2)',
      'meanwhile create health.next from health:v2@sha256:000000000000  (image v1 → v2)',
      'set health to restart no  (image v1 → v2)',
      'rename health to health.previous  (image v1 → v2)',
      'rename health.next to health  (image v1 → v2)',
      'start health, admit h1  (verified)',
    ]);
  });

  test('with nothing on it gets everything, and health last whatever depends on it', () => {
    const needsHealth = service('app', 'v1', { dependsOn: [{ service: 'health', condition: 'service_started' }] });
    expect(transcript(desired([health, needsHealth]), observed([]))).toMatchObject({
      changes: ['create app: not there', 'create health: not there'],
      before: [],
      during: [
        'wait until h1 is drained  (app: new; health: new)',
        'meanwhile create app from app:v1@sha256:000000000000  (not there)',
        'meanwhile create health from health:v1@sha256:000000000000  (not there)',
        'start app  (not there)',
        'verify app  (not there)',
        'start health, admit h1  (verified)',
      ],
    });
  });

  test('adopts a container of the same name that it did not create, and says so', () => {
    const stranger = { ...container(app('v1')), labels: {} };
    expect(transcript(desired([health, app('v1')]), observed([container(health), stranger])).changes).toEqual([
      'adopt app: container not created by rollout → of play web tier',
    ]);
  });

  test('lets go on what somebody has paused, before anything else and without leaving rotation', () => {
    const paused = container(app('v1'), { status: 'paused' });
    expect(transcript(desired([health, app('v1')]), observed([container(health), paused]))).toEqual({
      ...none,
      changes: ['update app: paused, should run'],
      heal: ['unpause app  (paused, should run)', 'verify app  (paused, should run)'],
    });
    const replaced = transcript(desired([health, app('v2')]), observed([container(health), paused]));
    expect(replaced.changes).toEqual(['replace app: image v1 → v2']);
    expect(replaced.heal).toEqual(['unpause app  (paused, should run)']);
  });

  test('with a paused health container leaves rotation, and is let in with all the others right', () => {
    const have = observed([container(health, { status: 'paused' }), container(app('v1'))]);
    expect(transcript(desired([health, app('v1')]), have)).toEqual({
      ...none,
      changes: ['start health: paused, should run'],
      during: ['stop health, drain h1  (health: paused, should run)', 'start health, admit h1  (verified)'],
    });
  });

  test('starts what is stopped and also differs in what docker changes live', () => {
    const want = service('app', 'v1', { spec: { restart: 'always' } });
    const have = observed([container(health), container(want, { running: false, restart: 'no' })]);
    expect(transcript(desired([health, want]), have)).toMatchObject({
      changes: ['start app: exited with code 0, should run; restart always added'],
      before: ['update app: --restart=always  (restart always added)'],
      during: [
        expect.stringContaining('stop health, drain h1'),
        expect.stringContaining('start app'),
        expect.stringContaining('verify app'),
        expect.stringContaining('start health, admit h1'),
      ],
    });
  });

  test('starts what is right but stopped', () => {
    const have = observed([container(health), container(app('v1'), { running: false })]);
    expect(transcript(desired([health, app('v1')]), have)).toMatchObject({
      changes: ['start app: exited with code 0, should run'],
      before: [],
      during: [
        'stop health, drain h1  (app: exited with code 0, should run)',
        'start app  (exited with code 0, should run)',
        'verify app  (exited with code 0, should run)',
        'start health, admit h1  (verified)',
      ],
    });
  });

  test('waits for what a service depends on to be healthy before it starts it', () => {
    const db = service('db', 'v1');
    const needsDb = service('app', 'v1', { dependsOn: [{ service: 'db', condition: 'service_healthy' }] });
    expect(transcript(desired([needsDb, db, health]), observed([])).during).toEqual([
      'wait until h1 is drained  (db: new; app: new; health: new)',
      'meanwhile create db from db:v1@sha256:000000000000  (not there)',
      'meanwhile create app from app:v1@sha256:000000000000  (not there)',
      'meanwhile create health from health:v1@sha256:000000000000  (not there)',
      'start db  (not there)',
      'wait until db is healthy  (app depends on it)',
      'start app  (not there)',
      'verify db  (not there)',
      'verify app  (not there)',
      'start health, admit h1  (verified)',
    ]);
  });

  test('waits for every replica of what a service depends on', () => {
    const replicas = ['db-1', 'db-2'].map((name) => service(name, 'v1', { replicaOf: 'db' }));
    const needsDb = service('app', 'v1', { dependsOn: [{ service: 'db', condition: 'service_healthy' }] });
    expect(transcript(desired([needsDb, ...replicas, health]), observed([])).during).toEqual([
      'wait until h1 is drained  (db-1: new; db-2: new; app: new; health: new)',
      'meanwhile create db-1 from db-1:v1@sha256:000000000000  (not there)',
      'meanwhile create db-2 from db-2:v1@sha256:000000000000  (not there)',
      'meanwhile create app from app:v1@sha256:000000000000  (not there)',
      'meanwhile create health from health:v1@sha256:000000000000  (not there)',
      'start db-1  (not there)',
      'start db-2  (not there)',
      'wait until db-1 is healthy  (app depends on it)',
      'wait until db-2 is healthy  (app depends on it)',
      'start app  (not there)',
      'verify db-1  (not there)',
      'verify db-2  (not there)',
      'verify app  (not there)',
      'start health, admit h1  (verified)',
    ]);
  });

  test('leaves a job that has completed alone', () => {
    const job = service('migrate', 'v1');
    const needsJob = service('app', 'v1', {
      dependsOn: [{ service: 'migrate', condition: 'service_completed_successfully' }],
    });
    const have = observed([container(health), container(job, { running: false }), container(needsJob)]);
    expect(transcript(desired([job, needsJob, health]), have)).toEqual(none);
  });

  test('reports an orphan, and takes it away only when asked to', () => {
    const have = observed([container(health), container(app('v1')), container(service('old', 'v1'))]);
    expect(transcript(desired([health, app('v1')]), have)).toEqual({
      ...none,
      changes: ['orphan old: the play no longer names it'],
    });
    expect(transcript(desired([health, app('v1')]), have, { removeOrphans: true })).toEqual({
      ...none,
      changes: ['remove old: the play no longer names it'],
      during: [
        'stop health, drain h1  (old: the play no longer names it)',
        'stop old  (the play no longer names it)',
        'start health, admit h1  (verified)',
      ],
      after: ['remove old  (the play no longer names it)'],
    });
  });

  test('takes what --tags left out for no orphan', () => {
    const have = observed([container(health), container(app('v1')), container(service('worker-2', 'v1'))]);
    const want = desired([health], { leftOut: ['app', 'worker'] });
    expect(transcript(want, have, { removeOrphans: true })).toEqual(none);
  });

  test('leaves rotation for its tasks even where nothing differs', () => {
    const task = taskNamed('migrate');
    const have = observed([container(health), container(app('v1'))]);
    expect(transcript(desired([health, app('v1')], { tasks: [task] }), have).during).toEqual([
      'stop health, drain h1  (tasks)',
      'task migrate  (tasks)',
      'wait until what ran beside it runs again  (it ran before the tasks)',
      'start health, admit h1  (verified)',
    ]);
  });

  test('cannot be planned without an external network', () => {
    const want = desired([health], { networks: [{ name: 'shared', external: true, options: {} }] });
    expect(reconcile(want, observed([container(health)]), context).errors).toEqual([
      'network shared is external and not there; create it: docker network create shared',
    ]);
  });
});

test('an image that may never be pulled must be there', () => {
  const local = service('app', 'v1', { pullPolicy: 'never' });
  expect(reconcile(desired([local]), observed([]), context).errors).toEqual([
    `image registry.example.com/shop/app:v1@${local.image.digest ?? ''} of app is not there, and its pull_policy is never; load it first: docker load`,
  ]);
});

describe('a node that was left half way', () => {
  test('between park and rename goes back to the parked container first, and is then updated like any other', () => {
    const have = observed([
      container(health, { running: false }),
      container(app('v1'), { name: 'app.previous', running: false }),
      container(app('v2'), { name: 'app.next', running: false, status: 'created' }),
    ]);
    expect(transcript(desired([health, app('v2')]), have)).toMatchObject({
      changes: ['heal app: left half way by an earlier run', 'replace app: image v1 → v2'],
      heal: [
        'rename app.previous to app  (left half way by an earlier run)',
        'set app to restart no  (left half way by an earlier run)',
        'start app  (left half way by an earlier run)',
        'remove app.next  (left half way by an earlier run)',
        'verify app  (left out of rotation by an earlier run)',
        'start health, admit h1  (left out of rotation by an earlier run)',
      ],
    });
  });

  test('after its drain is let back in', () => {
    const have = observed([container(health, { running: false }), container(app('v1'))]);
    expect(transcript(desired([health, app('v1')]), have)).toEqual({
      ...none,
      changes: ['heal health: left out of rotation by an earlier run'],
      heal: [
        'verify app  (left out of rotation by an earlier run)',
        'start health, admit h1  (left out of rotation by an earlier run)',
      ],
    });
  });
});
