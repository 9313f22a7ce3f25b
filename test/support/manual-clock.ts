import type { Clock } from '../../src/model/clock.ts';

/** A clock that a test moves: sleepers wake in order, each at its own time. */
export interface ManualClock extends Clock {
  advanceTo(ms: number): Promise<void>;
  /** How many are asleep. */
  sleepers(): number;
}

export function manualClock(startMs: number): ManualClock {
  let nowMs = startMs;
  const asleep = new Set<{ readonly atMs: number; readonly wake: () => void }>();
  return {
    now: () => nowMs,
    sleepers: () => asleep.size,
    sleep: (delayMs, signal) =>
      new Promise((resolve, reject) => {
        const abort = (): void => {
          asleep.delete(sleeper);
          reject(new Error('aborted'));
        };
        const wake = (): void => {
          signal?.removeEventListener('abort', abort);
          resolve();
        };
        const sleeper = { atMs: nowMs + delayMs, wake };
        asleep.add(sleeper);
        signal?.addEventListener('abort', abort);
      }),
    async advanceTo(ms) {
      for (;;) {
        const [next] = [...asleep].filter(({ atMs }) => atMs <= ms).sort((a, b) => a.atMs - b.atMs);
        if (next === undefined) break;
        nowMs = Math.max(nowMs, next.atMs);
        asleep.delete(next);
        next.wake();
        await new Promise(setImmediate);
      }
      nowMs = Math.max(nowMs, ms);
    },
  };
}
