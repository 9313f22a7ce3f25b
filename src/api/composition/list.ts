import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { unlockedOf } from '../../composition/diff.ts';
import { readComposition, type Composition } from '../../config/composition.ts';
import { explainReadError, isFolder, resolvePath } from '../../config/files.ts';
import { Problems } from '../../config/text/problems.ts';
import { RunRefused } from '../../engine/context.ts';
import { exitCodes } from '../../events/exit-code.ts';
import { formatProblem } from '../../model/problem.ts';
import { journalDir } from '../../store/journal.ts';
import { listRuns, type RunEnds } from '../../store/runs.ts';
import type { Surroundings } from '../surroundings.ts';

export interface ListedComposition {
  readonly composition: Composition;
  readonly isLocked: boolean;
  /** Newest first; as far as this working folder's journals go. */
  readonly runs: readonly RunEnds[];
}

/** Every composition of a folder, newest first, and what is wrong with files that are none. @throws RunRefused */
export async function listCompositions(
  folder: string,
  { env, cwd }: Pick<Surroundings, 'env' | 'cwd'>,
): Promise<{ readonly compositions: readonly ListedComposition[]; readonly notes: readonly string[] }> {
  const path = resolvePath(cwd, folder, env);
  const problems = new Problems();
  const runs = await listRuns(journalDir(env, cwd), mostRuns);
  const compositions = namesIn(path, folder).flatMap((name): ListedComposition[] => {
    const composition = readComposition(join(path, name), cwd, problems);
    if (composition === undefined) return [];
    const isLocked = unlockedOf(composition.components).length === 0;
    return [{ composition, isLocked, runs: runsOf(composition.name, runs) }];
  });
  const notes = problems.errors().map(formatProblem);
  return { compositions: compositions.toSorted((a, b) => compare(keyOf(b), keyOf(a))), notes };
}

/** The runs that a composition was deployed by, newest first. */
export function runsOf(name: string, runs: readonly RunEnds[]): readonly RunEnds[] {
  return runs.filter(({ started }) => started?.composition === name);
}

/** The ends of so many journals are read. */
export const mostRuns = 1000;

function namesIn(path: string, folder: string): readonly string[] {
  if (!isFolder(path))
    throw new RunRefused(exitCodes.usage, `there is no folder ${folder}`, [
      'rollout composition new makes one; another is named behind list: rollout composition list FOLDER',
    ]);
  try {
    return readdirSync(path)
      .filter((name) => /^[^.].*\.(?:ya?ml|json)$/.test(name))
      .sort();
  } catch (error) {
    throw new RunRefused(exitCodes.usage, `the folder ${folder} cannot be read: ${explainReadError(error)}`);
  }
}

const keyOf = ({ composition: { created, name } }: ListedComposition): string => `${created ?? ''} ${name}`;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
