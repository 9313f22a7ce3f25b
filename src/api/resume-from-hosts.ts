import { ownImages } from '../engine/images.ts';
import { RunRefused } from '../engine/context.ts';
import type { Resumed } from '../events/event.ts';
import { exitCodes } from '../events/exit-code.ts';
import { selectionHash } from '../store/hosts/keep.ts';
import type { AgreedRun } from '../store/hosts/agreed.ts';
import { imagesByName } from './earlier-runs.ts';
import { givenNames } from './extra-vars-record.ts';
import { runOfHosts } from './remembered-run.ts';
import { parseImages } from './resume.ts';
import type { Continuation } from './continuation.ts';
import { Run, type RunOptions } from './run.ts';

/**
 * Opens a paused, interrupted or killed run again where its journal is gone: what it was is what the hosts of the playbook
 * remember. The playbook and all that limits it are the caller's: no host has a say in them.
 * @throws RunRefused, RunNotFoundError, ConfigError
 */
export async function resumeFromHosts(id: string, playbook: string, options: RunOptions = {}): Promise<Run> {
  const agreed = await runOfHosts(playbook, id, options);
  const { run, notice } = agreed;
  refuseEnded(agreed);
  refuseOthers(agreed, options);
  if (run.rollbackTo === 'parked') {
    const undo = run.undoes === undefined ? {} : { undo: { run: run.undoes, mayBeDone: true } };
    const back: Continuation = { command: 'rollback', rollbackTo: 'parked', pace: 'direct', images: ownImages, notice };
    return Run.open(playbook, options, { ...back, ...undo });
  }
  const resumed = resumedOf(agreed);
  const opened = await Run.open(playbook, options, {
    command: 'resume',
    pace: resumed.isRollback === true ? 'direct' : 'careful',
    images: {
      pinned: parseImages(run.images),
      replaced: run.rollbackTo === 'run' ? imagesByName(run.run, run.images) : new Map(),
    },
    notice,
    resumed,
  });
  if (opened.composition === run.composition) return opened;
  await opened.close();
  const had = run.composition === undefined ? 'no composition' : `the composition ${run.composition}`;
  throw new RunRefused(exitCodes.usage, `run ${run.run} had ${had}, and this is ${opened.composition ?? 'none'}`, [
    'give its file with -c, or run the playbook again for another release',
  ]);
}

/** A node is finished where its own host says so; a wave has held where all that know the run say so. */
function resumedOf({ run, byHost }: AgreedRun): Resumed {
  const told = [...byHost];
  const plays = [...new Set(told.flatMap(([, { plays: all }]) => Object.keys(all)))];
  const finished = plays.map((play) => {
    const done = told.filter(([, { plays: all }]) => ['updated', 'unchanged'].includes(all[play]?.result ?? ''));
    return [play, done.map(([host]) => host)] as const;
  });
  const baked = plays.map((play) => {
    const [first = [], ...others] = told.flatMap(([, { plays: all }]) =>
      all[play] === undefined ? [] : [all[play].held],
    );
    return [play, first.filter((wave) => others.every((held) => held.includes(wave)))] as const;
  });
  return {
    run: run.run,
    first: run.first ?? run.run,
    finished: Object.fromEntries(finished),
    judged: baked.flatMap(([play, waves]) => (waves.includes('canary') ? [play] : [])),
    baked: Object.fromEntries(baked),
    ...(run.isRollback === true ? { isRollback: true } : {}),
    images: run.images,
  };
}

function refuseEnded({ run, byHost }: AgreedRun): void {
  for (const [host, { outcome }] of byHost) {
    if (outcome === undefined || outcome === 'paused' || outcome === 'interrupted') continue;
    throw new RunRefused(
      exitCodes.usage,
      `run ${run.run} has ended (${outcome}), as ${host} remembers: there is nothing to resume; run the playbook again`,
    );
  }
}

function refuseOthers({ run }: AgreedRun, { limit, tags = [], skipTags = [], extraVars = [] }: RunOptions): void {
  if (selectionHash({ limit, tags, skipTags }) !== run.selection)
    throw new RunRefused(exitCodes.usage, `run ${run.run} was limited otherwise: give the same -l, -t and --skip-tags`);
  const given = givenNames(extraVars).join(' ');
  const had = (run.extraVars ?? []).join(' ');
  if (given === had) return;
  throw new RunRefused(
    exitCodes.usage,
    `run ${run.run} had ${had === '' ? 'no extra variables: leave out -e' : `the extra variables ${had}: give the same with -e`}`,
  );
}
