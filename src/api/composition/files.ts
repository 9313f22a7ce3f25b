import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readComposition, type Composition } from '../../config/composition.ts';
import { displayPath, exists, resolvePath } from '../../config/files.ts';
import { Problems } from '../../config/text/problems.ts';
import { RunRefused } from '../../engine/context.ts';
import { exitCodes } from '../../events/exit-code.ts';
import { formatImageRef, type ImageRef } from '../../model/image.ts';
import type { Surroundings } from '../surroundings.ts';

/** A composition's file, as it was found. */
export interface CompositionFile {
  readonly path: string;
  readonly text: string;
  readonly composition: Composition;
}

type Where = Pick<Surroundings, 'cwd' | 'env'>;

/** Where compositions are looked for and written, below the working folder. */
export const compositionFolder = 'compositions';

/** @throws ConfigError with every problem of the file */
export function readFile(written: string, { cwd, env }: Where): CompositionFile {
  const path = resolvePath(cwd, written, env);
  const problems = new Problems();
  const composition = readComposition(path, cwd, problems);
  problems.throwIfAny();
  if (composition === undefined) throw new RunRefused(exitCodes.usage, `${written} is not a composition`);
  return { path, composition, text: readFileSync(path, 'utf8') };
}

/**
 * Writes a composition, whole or not at all, and only if it reads as what was meant: a merge or an alias in a file may
 * say otherwise. @throws RunRefused
 */
export function saveFile(
  path: string,
  text: string,
  expected: ReadonlyMap<string, ImageRef>,
  { cwd, mayReplace }: { readonly cwd: string; readonly mayReplace: boolean },
): CompositionFile {
  const shown = displayPath(path, cwd);
  if (exists(path) && !mayReplace)
    throw new RunRefused(exitCodes.usage, `${shown} is there already; give another name, or --force to replace it`);
  const target = exists(path) ? realpathSync(path) : path;
  const fresh = join(dirname(target), `.${randomBytes(6).toString('hex')}.yaml`);
  try {
    mkdirSync(dirname(target), { recursive: true });
    const mode = exists(target) ? statSync(target).mode & 0o777 : 0o644;
    writeFileSync(fresh, text, { mode, flag: 'wx' });
    const problems = new Problems();
    const composition = readComposition(fresh, cwd, problems);
    if (composition === undefined || problems.count > 0 || !isAlike(composition.components, expected))
      throw new RunRefused(
        exitCodes.usage,
        `${shown} cannot be written by this command: it would not say what is meant; write its components out, without <<`,
      );
    renameSync(fresh, target);
    return { path, text, composition: { ...composition, file: shown } };
  } catch (error) {
    if (error instanceof RunRefused) throw error;
    throw new RunRefused(exitCodes.usage, `${shown} cannot be written: ${(error as Error).message}`);
  } finally {
    rmSync(fresh, { force: true });
  }
}

function isAlike(one: ReadonlyMap<string, ImageRef>, other: ReadonlyMap<string, ImageRef>): boolean {
  const text = (components: ReadonlyMap<string, ImageRef>): string =>
    JSON.stringify([...components].map(([name, image]) => [name, formatImageRef(image)]).sort());
  return text(one) === text(other);
}
