import { ownImages, type ImageChoice } from '../engine/images.ts';
import type { Undo } from '../engine/rollback.ts';
import type { Resumed } from '../events/event.ts';
import type { Pace } from '../plan/waves.ts';

/** What comes before the work, and decides how it goes. */
export interface Continuation {
  readonly command: 'run' | 'rollback' | 'resume';
  readonly rollbackTo?: 'parked' | 'composition' | 'run';
  /** Of a rollback to the images of a run: that run. */
  readonly toRun?: string;
  readonly pace: Pace;
  readonly images: ImageChoice;
  /** What is worth saying of those images. */
  readonly notice?: string;
  /** Of a rollback to the parked containers: the run to undo; the last one without it. */
  readonly undo?: Undo;
  /** What the runs before had done. */
  readonly resumed?: Resumed;
}

export const fromTheStart: Continuation = { command: 'run', pace: 'careful', images: ownImages };
