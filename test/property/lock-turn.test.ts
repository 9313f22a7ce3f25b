import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LockTurn } from '../../src/engine/lock-turn.ts';
import type { Host } from '../../src/model/host.ts';
import { LockedError, type LockHolder } from '../../src/ssh/lock.ts';
import { runContext } from '../support/run-context.ts';

/** A hundred times as fast as the real one. */
const clock = {
  now: () => performance.now() * 100,
  sleep: (delayMs: number, signal?: AbortSignal) =>
    sleep(delayMs / 100, undefined, signal === undefined ? {} : { signal }),
};

/** One lock a host, and who has it. */
type Fleet = Map<string, { holder: LockHolder; isGoingOn: boolean }>;

class Session {
  readonly host: Host;
  readonly #fleet: Fleet;
  readonly #holder: LockHolder;
  readonly #delaysMs: () => number;

  constructor(name: string, fleet: Fleet, holder: LockHolder, delaysMs: () => number) {
    this.host = { name, groups: [], vars: {}, connection: { kind: 'local' } };
    this.#fleet = fleet;
    this.#holder = holder;
    this.#delaysMs = delaysMs;
  }

  async lock(waitMs: number): Promise<void> {
    await clock.sleep(this.#delaysMs());
    const endsMs = clock.now() + waitMs;
    for (;;) {
      const found = this.#fleet.get(this.host.name);
      if (found === undefined) this.#fleet.set(this.host.name, { holder: this.#holder, isGoingOn: false });
      else if (found.holder !== this.#holder) {
        if (clock.now() < endsMs) {
          await clock.sleep(100);
          continue;
        }
        throw new LockedError(this.host.name, { ...found.holder, isGoingOn: found.isGoingOn }, '');
      }
      return;
    }
  }

  async unlock(): Promise<void> {
    await clock.sleep(this.#delaysMs());
    if (this.#fleet.get(this.host.name)?.holder === this.#holder) this.#fleet.delete(this.host.name);
  }

  async goOn(): Promise<void> {
    await clock.sleep(this.#delaysMs());
    const found = this.#fleet.get(this.host.name);
    if (found !== undefined) found.isGoingOn = true;
  }
}

interface Run {
  readonly hosts: readonly string[];
  readonly since: number;
  readonly startMs: number;
  /** Of each step, in turn. */
  readonly delaysMs: readonly number[];
}

/** One that has all its hosts works for a while, and gives them back. @returns whether it went on */
async function carryOut(run: Run, name: string, fleet: Fleet, lockTimeoutMs: number, workMs: number): Promise<boolean> {
  const holder: LockHolder = { run: name, user: 'u', controller: 'c', since: run.since };
  const context = runContext(clock);
  await clock.sleep(run.startMs);
  let step = 0;
  const delay = (): number => run.delaysMs[step++ % run.delaysMs.length] ?? 0;
  const sessions = run.hosts.map((host) => new Session(host, fleet, holder, delay));
  const turn = new LockTurn(holder, lockTimeoutMs, context);
  for (;;) {
    const taken = await Promise.allSettled(sessions.map((session) => turn.take(session)));
    const isRefused = taken.some(({ status }) => status === 'rejected');
    if (isRefused && (await turn.mayTryAgain())) continue;
    if (!isRefused) {
      expect(run.hosts.map((host) => fleet.get(host)?.holder.run)).toEqual(run.hosts.map(() => name));
      await turn.goOn();
      await clock.sleep(workMs);
      expect(run.hosts.map((host) => fleet.get(host)?.holder.run)).toEqual(run.hosts.map(() => name));
    }
    await Promise.all(sessions.map((session) => session.unlock()));
    return !isRefused;
  }
}

const hosts = ['h1', 'h2', 'h3', 'h4', 'h5'];
const delays = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 7 });
const aRun = fc.record({
  hosts: fc.shuffledSubarray(hosts, { minLength: 1 }),
  since: fc.integer({ min: 0, max: 2 }),
  startMs: fc.integer({ min: 0, max: 100 }),
  delaysMs: delays,
});
const twoThatMeet = fc.tuple(aRun, aRun).filter(([one, other]) => one.hosts.some((host) => other.hosts.includes(host)));

test('of two runs that want some of the same hosts exactly one goes on, and no host is held twice', async () => {
  await fc.assert(
    fc.asyncProperty(twoThatMeet, async ([one, other]) => {
      const fleet: Fleet = new Map();
      const wentOn = await Promise.all([carryOut(one, 'a', fleet, 0, 5000), carryOut(other, 'b', fleet, 0, 5000)]);
      expect(wentOn.filter((went) => went)).toHaveLength(1);
      expect(fleet.size).toBe(0);
    }),
    { numRuns: 60 },
  );
});

test('with --lock-timeout all of several runs go on, one after the other where they meet', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(aRun, { minLength: 2, maxLength: 4 }), async (runs) => {
      const fleet: Fleet = new Map();
      const wentOn = await Promise.all(runs.map((run, index) => carryOut(run, `r${index}`, fleet, 600_000, 300)));
      expect(wentOn).toEqual(runs.map(() => true));
    }),
    { numRuns: 30 },
  );
});
