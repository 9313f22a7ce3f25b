import { installPackages } from '../support/apt-get.ts';
import { hasAnsible } from './ansible.ts';

/** Installs Debian's ansible-core where this is possible. Without it the suite is skipped, loudly; in CI that is a failure. */
export default function setup(): void {
  if (hasAnsible()) return;
  installPackages('ansible-core');
  if (hasAnsible()) return;
  const message = 'the differential suite needs ansible-core (apt-get install ansible-core), and it is not installed';
  if (process.env['CI'] === 'true') throw new Error(message);
  process.stderr.write(`\nSKIPPED: ${message}\n\n`);
}
