import type { Clock } from '../model/clock.ts';
import type { Emit } from '../events/event.ts';
import type { exitCodes } from '../events/exit-code.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { Interrupt } from './interrupt.ts';
import type { Notes } from './notes.ts';

/** What every part of a run needs from the world. */
export interface RunContext {
  readonly run: string;
  /** Of a resumed run: the first one that it goes on with. */
  readonly release?: string;
  readonly clock: Clock;
  /** Epoch milliseconds. */
  readonly startedMs: number;
  readonly emit: Emit;
  /** Speaks for hosts, and for the run, that are silent for too long. */
  readonly heartbeat: Heartbeat;
  readonly interrupt: Interrupt;
  /** What to type to go on with it after a pause or an interrupt. */
  readonly resumeCommand: string;
  /** Keeps the whole log of a container that failed. @returns where it lies, or undefined where it could not be kept */
  readonly keepLog?: (host: string, container: string, lines: readonly string[]) => string | undefined;
  /** What is left of it on its hosts. */
  readonly notes?: Notes;
  /** Hosts worked on at once in preflight. */
  readonly forks: number;
}

/** Of a run that touched nothing: usage, unreachable, locked, or not at this time. */
export type RefusalCode = (typeof exitCodes)['usage' | 'unreachable' | 'locked' | 'paused'];

/** A run that ended before it touched anything: its exit code says why. */
export class RunRefused extends Error {
  readonly exitCode: RefusalCode;
  /** One line each, below the message. */
  readonly details: readonly string[];

  constructor(exitCode: RefusalCode, message: string, details: readonly string[] = []) {
    super(message);
    this.name = 'RunRefused';
    this.exitCode = exitCode;
    this.details = details;
  }
}
