import { expect, test } from 'vitest';
import type { Container } from '../../../src/docker/observed.ts';
import { neighboursOf, settling, type Neighbour, type Settling } from '../../../src/plan/neighbours.ts';
import { container, observed, service } from '../../support/simulated-host.ts';

type State = Container['state'];
const ours = (state: Partial<State> = {}, restart = 'no'): Container => {
  const made = container(service('app', 'v1'), { restart });
  return { ...made, state: { ...made.state, ...state } };
};
const stranger = (state: Partial<State> = {}, restart = 'no'): Container => ({ ...ours(state, restart), labels: {} });
const ended: Partial<State> = { running: false, status: 'exited', exitCode: 0 };

test('what ran before is every container that ran, beside the play’s own and those of single tasks', () => {
  const of = (name: string, state: Partial<State> = {}): Container => ({ ...ours(state), name });
  const found = observed([
    of('app'),
    { ...stranger(), name: 'exporter' },
    of('sick', { health: 'unhealthy' }),
    of('health'),
    of('app.previous', ended),
    of('rollout.run.app'),
    of('loops', { status: 'restarting' }),
    of('asleep', { status: 'paused' }),
  ]);
  expect(neighboursOf(found.containers, new Set(['health']))).toEqual([
    { name: 'app', isWell: true, isOurs: true },
    { name: 'exporter', isWell: true, isOurs: false },
    { name: 'sick', isWell: false, isOurs: true },
  ]);
});

const autoRemoved: Container = {
  ...stranger(ended, 'no'),
  inspect: { HostConfig: { AutoRemove: true, RestartPolicy: { Name: 'no', MaximumRetryCount: 0 } } },
};
const was: Neighbour = { name: 'app', isWell: true, isOurs: true };
const nothing: Settling = { start: [], waiting: [], failed: [], gone: [] };

test.each<[string, Neighbour, Container | undefined, Partial<Settling>]>([
  ['it runs', was, ours(), {}],
  ['it runs and is healthy', was, ours({ health: 'healthy' }), {}],
  ['it has just come up', was, ours({ health: 'starting' }), { waiting: ['app is starting'] }],
  [
    'it is unhealthy so far',
    was,
    ours({ health: 'unhealthy', healthOutput: 'no database' }),
    { waiting: ['app is unhealthy: no database'] },
  ],
  ['it was unhealthy before', { ...was, isWell: false }, ours({ health: 'unhealthy' }), {}],
  [
    'it crashes',
    was,
    ours({ status: 'restarting', exitCode: 7 }),
    { waiting: ['app is restarted again and again; its last exit code was 7'] },
  ],
  ['somebody has paused it', was, ours({ status: 'paused' }), { waiting: ['app is paused'] }],
  ['nothing starts it after a reboot', was, ours(ended), { start: ['app'] }],
  ['docker did not start a stranger with a policy', was, stranger(ended, 'unless-stopped'), { start: ['app'] }],
  [
    'a stranger without a policy has ended',
    { ...was, isOurs: false },
    stranger(ended),
    { gone: ['app has ended, and has no restart policy: docker start app'] },
  ],
  [
    'one that goes when it ends',
    { ...was, isOurs: false },
    autoRemoved,
    { gone: ['app has ended, and has no restart policy: docker start app'] },
  ],
  ['a stranger was removed', { ...was, isOurs: false }, undefined, { gone: ['app is gone'] }],
  ['one of ours was removed', was, undefined, { failed: ['app is gone'] }],
])('%s', (_, before, now, expected) => {
  const found = now === undefined ? [] : [now];
  expect(settling([before], observed(found).containers, new Set())).toEqual({ ...nothing, ...expected });
});

test('one that was started and ends again is not started for ever', () => {
  const now = observed([ours({ ...ended, exitCode: 3 })]).containers;
  expect(settling([was], now, new Set(['app']))).toEqual({
    ...nothing,
    failed: ['app was started and ended again, with code 3'],
  });
});
