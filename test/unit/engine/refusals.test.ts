import { expect, test } from 'vitest';
import { RunRefused } from '../../../src/engine/context.ts';
import { refuse } from '../../../src/engine/refusals.ts';
import { LockedError } from '../../../src/ssh/lock.ts';

const holder = { run: 'r1', user: 'alice', controller: 'laptop', since: Date.UTC(2026, 10, 21, 15) };
const said = 'run r1 of alice from laptop, since 2026-11-21T15:00:00.000Z';
const locked = (host: string, pid: string, user = 'root') =>
  new LockedError(host, holder, '', { pid, user, file: '/run/rollout/rollout.lock' });

function details(errors: readonly LockedError[]): readonly string[] {
  try {
    refuse({ refused: [], away: [], locked: [...errors], config: [], unreachable: new Map() });
  } catch (error) {
    if (error instanceof RunRefused) return error.details;
    throw error;
  }
  throw new Error('nothing was refused');
}

test('one host: its process, and what to do where that is no run', () => {
  expect(details([locked('h1', '12')])).toEqual([
    `h1 is locked by ${said}.`,
    'On h1 process 12 of user root holds /run/rollout/rollout.lock. If that is no run of rollout, end it there: kill 12',
  ]);
});

test('many hosts of one run are two lines, in the order of the hosts, however often each was asked', () => {
  const errors = ['h10', 'h2', 'h1', 'h3', 'h2'].map((host) => locked(host, host.replace('h', '5')));
  expect(details(errors)).toEqual([
    `h1, h2, h3 and 1 more are locked by ${said}.`,
    'A process of user root holds /run/rollout/rollout.lock. If that is no run of rollout, end it there: kill 51 on h1, kill 52 on h2, kill 53 on h3 and 1 more',
  ]);
});

test('users are told apart, and hosts whose kernel says nothing are left out', () => {
  expect(details([locked('h1', '12'), locked('h2', '?'), locked('h3', '7', 'mallory')])).toEqual([
    `h1, h2, h3 are locked by ${said}.`,
    'A process of user root holds /run/rollout/rollout.lock. If that is no run of rollout, end it there: kill 12 on h1',
    'A process of user mallory holds /run/rollout/rollout.lock. If that is no run of rollout, end it there: kill 7 on h3',
  ]);
});
