import { expect, test } from 'vitest';
import { BalancerWatch } from '../../../src/balancer/watch.ts';
import { manualClock } from '../../support/manual-clock.ts';

/** When readings begin that take so long, while somebody waits for each next one. */
async function beginnings(tookMs: number, untilMs: number): Promise<readonly number[]> {
  const clock = manualClock(0);
  const begunMs: number[] = [];
  const balancer = {
    read: async () => {
      begunMs.push(clock.now());
      await clock.sleep(tookMs);
      return { atMs: clock.now(), readings: [] };
    },
    close: () => undefined,
  };
  const watch = new BalancerWatch(balancer, clock);
  void (async () => {
    for (;;) await watch.next();
  })();
  // One millisecond at a time: what is due is asleep by then.
  for (let nowMs = 0; nowMs <= untilMs; nowMs += 1) {
    await clock.advanceTo(nowMs);
    if (clock.sleepers() === 0) await new Promise(setImmediate);
  }
  return begunMs;
}

test('a quick page is read for a fifth of the time at most, a slow one with pauses that no drain need wait for', async () => {
  expect(await beginnings(1, 200)).toEqual([0, 50, 100, 150, 200]);
  expect(await beginnings(40, 600)).toEqual([0, 200, 400, 600]);
  expect(await beginnings(1000, 4500)).toEqual([0, 1500, 3000, 4500]);
});
