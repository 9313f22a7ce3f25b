import { readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cgroupName, labDir } from './layout.ts';
import { namespacesOf, removeNetwork } from './network.ts';
import { isErrno, killAllIn, run, runToEnd } from './processes.ts';

/**
 * Removes everything that a lab of this name has on this machine, in whatever state it is: processes, mounts, network,
 * cgroups, files. It needs no record of what was started: everything carries the lab's name. Resolves to false when
 * there was nothing.
 */
export async function removeLab(name: string): Promise<boolean> {
  const namespaces = await namespacesOf(name);
  const folderExisted = (await readdir(labDir(name)).catch(() => undefined)) !== undefined;
  await killAllIn(namespaces);
  await removeNetwork(name);
  await removeMounts(labDir(name));
  const cgroups = await removeCgroups(name);
  await rm(labDir(name), { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  return namespaces.length > 0 || folderExisted || cgroups > 0;
}

/** A host's mounts live and die in its own mount namespace; this is for those that something carried out of it. */
async function removeMounts(folder: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
  const own = mounts.filter((mount) => mount === folder || mount.startsWith(`${folder}/`));
  for (const mount of own.reverse()) await run(['umount', '--lazy', mount]);
}

/** The lab's folder in every hierarchy: version 1 has one tree a controller, version 2 a single one, mounted or not. */
async function removeCgroups(name: string): Promise<number> {
  const top = '/sys/fs/cgroup';
  const trees = (await readdir(top, { withFileTypes: true }).catch(() => [])).filter((entry) => entry.isDirectory());
  const candidates = [top, ...trees.map((tree) => join(top, tree.name))].map((tree) => join(tree, cgroupName(name)));
  const removed = await Promise.all(candidates.map((cgroup) => removeCgroup(cgroup, Date.now() + 10_000)));
  return removed.filter((was) => was).length + ((await removeFromVersion2(cgroupName(name))) ? 1 : 0);
}

/** Words before a command that see the tree of version 2 in /sys/fs/cgroup, where the machine may not have it. */
export const onCgroup2: readonly string[] = [
  ...['unshare', '--mount', '--propagation=private', 'sh', '-c'],
  'mount -t cgroup2 cgroup2 /sys/fs/cgroup && cd /sys/fs/cgroup && exec "$@"',
  'sh',
];

async function removeFromVersion2(cgroup: string): Promise<boolean> {
  const deadline = Date.now() + 10_000;
  for (let wasThere = false; ; wasThere = true) {
    if ((await runToEnd([...onCgroup2, 'test', '-d', cgroup])).exitCode !== 0) return wasThere;
    const { stderr } = await runToEnd([
      ...onCgroup2,
      'find',
      cgroup,
      '-depth',
      '-type',
      'd',
      '-exec',
      'rmdir',
      '{}',
      ';',
    ]);
    if (Date.now() > deadline) throw new Error(`cgroup ${cgroup} cannot be removed: ${stderr.trim()}`);
    if (stderr !== '') await sleep(20);
  }
}

async function removeCgroup(cgroup: string, deadline: number): Promise<boolean> {
  const entries = await readdir(cgroup, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return false;
  for (const entry of entries) if (entry.isDirectory()) await removeCgroup(join(cgroup, entry.name), deadline);
  for (;;) {
    try {
      await rmdir(cgroup);
      return true;
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return true;
      // Busy until the kernel has buried the last of its processes.
      if (!isErrno(error, 'EBUSY') || Date.now() > deadline) throw error;
      await sleep(20);
    }
  }
}
