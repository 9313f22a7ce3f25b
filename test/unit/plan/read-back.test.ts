import { describe, expect, test } from 'vitest';
import { labels } from '../../../src/docker/names.ts';
import type { Container } from '../../../src/docker/observed.ts';
import type { Op } from '../../../src/plan/plan.ts';
import { firstUntrue, killed, namesToReadBack } from '../../../src/plan/read-back.ts';
import { container, observed, service } from '../../support/simulated-host.ts';

const app = service('app', 'v2');
const id = { service: 'app', cause: 'test' };
const run = '20261120-150432-x7f3';
const made = (over: Parameters<typeof container>[1] = {}, by = run): Container => {
  const one = container(app, { running: false, status: 'created', ...over });
  return { ...one, labels: { ...one.labels, [labels.run]: by } };
};

const create: Op = { kind: 'create', service: app, container: 'app.next', cause: 'test' };
const swap: readonly Op[] = [
  { ...id, kind: 'rename', container: 'app', to: 'app.previous' },
  { ...id, kind: 'rename', container: 'app.next', to: 'app' },
  { ...id, kind: 'start', container: 'app' },
];
const admit: readonly Op[] = [{ kind: 'admit', container: 'app', policy: 'always', server: 'h1', cause: 'test' }];
const stop: readonly Op[] = [
  { ...id, kind: 'set_restart', container: 'app', policy: 'no' },
  { ...id, kind: 'stop', container: 'app', graceMs: 1000 },
];

describe('what docker reported as done', () => {
  test.each<[string, readonly Op[], readonly Container[], string | undefined]>([
    ['a create that made its container', [create], [made({ name: 'app.next' })], undefined],
    ['a create that made nothing', [create], [], 'create: docker reported it as done, but app.next is not there'],
    [
      'a create whose name is another run’s container',
      [create],
      [made({ name: 'app.next' }, 'another')],
      'create: docker reported it as done, but app.next is not the one that this run created',
    ],
    ['a stop that stopped', stop, [made({ status: 'exited' })], undefined],
    [
      'a stop that did not stop',
      stop,
      [made({ running: true, status: 'running' })],
      'stop: docker reported it as done, but app still runs',
    ],
    [
      'a restart policy that was not taken',
      stop,
      [made({ status: 'exited', restart: 'always' })],
      'set_restart: docker reported it as done, but app does not have restart no',
    ],
    [
      'a swap that came true',
      swap,
      [made({ running: true, status: 'running' }), container(app, { name: 'app.previous', running: false })],
      undefined,
    ],
    [
      'a new container that has ended again: its verification says so',
      swap,
      [made({ status: 'exited' }), container(app, { name: 'app.previous', running: false })],
      undefined,
    ],
    [
      'a rename that renamed nothing',
      swap,
      [container(app), made({ name: 'app.next' })],
      'rename: docker reported it as done, but app.previous is not there',
    ],
    [
      'a second rename that renamed nothing',
      swap,
      [container(app, { name: 'app.previous', running: false }), made({ name: 'app.next' })],
      'rename: docker reported it as done, but app is not there',
    ],
    [
      'a start that started nothing',
      swap,
      [made(), container(app, { name: 'app.previous', running: false })],
      'start: docker reported it as done, but app was never started',
    ],
    [
      'a removal that removed nothing',
      [{ ...id, kind: 'remove', container: 'app.previous' }],
      [container(app, { name: 'app.previous', running: false })],
      'remove: docker reported it as done, but app.previous is still there',
    ],
    [
      'a removal, and another container that has its name now',
      [
        { ...id, kind: 'remove', container: 'app' },
        { ...id, kind: 'rename', container: 'app.previous', to: 'app' },
      ],
      [container(app, { running: false })],
      undefined,
    ],
    [
      'a health container that goes on answering',
      [{ kind: 'drain', container: 'app', server: 'h1', cause: 'test' }],
      [container(app)],
      'drain: docker reported it as done, but app still runs',
    ],
    [
      'a health container that was not started again',
      admit,
      [container(app, { running: false })],
      'admit: docker reported it as done, but app does not run',
    ],
    ['a health container that is gone', admit, [], 'admit: docker reported it as done, but app does not run'],
    ['a health container that runs', admit, [container(app)], undefined],
  ])('%s', (_, ops, found, expected) => {
    const untrue = firstUntrue(ops, observed(found).containers, run);
    expect(untrue && `${untrue.op.kind}: ${untrue.message}`).toBe(expected);
  });

  test('every container that an op names is looked at, by the name that it has in the end', () => {
    expect(namesToReadBack([create, ...stop, ...swap])).toEqual(['app.next', 'app', 'app.previous']);
    expect(namesToReadBack([{ kind: 'pull', image: app.image, cause: 'test' }])).toEqual([]);
  });
});

describe('a container that was stopped', () => {
  const ended = (exitCode: number, oomKilled = false): Container => {
    const one = made({ status: 'exited' });
    return { ...one, state: { ...one.state, exitCode, oomKilled } };
  };
  const asking = (signal: string): Container => {
    const one = ended(137);
    return { ...one, inspect: { ...one.inspect, Config: { StopSignal: signal } } };
  };
  const said =
    'app did not end within its stop_grace_period of 1.0 s and was killed (exit 137): what it was still serving is cut off. Does its program end on SIGTERM? Else give it a longer stop_grace_period';

  test.each<[string, readonly Op[], readonly Container[], readonly string[]]>([
    ['and had to be killed is worth a warning', stop, [ended(137)], [said]],
    [
      'and had to be killed is worth it too where it has been parked since',
      [...stop, ...swap],
      [{ ...ended(137), name: 'app.previous' }],
      [said],
    ],
    ['and asks for SIGKILL is not', stop, [asking('SIGKILL')], []],
    ['and asks for it by its short name is not', stop, [asking('kill')], []],
    ['and asks for it by its number is not', stop, [asking('9')], []],
    ['and asks for another signal is, with its name', stop, [asking('SIGQUIT')], [said.replace('SIGTERM', 'SIGQUIT')]],
    ['and ended by itself is not', stop, [ended(0)], []],
    ['and ended by the signal that it was sent is not', stop, [ended(143)], []],
    ['and was out of memory before is not', stop, [ended(137, true)], []],
    ['and is gone is not', stop, [], []],
    ['by nobody, killed long ago, is not', swap, [ended(137)], []],
  ])('%s', (_, ops, containers, warnings) => {
    expect(killed(ops, observed(containers).containers)).toEqual(warnings);
  });
});
