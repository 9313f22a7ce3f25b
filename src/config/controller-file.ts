import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ControllerFile } from '../model/task.ts';
import { exists, explainReadError, resolvePath } from './files.ts';

/**
 * A file of the controller that goes to hosts: relative to the playbook's folder, or below `files/` or `templates/` in it,
 * as in Ansible. @throws Error that says why it cannot be read
 */
export function readControllerFile(
  base: string,
  path: string,
  folder: 'files' | 'templates' | undefined,
  env: NodeJS.ProcessEnv,
): ControllerFile {
  const places = [...(folder === undefined ? [] : [join(base, folder)]), base].map((from) =>
    resolvePath(from, path, env),
  );
  const full = places.find(exists) ?? places.at(-1) ?? path;
  try {
    if (statSync(full).isDirectory()) throw new Error('it is a folder; copy its files one by one, with loop');
    return {
      path: full,
      content: readFileSync(full),
      mode: (statSync(full).mode & 0o7777).toString(8).padStart(3, '0'),
    };
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? explainReadError(error) : (error as Error).message;
    throw new Error(`${path} cannot be read: ${why} (looked in ${places.join(', ')})`, { cause: error });
  }
}
