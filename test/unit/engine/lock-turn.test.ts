import { expect, test, vi } from 'vitest';
import { LockTurn } from '../../../src/engine/lock-turn.ts';
import type { HostSession } from '../../../src/engine/session.ts';
import type { FoundHolder } from '../../../src/ssh/lock-holder.ts';
import { LockedError } from '../../../src/ssh/lock.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { runContext } from '../../support/run-context.ts';

const holder = { run: 'b', user: 'u', controller: 'c', since: 10 };
const older: FoundHolder = { run: 'a', since: 5 };
const younger: FoundHolder = { run: 'c', since: 15 };

/** A host on which each try to lock finds the next of these: somebody, somebody without a name (''), or nobody. */
async function tries(
  found: readonly (FoundHolder | '' | undefined)[],
): Promise<{ ended: unknown; tries: number; atMs: number }> {
  const clock = manualClock(0);
  let count = 0;
  const session = {
    host: { name: 'h1' },
    lock: () => {
      const next = found[Math.min(count, found.length - 1)];
      count += 1;
      if (next === undefined) return Promise.resolve();
      const [who, text] = next === '' ? [undefined, ''] : [next, JSON.stringify(next)];
      return Promise.reject(new LockedError('h1', who, text));
    },
    unlock: () => Promise.resolve(),
    goOn: () => Promise.resolve(),
  };
  const turn = new LockTurn(holder, 0, runContext(clock));
  let ended: unknown;
  turn.take(session as unknown as HostSession).then(
    (isTaken) => (ended = isTaken),
    (error: unknown) => (ended = error instanceof LockedError ? error.holder : error),
  );
  for (;;) {
    await vi.waitFor(() => expect(ended !== undefined || clock.sleepers() === 1).toBe(true));
    if (ended !== undefined) return { ended, tries: count, atMs: clock.now() };
    await clock.advanceTo(clock.now() + 100);
  }
}

test.each<[string, Parameters<typeof tries>[0], Awaited<ReturnType<typeof tries>>]>([
  ['nobody: it is taken', [undefined], { ended: true, tries: 1, atMs: 0 }],
  [
    'an older run: it gives way at once',
    [older],
    { ended: 'run a of ? from ?, since 1970-01-01T00:00:00.005Z', tries: 1, atMs: 0 },
  ],
  [
    'a younger run that gives way: it is waited for',
    [younger, younger, undefined],
    { ended: true, tries: 3, atMs: 300 },
  ],
  [
    'one that has not said who it is, and is younger',
    ['', '', younger, undefined],
    { ended: true, tries: 4, atMs: 700 },
  ],
  [
    'one that has not said who it is, and is older',
    ['', older],
    { ended: 'run a of ? from ?, since 1970-01-01T00:00:00.005Z', tries: 2, atMs: 100 },
  ],
  ['one that has not said who it is, and goes', ['', undefined], { ended: true, tries: 2, atMs: 100 }],
  [
    'somebody who never says who it is: it gives way after three seconds',
    [''],
    { ended: 'another run, which has not said which yet', tries: 6, atMs: 3100 },
  ],
])('a host that is held by %s', async (_, found, expected) => {
  expect(await tries(found)).toEqual(expected);
});
