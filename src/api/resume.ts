import { ownImages } from '../engine/images.ts';
import { RunRefused } from '../engine/context.ts';
import type { Event, EventBody, Resumed } from '../events/event.ts';
import { exitCodes } from '../events/exit-code.ts';
import { foldEvents } from '../events/fold.ts';
import { isImageId, parseImageRef, type ImageRef } from '../model/image.ts';
import { gateName } from '../plan/waves.ts';
import { journalDir } from '../store/journal.ts';
import { readRun, RunNotFoundError } from '../store/runs.ts';
import { imagesOfRun } from './earlier-runs.ts';
import { resumedExtraVars } from './extra-vars-record.ts';
import type { PlaybookOptions } from './options.ts';
import { Run, type RunOptions } from './run.ts';
import { systemSurroundings } from './surroundings.ts';

type EventOf<Type extends EventBody['type']> = Extract<Event, { type: Type }>;

/** What can be said again when a run goes on; everything else is as it was. */
export type ResumeOptions = Omit<RunOptions, Exclude<keyof PlaybookOptions, 'extraVars'>>;

/**
 * Opens a paused, interrupted or killed run again: the same playbook and digests; what is finished is skipped, and a
 * judged canary is promoted.
 * @param id the run's, or its beginning
 * @param options `extraVars`: the run's own, given again
 * @throws RunRefused where there is nothing to go on with, RunNotFoundError, ConfigError
 */
export async function resumeRun(id: string, options: ResumeOptions = {}): Promise<Run> {
  const { env = systemSurroundings().env, cwd = systemSurroundings().cwd } = options;
  const { id: run, events } = await readRun(journalDir(env, cwd), id).catch((error: unknown) => {
    if (!(error instanceof RunNotFoundError)) throw error;
    throw new RunNotFoundError(`${error.message} With --from-hosts PLAYBOOK its hosts are asked.`);
  });
  const started = find(events, 'run_started');
  if (started?.options === undefined)
    throw new RunRefused(exitCodes.usage, `the journal of run ${run} does not say what it was to do`);
  refuseEnded(run, find(events, 'run_finished'));
  const again: RunOptions = {
    // Written by rollout itself, from these very options, into a file that only its user may write.
    ...(started.options as Partial<PlaybookOptions>),
    ...options,
    cwd: started.cwd ?? cwd,
    extraVars: await resumedExtraVars(run, started.extraVars, options.extraVars ?? []),
  };
  // Once more it does what is left of it: nodes that are back have nothing of that run any more.
  if (started.rollbackTo === 'parked') {
    const undone = find(events, 'plan_ready')?.undoes;
    return Run.open(started.playbook, again, {
      command: 'rollback',
      rollbackTo: 'parked',
      pace: 'direct',
      images: ownImages,
      ...(undone === undefined ? {} : { undo: { run: undone, mayBeDone: true } }),
    });
  }
  const resumed = goingOnFrom(run, events, started);
  return Run.open(started.playbook, again, {
    command: 'resume',
    pace: resumed.isRollback === true ? 'direct' : 'careful',
    images: {
      pinned: parseImages(resumed.images),
      replaced:
        resumed.toRun === undefined ? new Map() : (await imagesOfRun(journalDir(env, cwd), resumed.toRun)).images,
    },
    resumed,
  });
}

/** What this run and those that it went on with had done. */
function goingOnFrom(run: string, events: readonly Event[], started: EventOf<'run_started'>): Resumed {
  const { plays } = foldEvents(events);
  const earlier = started.resumed;
  const toRun = started.toRun ?? earlier?.toRun;
  const undone = new Set(events.flatMap((event) => (event.type === 'node_failed' ? [event.host] : [])));
  const finished = plays.map(({ play, done }) => {
    const before = (earlier?.finished[play] ?? []).filter((host) => !undone.has(host));
    return [play, [...new Set([...before, ...done])]] as const;
  });
  const baked = plays.map(({ play }) => [play, wavesHeld(play, events, earlier)] as const);
  return {
    run,
    first: earlier?.first ?? earlier?.run ?? run,
    finished: Object.fromEntries(finished),
    judged: baked.flatMap(([play, waves]) => (waves.includes('canary') ? [play] : [])),
    baked: Object.fromEntries(baked),
    ...(toRun === undefined ? {} : { toRun }),
    // A rollback has no canary, and neither has what is left of it.
    ...(started.command === 'rollback' || earlier?.isRollback === true ? { isRollback: true } : {}),
    // Without a plan it had not come far enough to resolve any tag.
    images: find(events, 'plan_ready')?.images ?? earlier?.images ?? {},
  };
}

/** Names of a play's waves that have held by now. */
function wavesHeld(play: string, events: readonly Event[], earlier: Resumed | undefined): readonly string[] {
  const now = events.flatMap((event) =>
    event.type === 'bake_finished' && event.play === play && event.verdict !== 'failed' ? [event.wave ?? 'canary'] : [],
  );
  const isThrough = events.some((event) => event.type === 'gate_finished' && event.play === play && event.ok);
  const before = earlier?.baked?.[play] ?? (earlier?.judged.includes(play) === true ? ['canary'] : []);
  return [...new Set([...before, ...now, ...(isThrough ? [gateName] : [])])];
}

function refuseEnded(run: string, finished: EventOf<'run_finished'> | undefined): void {
  // Without an end it was killed.
  if (finished === undefined || finished.outcome === 'paused' || finished.outcome === 'interrupted') return;
  throw new RunRefused(
    exitCodes.usage,
    `run ${run} has ended (${finished.outcome}): there is nothing to resume; run the playbook again`,
  );
}

/** What tags stood for, as a journal or hosts have kept it. */
export function parseImages(images: Readonly<Record<string, string>>): ReadonlyMap<string, ImageRef> {
  const parsed = Object.entries(images).map(([written, pinned]) => [written, parseRecord(written, pinned)] as const);
  return new Map(parsed.flatMap(([written, image]) => (image === undefined ? [] : [[written, image] as const])));
}

/** What was sent goes by its id. */
function parseRecord(written: string, pinned: string): ImageRef | undefined {
  const image = parseImageRef(written);
  if (image === undefined || !isImageId(pinned)) return parseImageRef(pinned);
  return { ...image, imageId: pinned };
}

function find<Type extends EventBody['type']>(events: readonly Event[], type: Type): EventOf<Type> | undefined {
  return events.find((event): event is EventOf<Type> => event.type === type);
}
