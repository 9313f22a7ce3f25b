/** Why a play did not go to its end. */
export type Stop = { readonly kind: 'interrupt' } | { readonly kind: 'pause'; readonly reason: string } | Failures;

export interface Failures {
  readonly kind: 'failures';
  /** Whether every node that was to be put back serves again. */
  readonly isRestored: boolean;
  readonly reason: string;
}
