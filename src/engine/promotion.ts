import type { Pace } from '../plan/waves.ts';
import type { Holds } from './hold.ts';

/** Asks the operator whether the canary is good, until it is answered elsewhere; undefined where nobody can be asked. */
export type Promote = ((question: string, answered: AbortSignal) => Promise<boolean>) | undefined;

export interface Promotion {
  readonly promote: Promote;
  readonly pace: Pace;
  /** Waves that have held already, in the runs that this one goes on with. */
  readonly isJudged: (play: string, wave: string) => boolean;
  /** Nodes that the run being resumed had finished. */
  readonly isFinished: (play: string, host: string) => boolean;
  /** Where the run holds, for an operator who is elsewhere. */
  readonly holds: Holds;
  /** Why there is no bake, with `--no-bake`. */
  readonly noBakeReason: string | undefined;
}
