import type { Clock } from '../model/clock.ts';

/** How long the engine's commands take, in ms; docker's own on an idle machine. */
export interface Delays {
  /** Every docker command: the client's start and its round trip. */
  readonly commandMs: number;
  readonly createMs: number;
  readonly startMs: number;
  /** On top of what the program itself takes to end. */
  readonly stopMs: number;
  /** From the end of a process until docker knows of it: the container cannot be updated meanwhile. */
  readonly noticeMs: number;
  /** On top of what killing it takes. */
  readonly removeMs: number;
  readonly pullMs: number;
}

const measured: Delays = {
  commandMs: 15,
  createMs: 10,
  startMs: 185,
  stopMs: 85,
  noticeMs: 60,
  removeMs: 30,
  pullMs: 150,
};

/** Docker's delays times `factor`: 1 is real time, 0 is none at all (scale tests). */
export function scaleDelays(factor: number): Delays {
  return {
    commandMs: measured.commandMs * factor,
    createMs: measured.createMs * factor,
    startMs: measured.startMs * factor,
    stopMs: measured.stopMs * factor,
    noticeMs: measured.noticeMs * factor,
    removeMs: measured.removeMs * factor,
    pullMs: measured.pullMs * factor,
  };
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (delayMs, signal) =>
    new Promise((resolve, reject) => {
      const abort = () => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', abort);
        resolve();
      }, delayMs);
      if (signal?.aborted === true) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    }),
};

/** Resolves to false when the signal ended the wait. */
export function slept(clock: Clock, delayMs: number, signal: AbortSignal): Promise<boolean> {
  return clock.sleep(delayMs, signal).then(
    () => true,
    (error: unknown) => {
      if (signal.aborted) return false;
      throw error;
    },
  );
}

/** RFC 3339 with docker's nine digits. */
export const timestamp = (epochMs: number): string => new Date(epochMs).toISOString().replace('Z', '000000Z');
export const zeroTime = '0001-01-01T00:00:00Z';
