import { RunRefused } from '../engine/context.ts';
import type { Event, EventBody } from '../events/event.ts';
import { journalDir, readRun } from '../events/journal.ts';
import { parseImageRef, type ImageRef } from '../model/image.ts';
import { resumedExtraVars } from './extra-vars-record.ts';
import type { ConnectionOptions, OutputOptions, PlaybookOptions } from './options.ts';
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
  const extraVars = resumedExtraVars(run, started.extraVars, options.extraVars);
  const judged = new Set(
    events.flatMap((event) => (event.type === 'bake_finished' && event.verdict !== 'failed' ? [event.play] : [])),
  );
  return carryOut(
    started.playbook,
    {
      // Written by rollout itself, from these very options, into a file that only its user may write.
      ...(started.options as unknown as PlaybookOptions),
      ...options,
      extraVars,
      check: false,
      diff: false,
      confirm: false,
    },
    { ...world, cwd: started.cwd ?? world.cwd },
    { command: 'resume', skipsCanary: (play) => judged.has(play), pinned: pinnedBy(find(events, 'plan_ready')) },
  );
}

function refuseEnded(run: string, finished: EventOf<'run_finished'> | undefined): void {
  // Without an end it was killed.
  if (finished === undefined || finished.outcome === 'paused' || finished.outcome === 'interrupted') return;
  throw new RunRefused(
    2,
    `run ${run} has ended (${finished.outcome}): there is nothing to resume; run the playbook again`,
  );
}

function pinnedBy(plan: EventOf<'plan_ready'> | undefined): ReadonlyMap<string, ImageRef> {
  const images = Object.entries(plan?.images ?? {}).map(
    ([written, pinned]) => [written, parseImageRef(pinned)] as const,
  );
  return new Map(images.flatMap(([written, image]) => (image === undefined ? [] : [[written, image] as const])));
}

function find<Type extends EventBody['type']>(events: readonly Event[], type: Type): EventOf<Type> | undefined {
  return events.find((event): event is EventOf<Type> => event.type === type);
}
