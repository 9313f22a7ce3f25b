import { DockerError } from '../docker/errors.ts';
import type { OpText } from '../events/event.ts';
import { describeOp } from '../plan/op-text.ts';
import type { Op } from '../plan/plan.ts';
import type { ContainerTrouble, StepError } from '../plan/image-fault.ts';
import { RemoteError } from '../ssh/remote.ts';

interface Details {
  readonly exitCode?: number | undefined;
  /** What to type or change. */
  readonly hint?: string | undefined;
  readonly trouble?: ContainerTrouble | undefined;
  readonly cause?: unknown;
}

/** A step on a host that failed, with what an operator needs to know of it. */
export class OpError extends Error {
  readonly step: OpText;
  /** Whose log tells more. */
  readonly container: string | undefined;
  readonly exitCode: number | undefined;
  readonly hint: string | undefined;
  /** Of its container, where it is that which failed. */
  readonly trouble: ContainerTrouble | undefined;

  constructor(op: Op | OpText, message: string, details: Details = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'OpError';
    this.step = 'text' in op ? op : describeOp(op);
    this.container = 'container' in op && loggedKinds.has(op.kind) ? op.container : undefined;
    this.exitCode = details.exitCode;
    this.hint = details.hint;
    this.trouble = details.trouble;
  }

  static from(op: Op | OpText, error: unknown): OpError {
    if (error instanceof OpError) return error;
    if (error instanceof DockerError) {
      return new OpError(op, error.message, { cause: error, exitCode: error.exitCode, hint: error.hint });
    }
    if (error instanceof RemoteError) return new OpError(op, error.message, { cause: error, hint: error.hint });
    return new OpError(op, error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** What docker or the connection said; undefined where neither has failed. */
export function stepErrorOf({ cause }: OpError): StepError | undefined {
  if (cause instanceof RemoteError) return { kind: 'connection', message: cause.message };
  return cause instanceof DockerError ? cause : undefined;
}

/** Ops that fail because of what the container's program did. */
const loggedKinds: ReadonlySet<Op['kind']> = new Set(['start', 'await', 'verify', 'admit']);

/** What went wrong, and on a line of its own what to do about it. */
export function withHint({ message, hint }: { readonly message: string; readonly hint?: string | undefined }): string {
  return hint === undefined ? message : `${message}\n${hint}`;
}
