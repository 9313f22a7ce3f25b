import { closeSync, constants, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeOwnFolder, openOwnToWrite } from './own-file.ts';

/** Of one container: more than anybody reads, and little enough for a folder of many runs. */
const mostBytes = 5 * 2 ** 20;

/**
 * Keeps a container's log beside the journal, for its owner only: `dir/RUN/NAME.log`, the newest 5 MiB of it.
 * @returns the file; undefined where it cannot be written, which ends no run
 */
export function keepLog(dir: string, run: string, name: string, lines: readonly string[]): string | undefined {
  const folder = join(dir, run);
  // A host's name comes from an inventory, and is no path.
  const file = join(folder, `${name.replace(/[^\w.-]/g, '_').replace(/^\.+/, '_')}.log`);
  const text = Buffer.from(`${lines.join('\n')}\n`);
  try {
    makeOwnFolder(folder);
    const descriptor = openOwnToWrite(file, constants.O_TRUNC);
    try {
      writeFileSync(descriptor, text.length > mostBytes ? text.subarray(-mostBytes) : text);
    } finally {
      closeSync(descriptor);
    }
    return file;
  } catch {
    return undefined;
  }
}
