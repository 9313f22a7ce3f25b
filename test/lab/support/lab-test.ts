import { beforeAll, describe, inject } from 'vitest';
import type { Lab } from './fleet.ts';
import { attachLab } from './lab.ts';

/**
 * A suite on the shared lab of 6 hosts, which it finds switched on, connected and without containers. Skipped where
 * there is no lab (setup-lab.ts says so aloud). `lab()` may be called within tests and hooks.
 */
export function describeOnLab(title: string, body: (lab: () => Lab) => void): void {
  const name = inject('labName');
  describe.skipIf(name === '')(title, () => {
    let attached: Lab | undefined;
    const lab = (): Lab => {
      if (attached === undefined) throw new Error('lab() is for tests and hooks, not for the body of a suite');
      return attached;
    };
    beforeAll(async () => {
      attached = await attachLab(name);
      await emptyLab(attached);
    });
    body(lab);
  });
}

/** Switches every host on, heals every partition, and removes every container, and the volumes and networks they had. */
export async function emptyLab(lab: Lab): Promise<void> {
  await lab.setLatency(0);
  await Promise.all(
    lab.hosts.map(async (host) => {
      await lab.ensureOn(host);
      await lab.heal(host);
      const containers = (await lab.docker(host, ['ps', '--all', '--quiet'])).split('\n').filter((id) => id !== '');
      if (containers.length > 0) await lab.docker(host, ['rm', '--force', '--volumes', ...containers]);
      await lab.docker(host, ['system', 'prune', '--force', '--volumes']);
    }),
  );
}
