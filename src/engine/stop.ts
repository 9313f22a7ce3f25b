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

/** The stop that an operator has asked for. */
export function askedStop({ isPause }: Interrupt): Stop {
  return isPause ? { kind: 'pause', reason: 'an operator has paused it' } : { kind: 'interrupt' };
}
