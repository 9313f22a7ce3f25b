/** What was promised, what was measured, and whether it holds. */
export interface Goal {
  readonly what: string;
  readonly figure: string;
  readonly isMet: boolean;
}
