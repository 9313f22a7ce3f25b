import { journalDir } from '../store/journal.ts';
import { digestsDeployed } from './deployed.ts';
import { RunNotFoundError } from '../store/runs.ts';
import { imagesByName, imagesOfRun, isRunId } from './earlier-runs.ts';
import { deploymentOfHosts, runOfHosts } from './remembered-run.ts';
import { given } from './options.ts';
import { fromTheStart, type Continuation } from './continuation.ts';
import { Run, type RunOptions } from './run.ts';
import { systemSurroundings } from './surroundings.ts';

/**
 * Opens a way back: to a composition's file, to the images of an earlier run by its id, or without `to` to what a run
 * (the last one) has replaced and parked on the hosts.
 */
export async function openRollback(
  playbook: string,
  options: RunOptions & { readonly to?: string; readonly run?: string } = {},
): Promise<Run> {
  const { to, run: undo, ...others } = options;
  const back: Continuation = { ...fromTheStart, command: 'rollback', pace: 'direct' };
  if (to === undefined) {
    const ofRun = undo === undefined ? {} : { undo: { run: undo, mayBeDone: false } };
    return Run.open(playbook, others, { ...back, rollbackTo: 'parked', ...ofRun });
  }
  const { env, cwd } = { ...systemSurroundings(), ...given(options) };
  if (!isRunId(to, cwd)) {
    const { pinned, ...notice } = await digestsDeployed(to, { env, cwd }, (composition) =>
      deploymentOfHosts(playbook, composition, { ...others, composition: to }),
    );
    const images = { ...back.images, pinned };
    return Run.open(
      playbook,
      { ...others, composition: to },
      { ...back, rollbackTo: 'composition', images, ...notice },
    );
  }
  const { run, images, ...notice } = await imagesOfRun(journalDir(env, cwd), to).catch(async (error: unknown) => {
    if (!(error instanceof RunNotFoundError)) throw error;
    const found = await runOfHosts(playbook, to, others);
    const had = imagesByName(found.run.run, found.run.images);
    return { run: found.run.run, images: had, notice: found.notice };
  });
  return Run.open(playbook, others, {
    ...back,
    rollbackTo: 'run',
    toRun: run,
    ...notice,
    images: { pinned: new Map(), replaced: images },
  });
}
