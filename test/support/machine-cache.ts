import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

const userId = process.getuid?.() ?? 0;

/** What takes minutes to fetch or to build, and stays on this machine from one run to the next. It may be removed at any time. */
export const cacheFolder = join('/var/tmp', `rollout-cache-${userId}`);

/**
 * A folder that `build` fills once and that everybody on this machine then shares. Whoever comes while it is built waits
 * for it; one whose build broke off is never used. `name` holds the version of the recipe.
 */
export async function keptFolder(name: string, build: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(cacheFolder, name);
  if (await isThere(folder)) return folder;
  await ownCacheFolder();
  const release = await lock(join(cacheFolder, `${name}.lock`));
  try {
    if (await isThere(folder)) return folder;
    const unfinished = `${name}.unfinished-`;
    const left = (await readdir(cacheFolder)).filter((entry) => entry.startsWith(unfinished));
    for (const entry of left) await rm(join(cacheFolder, entry), { recursive: true, force: true });
    const building = join(cacheFolder, `${unfinished}${process.pid}`);
    await mkdir(building);
    await build(building);
    await rename(building, folder);
    return folder;
  } finally {
    await release();
  }
}

/** /var/tmp is everybody's: what somebody else has put there under our name is not used. */
async function ownCacheFolder(): Promise<void> {
  await mkdir(cacheFolder, { recursive: true, mode: 0o755 });
  const { uid, mode } = await stat(cacheFolder);
  if (uid !== userId || (mode & 0o022) !== 0)
    throw new Error(`${cacheFolder} belongs to somebody else, or others may write to it; remove it and try again`);
}

/** Held until released, or until this process ends in whatever way. */
async function lock(file: string): Promise<() => Promise<void>> {
  const holder = spawn('flock', [file, 'sh', '-c', 'echo held; exec cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    holder.once('error', reject);
    holder.once('exit', (code) => reject(new Error(`flock ${file} ended with ${code ?? 'a signal'}`)));
    holder.stdout.once('data', () => resolve());
  });
  return () => ended(holder);
}

async function ended(holder: ChildProcess): Promise<void> {
  const exit = once(holder, 'exit');
  holder.stdin?.end();
  await exit;
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
