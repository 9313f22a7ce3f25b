import type { Interrupt } from './interrupt.ts';

/** Why a play did not go to its end. */
export type Stop = { readonly kind: 'interrupt' } | { readonly kind: 'pause'; readonly reason: string } | Failures;

export interface Failures {
  readonly kind: 'failures';
  /** Whether every node that was to be put back serves again. */
  readonly isRestored: boolean;
  readonly reason: string;
  /** Nothing more of the play can be done or may be, whatever `on_failure` says. */
  readonly endsPlay?: true;
}

/** The stop that was asked for, by an operator or by the end of a window. */
export function askedStop({ isPause, pauseReason }: Interrupt): Stop {
  return isPause ? { kind: 'pause', reason: pauseReason } : { kind: 'interrupt' };
}

/** The same, where one was asked for. A pause with nothing left to go on with is none: what is done is done. */
export function stopIfAsked(interrupt: Interrupt, isAnythingLeft: boolean): Stop | undefined {
  if (!interrupt.isRequested) return undefined;
  return interrupt.isPause && !isAnythingLeft ? undefined : askedStop(interrupt);
}
