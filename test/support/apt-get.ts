import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export function aptGet(...args: readonly string[]): boolean {
  const { status } = spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=240', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: 480_000,
  });
  return status === 0;
}

/** Installs packages of Debian, where this machine lets it. */
export function installPackages(...names: readonly string[]): void {
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return;
  // A fresh machine has no lists of packages yet.
  if (aptGet('install', '-y', '--no-install-recommends', ...names)) return;
  aptGet('update');
  aptGet('install', '-y', '--no-install-recommends', ...names);
}

/** Installs the packages of programs that are missing: `{ unzip: 'unzip', xz: 'xz-utils' }`. */
export function installPrograms(packages: Readonly<Record<string, string>>): void {
  const missing = Object.entries(packages).filter(([program]) => !isProgram(program));
  if (missing.length > 0) installPackages(...missing.map(([, name]) => name));
}

/** What reads the archives that `unarchive` is tried with. */
export const archivePrograms = { unzip: 'unzip', xz: 'xz-utils', zstd: 'zstd', bzip2: 'bzip2' };

function isProgram(name: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
