import { existsSync, lstatSync, mkdirSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { useCodeCache } from './code-cache.ts';
import { isOwn } from './own-path.ts';

/**
 * Lets what is compiled of the modules loaded from now on be kept: by Node where it can (22.8 and newer), else by us.
 * Below `$XDG_CACHE_HOME`, else `~/.cache`: what lies there is run, so it must be a folder that nobody else can write
 * to, and neither Node's own choice, below /tmp, nor the folder of the installation is that. Without such a folder
 * modules are loaded as ever.
 */
export function useCompileCache(env: Readonly<Record<string, string | undefined>>, args: readonly string[]): void {
  const { enableCompileCache } = nodeModule as { readonly enableCompileCache?: (folder: string) => unknown };
  // Node's own word for it, on every Node.
  if (env['NODE_DISABLE_COMPILE_CACHE'] !== undefined) return;
  try {
    const home = cacheHome(env);
    // An empty HOME would be whatever folder we are in, with what somebody else has put there.
    if (!isAbsolute(home)) return;
    const folder = join(home, 'rollout', 'compiled');
    for (const needed of [home, dirname(folder), folder]) createFolder(needed);
    if (!isOwn(lstatSync(folder))) return;
    if (enableCompileCache === undefined) useCodeCache(folder, args);
    else enableCompileCache(folder);
  } catch {
    // No home, a read-only one, a full disk: it would only have been faster.
  }
}

function cacheHome({ XDG_CACHE_HOME: written }: Readonly<Record<string, string | undefined>>): string {
  return written !== undefined && isAbsolute(written) ? written : join(homedir(), '.cache');
}

/** Not with the folders above it, which Node tries for ever below /proc. */
function createFolder(folder: string): void {
  if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
}
