import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Controller, ControllerFile, ControllerPlace } from '../model/task.ts';
import { exists, explainReadError, resolvePath } from './files.ts';

/** Files of the controller that go to hosts, or come from them, by names relative to a folder. */
export function controllerOf(base: string, env: NodeJS.ProcessEnv): Controller {
  return {
    file: (path, folder) => readControllerFile(base, path, folder, env),
    place: (path) => placeAt(resolvePath(base, path, env)),
  };
}

/** Relative to the playbook's folder, or below `files/` or `templates/` in it, as in Ansible. */
function readControllerFile(
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
      content: contentOf(full),
      mode: (statSync(full).mode & 0o7777).toString(8).padStart(3, '0'),
    };
  } catch (error) {
    throw new Error(`${path} cannot be read: ${whyNot(error)} (looked in ${places.join(', ')})`, { cause: error });
  }
}

/** What was read last, for as long as somebody uses it: a fleet that gets one file shares its bytes. */
const read = new Map<string, { readonly version: string; readonly content: WeakRef<Uint8Array> }>();

function contentOf(path: string): Uint8Array {
  const { mtimeMs, size, ino } = statSync(path);
  const version = `${mtimeMs} ${size} ${ino}`;
  const known = read.get(path);
  const kept = known?.version === version ? known.content.deref() : undefined;
  if (kept !== undefined) return kept;
  const content = readFileSync(path);
  read.set(path, { version, content: new WeakRef(content) });
  return content;
}

function placeAt(path: string): ControllerPlace {
  const found = statSync(path, { throwIfNoEntry: false });
  const type = found === undefined ? undefined : found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other';
  return { path, type, bytes: found?.size ?? 0, checksum: () => checksumOf(path) };
}

/** Piece by piece: what hosts have sent may be larger than memory. */
function checksumOf(path: string): string {
  const hash = createHash('sha1');
  const piece = Buffer.alloc(1 << 20);
  try {
    const file = openSync(path, 'r');
    try {
      for (let count = readSync(file, piece); count > 0; count = readSync(file, piece))
        hash.update(piece.subarray(0, count));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new Error(`${path} cannot be read: ${whyNot(error)}`, { cause: error });
  }
  return hash.digest('hex');
}

const whyNot = (error: unknown): string =>
  error instanceof Error && 'code' in error ? explainReadError(error) : (error as Error).message;
