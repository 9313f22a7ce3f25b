import { chmodSync, closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync, type Stats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/** Somebody else's, or no plain file: what stands in it is not what this program has written. */
export class ForeignFileError extends Error {
  constructor(path: string, why: string) {
    super(`${path} ${why}`);
    this.name = 'ForeignFileError';
  }
}

/** Whether a file is this user's. Where there are no users, every one is. */
export function isOwn({ uid }: Pick<Stats, 'uid'>): boolean {
  return process.geteuid === undefined || uid === process.geteuid();
}

// A link leads where somebody else wants, and the open of a pipe waits for its other end.
const safely = constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** @throws ForeignFileError for what is somebody else's, a link, a pipe or a device; node's own error otherwise */
export async function openOwn(path: string): Promise<FileHandle> {
  const handle = await open(path, constants.O_RDONLY | safely).catch((error: unknown) => {
    throw asForeign(path, error);
  });
  try {
    assertOwnFile(path, await handle.stat());
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** As {@link openOwn}, for writing: a file is made for its owner alone. `flags` beside those of safety. */
export function openOwnToWrite(path: string, flags: number): number {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_WRONLY | constants.O_CREAT | flags | safely, 0o600);
  } catch (error) {
    throw asForeign(path, error);
  }
  try {
    assertOwnFile(path, fstatSync(descriptor));
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/**
 * Makes a folder that nobody else can change: who can write in it decides which run is the last one, and where a name
 * leads. @throws ForeignFileError where it is another user's, or is no folder
 */
export function makeOwnFolder(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const found = lstatSync(dir);
  if (!found.isDirectory()) throw new ForeignFileError(dir, 'is no folder');
  if (!isOwn(found)) throw new ForeignFileError(dir, `belongs to another user (uid ${found.uid})`);
  if ((found.mode & 0o022) !== 0) chmodSync(dir, found.mode & 0o7755);
}

function assertOwnFile(path: string, found: Stats): void {
  if (!found.isFile()) throw new ForeignFileError(path, 'is no plain file');
  if (!isOwn(found)) throw new ForeignFileError(path, `belongs to another user (uid ${found.uid})`);
}

function asForeign(path: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ELOOP') return new ForeignFileError(path, 'is a link');
  return code === 'ENXIO' ? new ForeignFileError(path, 'is no plain file') : error;
}
