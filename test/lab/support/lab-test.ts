import { afterAll, beforeAll, describe, inject } from 'vitest';
import type { Lab } from './fleet.ts';
import { startLab } from './lab.ts';
import type { HostSystem } from './system.ts';

let suites = 0;

/**
 * A suite on a lab of its own, of hosts without containers, so that files can run side by side. Skipped where there can
 * be no lab (setup-lab.ts says so aloud). `lab()` may be called within tests and hooks. `store`: another one than the
 * project's docker has.
 */
export function describeOnLab(
  title: string,
  body: (lab: () => Lab) => void,
  { hosts = 6, ...other }: { readonly hosts?: number } & Partial<Pick<HostSystem, 'store'>> = {},
): void {
  const base = inject('labName');
  describe.skipIf(base === '')(title, () => {
    let own: Lab | undefined;
    const lab = (): Lab => {
      if (own === undefined) throw new Error('lab() is for tests and hooks, not for the body of a suite');
      return own;
    };
    suites += 1;
    // The worker process and the suite in its file: no two that live at the same time have the same.
    const name = `${base}-${process.pid.toString(36)}${String.fromCharCode(96 + suites)}`;
    beforeAll(async () => {
      own = await startLab({ name, hosts, system: { ...inject('labSystem'), ...other } });
    });
    afterAll(() => own?.close());
    body(lab);
  });
}

/** Switches everything on, heals every partition, and removes every container, and the volumes and networks they had. */
export async function emptyLab(lab: Lab): Promise<void> {
  await lab.setLatency(0);
  await lab.startRegistry();
  await Promise.all(
    lab.hosts.map(async (host) => {
      await lab.ensureOn(host);
      await lab.heal(host);
      await lab.startDocker(host);
      const containers = (await lab.docker(host, ['ps', '--all', '--quiet'])).split('\n').filter((id) => id !== '');
      if (containers.length > 0) await lab.docker(host, ['rm', '--force', '--volumes', ...containers]);
      await lab.docker(host, ['system', 'prune', '--force', '--volumes']);
    }),
  );
}
