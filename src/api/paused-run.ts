import { resolve } from 'node:path';
import type { Event } from '../events/event.ts';
import { journalDir } from '../store/journal.ts';
import { listRuns, readRun } from '../store/runs.ts';
import { systemSurroundings, type Surroundings } from './surroundings.ts';

/** The newest of them are looked at. */
const mostRuns = 50;

/**
 * The last run of a playbook, where the end of its window has paused it: what `resumeRun` goes on with.
 * @returns its id; undefined where the last run came to its own end, or somebody has paused it
 */
export async function runPausedByWindow(
  playbook: string,
  options: Partial<Pick<Surroundings, 'env' | 'cwd'>> = {},
): Promise<string | undefined> {
  const { env, cwd } = { ...systemSurroundings(), ...options };
  const dir = journalDir(env, cwd);
  const file = resolve(cwd, playbook);
  for (const { id, started, finished } of await listRuns(dir, mostRuns)) {
    if (started === undefined || resolve(started.cwd ?? cwd, started.playbook) !== file) continue;
    // One that has not begun has neither changed anything nor taken anything up.
    if (finished?.outcome === 'paused' && finished.error !== undefined) continue;
    if (finished?.outcome !== 'paused' || started.command === 'rollback') return undefined;
    const paused = (await readRun(dir, id)).events.find(isPause);
    return paused?.by === 'window' ? id : undefined;
  }
  return undefined;
}

function isPause(event: Event): event is Event & { readonly type: 'run_paused' } {
  return event.type === 'run_paused';
}
