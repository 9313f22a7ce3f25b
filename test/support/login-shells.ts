import { spawnSync } from 'node:child_process';

/** Shells that a user may log in with, and how each is given a line. */
export const loginShells: readonly [name: string, program: string, ...args: string[]][] = [
  ['sh', 'sh', '-c'],
  ['bash', 'bash', '-c'],
  ['dash', 'dash', '-c'],
  ['zsh', 'zsh', '-c'],
  ['ksh', 'ksh', '-c'],
  ['fish', 'fish', '-c'],
  ['tcsh', 'tcsh', '-c'],
  ['rbash', 'rbash', '-c'],
  ['busybox ash', 'busybox', 'sh', '-c'],
];

/** Debian's packages of those that are missing. */
export function installShells(): void {
  const missing = loginShells.map(([, program]) => program).filter((program) => !isThere(program));
  const packages = [...new Set(missing.map((program) => (program === 'rbash' ? 'bash' : program)))];
  if (packages.length === 0) return;
  const argv = ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...packages];
  const { status, stderr } = spawnSync('apt-get', argv, { encoding: 'utf8' });
  if (status !== 0)
    throw new Error(`these shells are missing and cannot be installed: ${packages.join(' ')}: ${stderr}`);
}

const isThere = (program: string): boolean => spawnSync('sh', ['-c', 'command -v "$0"', program]).status === 0;
