import { homedir } from 'node:os';
import type { Clock } from '../model/clock.ts';

/** What a run takes from the process that it is in; everything of it can be handed over instead. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  /** Where relative paths start and, unless ROLLOUT_STATE_DIR says otherwise, where `.rollout` lies. */
  readonly cwd: string;
  /** Where `.ssh` lies. */
  readonly homeDir: string;
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/**
 * Epoch milliseconds of a clock that only goes forward: the machine's at the start of the process, and from there on by
 * what has passed. A clock that is set while a run goes on changes neither deadlines nor durations.
 */
export const systemClock: Clock = {
  now: () => Math.floor(performance.timeOrigin + performance.now()),
  sleep: (delayMs, signal) =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const abort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', abort);
        resolve();
      }, delayMs);
      signal?.addEventListener('abort', abort, { once: true });
    }),
};

/** Those of this process. */
export function systemSurroundings(): Surroundings {
  return { env: process.env, cwd: process.cwd(), homeDir: homedir(), clock: systemClock, random: Math.random };
}
