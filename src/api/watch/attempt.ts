import { ownImages } from '../../engine/images.ts';
import { exitCodes } from '../../events/exit-code.ts';
import type { Event } from '../../events/event.ts';
import type { WatchChange, WatchEventBody } from '../../events/watch-event.ts';
import { parseImageRef, type ImageRef } from '../../model/image.ts';
import { speaksOfImages } from '../../events/suspects.ts';
import { judgeWatchedRun, type WatchVerdict } from '../../plan/watch.ts';
import { readRun, RunNotFoundError, type StoredRun } from '../../store/runs.ts';
import { exitCodeOf } from '../exit-code-of.ts';
import type { RunHooks } from '../open.ts';
import { reasonOf } from '../reason.ts';
import { resumeRun } from '../resume.ts';
import { Run, type RunOptions } from '../run.ts';
import type { Surroundings } from '../surroundings.ts';
import type { WatchMemory } from './memory.ts';

/** Shows and starts a run from its opening to its end. @returns the exit code */
export type Roll = (open: (hooks: RunHooks & Surroundings) => Promise<Run>) => Promise<number>;

export interface AttemptInput {
  readonly playbook: string;
  readonly options: RunOptions & Surroundings;
  /** The folder of the journals. */
  readonly journals: string;
  readonly memory: WatchMemory;
  readonly roll: Roll;
  readonly emit: (event: WatchEventBody) => void;
}

/** How the run of a change ended. */
export interface AttemptEnd {
  readonly run: string | undefined;
  readonly exitCode: number;
  readonly verdict: WatchVerdict;
  readonly changes: readonly WatchChange[];
  readonly message?: string;
}

/** Rolls out changes in one run, with exactly the digests that were seen. */
export function rollOut(
  changes: readonly WatchChange[],
  pins: ReadonlyMap<string, string>,
  input: AttemptInput,
): Promise<AttemptEnd> {
  const { playbook, options } = input;
  const pinned = new Map([...pins].flatMap(([tag, digest]) => pinnedTo(tag, digest)));
  return carryOut(changes, input, (hooks) =>
    Run.open(playbook, { ...options, ...hooks }, { command: 'run', pace: 'careful', images: { ...ownImages, pinned } }),
  );
}

/**
 * What became of a run whose end this watch has not seen, for it was killed or interrupted: it is gone on with where it
 * had begun, and not begun a second time. Undefined where there is none.
 */
export async function finishAttempt(input: AttemptInput): Promise<AttemptEnd | undefined> {
  const { memory, journals, emit, options } = input;
  const { attempt } = memory;
  if (attempt === undefined) return undefined;
  const { run, changes } = attempt;
  const stored = await findRun(journals, run);
  const finished = stored?.events.findLast((event) => event.type === 'run_finished');
  const hasPlan = stored?.events.some(({ type }) => type === 'plan_ready') === true;
  if (stored === undefined || (finished === undefined && !hasPlan)) {
    // Killed before it touched anything: the next look sees the change again.
    memory.end();
    return undefined;
  }
  if (finished !== undefined) {
    const verdict = judgeWatchedRun(finished.exitCode, changes, stored.events);
    if (verdict.kind !== 'interrupted' && verdict.kind !== 'closed')
      return { run, exitCode: finished.exitCode, verdict, changes };
    if (!stored.events.some(({ type }) => type === 'node_started')) {
      memory.end();
      return undefined;
    }
  }
  emit({ type: 'watch_resumed', run });
  return carryOut(changes, input, (hooks) => resumeRun(run, { ...options, ...hooks }));
}

async function carryOut(
  changes: readonly WatchChange[],
  { memory, roll }: AttemptInput,
  open: (hooks: RunHooks & Surroundings) => Promise<Run>,
): Promise<AttemptEnd> {
  const events: Event[] = [];
  let run: string | undefined;
  const end = (exitCode: number): AttemptEnd => ({
    run,
    exitCode,
    verdict: judgeWatchedRun(exitCode, changes, events),
    changes,
  });
  try {
    const exitCode = await roll(async (hooks) => {
      const listening: RunHooks & Surroundings = {
        ...hooks,
        onEvent: (event) => {
          if (isTelling(event)) events.push(event);
          hooks.onEvent?.(event);
        },
      };
      const opened = await open(listening);
      run = opened.id;
      memory.begin({ run, changes });
      return opened;
    });
    return end(exitCode);
  } catch (error) {
    const exitCode = exitCodeOf(error);
    if (exitCode === exitCodes.bug) throw error;
    const { message, details } = reasonOf(error);
    return { ...end(exitCode), message: [message, ...details].join('\n') };
  }
}

/** What the verdict goes by. */
function isTelling(event: Event): boolean {
  return speaksOfImages(event) || event.type === 'run_paused';
}

function pinnedTo(tag: string, digest: string): readonly (readonly [string, ImageRef])[] {
  const image = parseImageRef(tag);
  return image === undefined ? [] : [[tag, { ...image, digest }]];
}

async function findRun(journals: string, run: string): Promise<StoredRun | undefined> {
  try {
    return await readRun(journals, run);
  } catch (error) {
    if (error instanceof RunNotFoundError) return undefined;
    throw error;
  }
}
