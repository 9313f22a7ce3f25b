import { chmodSync, closeSync, constants, openSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { makeOwnFolder } from '../own-file.ts';

/** The folder of the sockets of runs under way, beside that of their journals. */
export function controlDir(journals: string): string {
  return join(dirname(journals), 'control');
}

export function socketName(run: string): string {
  return `${run}.sock`;
}

/** What the shortest of the systems' `sun_path` holds, without its end: 108 bytes on Linux, 104 elsewhere. */
const mostPathBytes = 103;

/** A name of a socket that the system takes; `close` when it is no longer used by that name. */
export interface SocketPath {
  readonly path: string;
  readonly close: () => void;
}

/**
 * The shortest way to a file in a folder: whole, from the working folder, or on Linux through an open folder.
 * @throws Error where every way is too long for a socket
 */
export function socketPath(dir: string, name: string, cwd = process.cwd()): SocketPath {
  const whole = join(dir, name);
  for (const path of [whole, relative(cwd, whole)])
    if (Buffer.byteLength(path) <= mostPathBytes) return { path, close: () => undefined };
  if (process.platform !== 'linux')
    throw new Error(
      `the path ${whole} is too long for a socket, of which ${mostPathBytes} bytes are the most; ROLLOUT_STATE_DIR names a shorter one`,
    );
  const folder = openSync(dir, constants.O_RDONLY | constants.O_DIRECTORY);
  return { path: `/proc/self/fd/${folder}/${name}`, close: () => closeSync(folder) };
}

/** Makes the folder its owner's alone. @throws Error where it belongs to somebody else, or is none */
export function makePrivate(dir: string): void {
  makeOwnFolder(dir);
  chmodSync(dir, 0o700);
}
