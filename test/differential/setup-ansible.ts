import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { hasAnsible } from './ansible.ts';

/** Installs Debian's ansible-core where this is possible. Without it the suite is skipped, loudly; in CI that is a failure. */
export default function setup(): void {
  if (hasAnsible()) return;
  if (process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    spawnSync(
      'apt-get',
      ['-o', 'DPkg::Lock::Timeout=240', 'install', '-y', '--no-install-recommends', 'ansible-core'],
      {
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
        timeout: 480_000,
      },
    );
  }
  if (hasAnsible()) return;
  const message = 'the differential suite needs ansible-core (apt-get install ansible-core), and it is not installed';
  if (process.env['CI'] === 'true') throw new Error(message);
  process.stderr.write(`\nSKIPPED: ${message}\n\n`);
}
