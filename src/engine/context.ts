import type { Clock } from '../model/clock.ts';
import type { Emit } from '../events/event.ts';
import type { exitCodes } from '../events/exit-code.ts';
import type { Interrupt } from './interrupt.ts';

/** What every part of a run needs from the world. */
export interface RunContext {
  readonly run: string;
  /** Of a resumed run: the first one that it goes on with. */
  readonly release?: string;
  readonly clock: Clock;
  /** Epoch milliseconds. */
  readonly startedMs: number;
  readonly emit: Emit;
  readonly interrupt: Interrupt;
  /** What to type to go on with it after a pause or an interrupt. */
  readonly resumeCommand: string;
  /** Keeps the whole log of a container that failed. @returns where it lies, or undefined where it could not be kept */
  readonly keepLog?: (host: string, container: string, lines: readonly string[]) => string | undefined;
  /** Hosts worked on at once in preflight. */
  readonly forks: number;
  /** Set where somebody speaks for a host, or for the run, that is silent for too long. */
  readonly voice?: Voice;
}

/** Something that is waited for. */
export interface Wait {
  /** What comes after `waiting for`. */
  readonly message: string;
  readonly startedMs: number;
  /** 0 where it is not known. */
  readonly limitMs: number;
}

/** Of a wait; a function for those that change. */
export type Words = string | (() => string | undefined);

/** Speaks for one host, or for the run itself (undefined). */
export interface Voice {
  readonly host: string | undefined;
  /** What is waited for right now, more exactly than the voice itself knows; undefined when that is over. */
  tell(wait: Wait | undefined): void;
  /** A part of the work. */
  within(wait: Omit<Wait, 'message'> & { readonly message: Words }): Voice & { end(): void };
}

/** Of a run that touched nothing: usage, unreachable, locked. */
export type RefusalCode = (typeof exitCodes)['usage' | 'unreachable' | 'locked'];

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
