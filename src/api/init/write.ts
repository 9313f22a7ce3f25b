import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { exists } from '../../config/files.ts';
import { validateFile, type Validation } from '../../config/validate.ts';
import { RunRefused } from '../../engine/context.ts';
import { exitCodes } from '../../events/exit-code.ts';
import type { Surroundings } from '../surroundings.ts';

/** A file to be written, relative to the working folder. */
export interface NewFile {
  readonly path: string;
  readonly text: string;
}

/** Writes files that are not there yet: all of them, or none. @throws RunRefused */
export function writeNewFiles(files: readonly NewFile[], cwd: string): void {
  const there = files.filter(({ path }) => exists(resolve(cwd, path)));
  if (there.length > 0) {
    const names = there.map(({ path }) => path);
    throw new RunRefused(exitCodes.usage, `nothing was written: ${names.join(' and ')} would be overwritten`, [
      'Give the files another name: --stage NAME',
    ]);
  }
  const written: string[] = [];
  try {
    for (const { path, text } of files) {
      const whole = resolve(cwd, path);
      mkdirSync(dirname(whole), { recursive: true });
      writeFileSync(whole, text, { flag: 'wx' });
      written.push(whole);
    }
  } catch (error) {
    for (const path of written) rmSync(path, { force: true });
    const why = error instanceof Error ? error.message : String(error);
    throw new RunRefused(exitCodes.usage, `nothing was written: ${why}`);
  }
}

/** What `rollout validate` says of a file. */
export function validate(
  path: string,
  { cwd, env }: Pick<Surroundings, 'cwd' | 'env'>,
  vault: {
    readonly vaultPasswordFile?: string | undefined;
    readonly askVaultPass?: (() => Promise<string>) | undefined;
  },
): Promise<Validation> {
  const nothing = { inventories: [], extraVars: [], tags: [], skipTags: [], become: false };
  return validateFile(path, { ...nothing, ...vault, cwd, env });
}
