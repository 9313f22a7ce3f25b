import type { Clock } from '../model/clock.ts';
import type { Emit } from '../events/event.ts';
import type { Interrupt } from './interrupt.ts';

/** What every part of a run needs from the world. */
export interface RunContext {
  readonly run: string;
  readonly clock: Clock;
  /** Epoch milliseconds. */
  readonly startedMs: number;
  readonly emit: Emit;
  readonly interrupt: Interrupt;
  /** Hosts worked on at once in preflight. */
  readonly forks: number;
}

/** A run that ended before it touched anything: its exit code says why. */
export class RunRefused extends Error {
  readonly exitCode: 2 | 4 | 6;
  /** One line each, below the message. */
  readonly details: readonly string[];

  constructor(exitCode: 2 | 4 | 6, message: string, details: readonly string[] = []) {
    super(message);
    this.name = 'RunRefused';
    this.exitCode = exitCode;
    this.details = details;
  }
}
