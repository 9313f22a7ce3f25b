import { RunRefused } from '../engine/context.ts';
import type { Event, EventBody, Resumed } from '../events/event.ts';
import { foldEvents } from '../events/fold.ts';
import { journalDir, readRun } from '../store/journal.ts';
import { parseImageRef, type ImageRef } from '../model/image.ts';
import { resumedExtraVars } from '../api/extra-vars-record.ts';
import type { ConnectionOptions, OutputOptions, PlaybookOptions } from './options.ts';
import { rollBackToParked } from './rollback-command.ts';
import { carryOut } from './run-command.ts';
import type { World } from './world.ts';

export interface ResumeOptions extends ConnectionOptions, OutputOptions {
  /** The run's own, given again. */
  readonly extraVars: readonly string[];
  /** Milliseconds; 0: fail at once. */
  readonly lockTimeout: number;
}

type EventOf<Type extends EventBody['type']> = Extract<Event, { type: Type }>;

/** `rollout resume`: the same playbook and digests; what is finished is skipped, and a judged canary is promoted. */
export async function resumeCommand(id: string, options: ResumeOptions, world: World): Promise<number> {
  const { id: run, events } = await readRun(journalDir(world.env, world.cwd), id);
  const started = find(events, 'run_started');
  if (started?.options === undefined)
    throw new RunRefused(2, `the journal of run ${run} does not say what it was to do`);
  refuseEnded(run, find(events, 'run_finished'));
  const again = {
    // Written by rollout itself, from these very options, into a file that only its user may write.
    ...(started.options as unknown as PlaybookOptions),
    ...options,
    extraVars: resumedExtraVars(run, started.extraVars, options.extraVars),
  };
  const there = { ...world, cwd: started.cwd ?? world.cwd };
  if (started.rollbackTo === 'parked') return rollBackToParked(started.playbook, again, there);
  const resumed = goingOnFrom(run, events, started);
  return carryOut(started.playbook, { ...again, check: false, diff: false, confirm: false }, there, {
    command: 'resume',
    skipsCanary: (play) => resumed.judged.includes(play),
    pinned: parseImages(resumed.images),
    resumed,
  });
}

/** What this run and those that it went on with had done. */
function goingOnFrom(run: string, events: readonly Event[], started: EventOf<'run_started'>): Resumed {
  const { plays } = foldEvents(events);
  const earlier = started.resumed;
  const undone = new Set(events.flatMap((event) => (event.type === 'node_failed' ? [event.host] : [])));
  const finished = plays.map(({ play, done }) => {
    const before = (earlier?.finished[play] ?? []).filter((host) => !undone.has(host));
    return [play, [...new Set([...before, ...done])]] as const;
  });
  const judged = events.flatMap((event) =>
    event.type === 'bake_finished' && event.verdict !== 'failed' ? [event.play] : [],
  );
  // A rollback has no canary, and neither has what is left of it.
  const promoted = started.command === 'rollback' ? plays.map(({ play }) => play) : judged;
  return {
    run,
    finished: Object.fromEntries(finished),
    judged: [...new Set([...(earlier?.judged ?? []), ...promoted])],
    // Without a plan it had not come far enough to resolve any tag.
    images: find(events, 'plan_ready')?.images ?? earlier?.images ?? {},
  };
}

function refuseEnded(run: string, finished: EventOf<'run_finished'> | undefined): void {
  // Without an end it was killed.
  if (finished === undefined || finished.outcome === 'paused' || finished.outcome === 'interrupted') return;
  throw new RunRefused(
    2,
    `run ${run} has ended (${finished.outcome}): there is nothing to resume; run the playbook again`,
  );
}

function parseImages(images: Readonly<Record<string, string>>): ReadonlyMap<string, ImageRef> {
  const parsed = Object.entries(images).map(([written, pinned]) => [written, parseImageRef(pinned)] as const);
  return new Map(parsed.flatMap(([written, image]) => (image === undefined ? [] : [[written, image] as const])));
}

function find<Type extends EventBody['type']>(events: readonly Event[], type: Type): EventOf<Type> | undefined {
  return events.find((event): event is EventOf<Type> => event.type === type);
}
