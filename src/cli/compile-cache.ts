import { lstatSync, mkdirSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * Lets Node keep what it compiles of the modules loaded from now on, where it can (22.8 and newer). Below
 * `$XDG_CACHE_HOME`, else `~/.cache`: what lies there is run, so it must be a folder that nobody else can write to,
 * and neither Node's own choice, below /tmp, nor the folder of the installation is that. Without such a folder modules
 * are loaded as ever.
 */
export function useCompileCache(env: Readonly<Record<string, string | undefined>>): void {
  const { enableCompileCache } = nodeModule as { readonly enableCompileCache?: (folder: string) => unknown };
  if (enableCompileCache === undefined) return;
  try {
    const folder = join(cacheHome(env), 'rollout', 'compiled');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (isOwn(folder)) enableCompileCache(folder);
  } catch {
    // No home, a read-only one, a full disk: it would only have been faster.
  }
}

function cacheHome({ XDG_CACHE_HOME: written }: Readonly<Record<string, string | undefined>>): string {
  return written !== undefined && isAbsolute(written) ? written : join(homedir(), '.cache');
}

/** Ours, and writable for us alone; with `sudo` a home may still be that of another user. */
function isOwn(folder: string): boolean {
  const { uid, mode } = lstatSync(folder);
  return uid === process.getuid?.() && (mode & 0o022) === 0;
}
