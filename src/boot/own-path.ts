import type { Stats } from 'node:fs';

/** Ours, and writable for us alone; with `sudo` a home may still be that of another user. */
export function isOwn({ uid, mode }: Pick<Stats, 'uid' | 'mode'>): boolean {
  return uid === process.getuid?.() && (mode & 0o022) === 0;
}
