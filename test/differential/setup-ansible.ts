import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { hasAnsible } from './ansible.ts';

/** Installs Debian's ansible-core where this is possible. Without it the suite is skipped, loudly; in CI that is a failure. */
export default function setup(): void {
  if (hasAnsible()) return;
  if (process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    // A fresh machine has no lists of packages yet.
    if (!aptGet('install', '-y', '--no-install-recommends', 'ansible-core')) {
      aptGet('update');
      aptGet('install', '-y', '--no-install-recommends', 'ansible-core');
    }
  }
  if (hasAnsible()) return;
  const message = 'the differential suite needs ansible-core (apt-get install ansible-core), and it is not installed';
  if (process.env['CI'] === 'true') throw new Error(message);
  process.stderr.write(`\nSKIPPED: ${message}\n\n`);
}

function aptGet(...args: readonly string[]): boolean {
  const { status } = spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=240', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: 480_000,
  });
  return status === 0;
}
