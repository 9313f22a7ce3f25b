import { describeOp } from '../plan/op-text.ts';
import type { Op } from '../plan/plan.ts';
import type { RunContext } from './context.ts';
import { OpError } from './op-error.ts';

/** The events of ops that are carried out one after the other: each begins as the one before it ends. */
export class OpReport {
  readonly #ops: readonly Op[];
  readonly #host: string;
  readonly #context: RunContext;
  #at = 0;
  #startedMs = 0;

  constructor(ops: readonly Op[], host: string, context: RunContext) {
    this.#ops = ops;
    this.#host = host;
    this.#context = context;
    this.#begin();
  }

  /** Those before this one have ended: heard of, or found to have come true. One that is not of these ops tells nothing. */
  reach(op: Op): void {
    this.#endUpTo(this.#ops.indexOf(op));
  }

  /** This one has ended, and those before it. */
  finish(op: Op): void {
    this.#endUpTo(this.#ops.indexOf(op) + 1);
  }

  finishAll(): void {
    this.#endUpTo(this.#ops.length);
  }

  /** The one under way has failed. */
  fail(error: unknown): OpError {
    const op = this.#ops[this.#at];
    if (op === undefined) throw error;
    const failure = OpError.from(op, error);
    const { exitCode, message } = failure;
    this.#end(op, { ok: false, message, ...(exitCode === undefined ? {} : { exitCode }) });
    return failure;
  }

  #endUpTo(index: number): void {
    while (this.#at < index) {
      const op = this.#ops[this.#at];
      if (op !== undefined) this.#end(op, { ok: true });
      this.#at += 1;
      this.#begin();
    }
  }

  #begin(): void {
    const op = this.#ops[this.#at];
    if (op === undefined) return;
    this.#startedMs = this.#context.clock.now();
    this.#context.emit({ type: 'op_started', host: this.#host, op: describeOp(op) });
  }

  #end(op: Op, outcome: { readonly ok: boolean; readonly message?: string; readonly exitCode?: number }): void {
    const durationMs = this.#context.clock.now() - this.#startedMs;
    this.#context.emit({ type: 'op_finished', host: this.#host, op: describeOp(op), durationMs, ...outcome });
  }
}
