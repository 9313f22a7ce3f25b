import { createHash } from 'node:crypto';
import { closeSync, constants, fsyncSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeOwnFolder, openOwn, openOwnToWrite } from './own-file.ts';

/** What a watch knows of a tag. */
export interface KnownTag {
  /** The digest that was seen last, and when it was seen first. Epoch milliseconds. */
  readonly digest: string;
  readonly sinceMs: number;
  /** It needs nothing any more: every host runs it, or it was sent back. */
  readonly isSettled: boolean;
}

/** A run that a watch has begun, written before the run begins: what a killed watch goes on with. */
export interface WatchAttempt {
  readonly run: string;
  readonly changes: readonly { readonly tag: string; readonly from: readonly string[]; readonly to: string }[];
}

/** What one watch of one playbook has come to know. It can be lost: then the hosts tell what they run. */
export interface WatchState {
  readonly tags: Readonly<Record<string, KnownTag>>;
  /** Digests that were sent back, with the run that did. */
  readonly bad: Readonly<Record<string, { readonly run: string; readonly atMs: number }>>;
  readonly attempt?: WatchAttempt;
}

export const nothingKnown: WatchState = { tags: {}, bad: {} };

/** The file of a watch beside the folder of the journals; `what` is all that decides what its runs do. */
export function watchStateFile(journals: string, what: unknown): string {
  const name = createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 24);
  return join(dirname(journals), 'watch', `${name}.json`);
}

/** Nothing is known where there is no such file, or none that this program has written whole. @throws ForeignFileError */
export async function readWatchState(file: string): Promise<WatchState> {
  let text: string;
  try {
    const handle = await openOwn(file);
    text = await handle.readFile('utf8').finally(() => handle.close());
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return nothingKnown;
    throw error;
  }
  try {
    const { v, state } = JSON.parse(text) as { readonly v?: unknown; readonly state?: WatchState };
    return v === 1 && state !== undefined ? state : nothingKnown;
  } catch {
    return nothingKnown;
  }
}

/** Another process, and the next one after a power failure, sees the old state or the new one, never a part. */
export function writeWatchState(file: string, state: WatchState): void {
  makeOwnFolder(dirname(file));
  const written = `${file}.${process.pid}`;
  const bytes = Buffer.from(`${JSON.stringify({ v: 1, state })}\n`);
  try {
    const descriptor = openOwnToWrite(written, constants.O_TRUNC);
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(written, file);
  } catch (error) {
    rmSync(written, { force: true });
    throw error;
  }
}
