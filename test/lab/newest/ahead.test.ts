import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import type { Event } from '../../../src/events/event.ts';
import { snapshot } from '../../support/containers.ts';
import { writePlaybook } from '../../support/playbooks.ts';
import { runRollout } from '../../support/rollout.ts';
import { underLoad } from '../../support/under-load.ts';
import { serversUp, soon } from '../support/by-hand.ts';
import { describeOnLab, emptyLab } from '../support/lab-test.ts';

interface Inspected {
  readonly Mounts: readonly { readonly Name: string }[];
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly DNSNames: readonly string[] }>> };
}

describeOnLab(
  'containers that are created while the canary is updated',
  (lab) => {
    let cwd: string;
    let health: string;
    const app = (version: string, env = {}) => lab().publish('shop/app', version, { APP_VERSION: version, ...env });
    const strategy = { canary: { hosts: 1, bake: '2s', bake_max: '2s', min_requests: 20 }, min_healthy_time: '1s' };
    // Each of them has an anonymous volume and two networks.
    const playbook = (image: string, over = {}) =>
      writePlaybook(lab(), {
        health,
        app: image,
        appKeys: {
          volumes: ['/data'],
          networks: ['front', 'back'],
        },
        play: { networks: { front: {}, back: {} } },
        strategy: { ...strategy, max_unavailable: 1, min_available: 1, ...over },
      });
    const settings = () => ({ script: inject('rolloutScript'), cwd });
    const run = (file: string) => runRollout([file, '--output', 'json', '-vvv'], settings());
    const volumes = () => Promise.all(lab().hosts.map((host) => lab().docker(host, ['volume', 'ls', '--quiet'])));
    const inspect = async (host: string): Promise<Inspected | undefined> =>
      (JSON.parse(await lab().docker(host, ['container', 'inspect', 'app'])) as readonly Inspected[])[0];
    const volumesOf = (found: Inspected | undefined) => found?.Mounts.map(({ Name }) => Name);
    const madeAhead = (events: readonly Event[]) =>
      events.flatMap((event) =>
        event.type === 'command_run' && event.script?.startsWith('rollout-create-ahead') === true ? [event.host] : [],
      );

    beforeAll(async () => {
      cwd = await mkdtemp(join(tmpdir(), 'rollout-lab-ahead-'));
      health = await lab().publish('shop/health', '1');
    });
    beforeEach(async () => {
      await emptyLab(lab());
      const first = await playbook(await app('1'), { canary: { hosts: 0 }, max_unavailable: 2, min_available: 0 });
      const { exitCode, stderr } = await run(first);
      if (exitCode !== 0) throw new Error(stderr);
      await expect.poll(() => serversUp(lab()), soon).toEqual([...lab().hosts]);
    });
    afterAll(() => rm(cwd, { recursive: true, force: true }));

    test('take over with the volumes and under the names of those that they replace, no request is lost', async () => {
      const before = await Promise.all(lab().hosts.map(inspect));
      const kept = await volumes();
      const { result, report } = await underLoad(lab().frontendUrl, async () => run(await playbook(await app('2'))));
      const after = await Promise.all(lab().hosts.map(inspect));
      expect({ exitCode: result.exitCode, ahead: madeAhead(result.events).toSorted() }).toEqual({
        exitCode: 0,
        ahead: ['h2'], // its health container stays
      });
      expect(report).toMatchObject({ failed: 0, failures: [] });
      expect(after.map(volumesOf)).toEqual(before.map(volumesOf));
      expect(await volumes()).toEqual(kept);
      const names = after.map((found) =>
        Object.values(found?.NetworkSettings.Networks ?? {}).map((each) => each.DNSNames),
      );
      for (const each of names.flat()) expect(each[0]).toBe('app');
      expect(names.map((each) => each.length)).toEqual([2, 2]);
    });

    test('go again when the canary fails, with what was made for them, and nothing else does', async () => {
      const before = { containers: (await snapshot(lab()))['h2'], volumes: (await volumes())[1] };
      const broken = await app('3', { APP_FAULT: 'crash' });
      const file = await playbook(broken);
      const { exitCode, events } = await run(file);
      expect({ exitCode, ahead: madeAhead(events).length > 0 }).toEqual({ exitCode: 5, ahead: true });
      expect({ containers: (await snapshot(lab()))['h2'], volumes: (await volumes())[1] }).toEqual(before);
    });
  },
  { hosts: 2 },
);
