/** The one source of time, injected, so that tests move it instead of sleeping. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `delayMs`; rejects with the signal's reason when it is aborted first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/**
 * Why a sleep is aborted that nobody waits for any more. One for all: without a reason, node makes an error with a stack
 * for each, and there is one for every command.
 */
export const noLongerNeeded = new Error('no longer needed');

/** The work's result; undefined where it has none within `limitMs`. */
export async function within<T>(clock: Clock, limitMs: number, work: Promise<T>): Promise<T | undefined> {
  const done = new AbortController();
  const tooLate = clock.sleep(limitMs, done.signal).then(
    () => undefined,
    () => undefined,
  );
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    done.abort(noLongerNeeded);
  }
}
