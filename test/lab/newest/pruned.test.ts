import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { statesOn } from '../../support/containers.ts';
import { writePlaybook } from '../../support/playbooks.ts';
import { runRollout, startRollout } from '../../support/rollout.ts';
import { underLoad } from '../../support/under-load.ts';
import { serversUp, soon } from '../support/by-hand.ts';
import { describeOnLab, emptyLab } from '../support/lab-test.ts';

// A timer that prunes knows nothing of a run: it takes images that nothing uses yet, and containers that stand still.
describeOnLab(
  'what a prune takes from hosts in the middle of a run',
  (lab) => {
    let cwd: string;
    let health: string;
    const app = (version: string) => lab().publish('shop/app', version, { APP_VERSION: version });
    const strategy = { canary: { hosts: 1, bake: '2s', bake_max: '3s', min_requests: 20 }, max_unavailable: 1 };
    const playbook = (image: string, over = {}) =>
      writePlaybook(lab(), { health, app: image, strategy: { ...strategy, min_available: 1, ...over } });
    const settings = () => ({ script: inject('rolloutScript'), cwd });

    beforeAll(async () => {
      cwd = await mkdtemp(join(tmpdir(), 'rollout-lab-pruned-'));
      health = await lab().publish('shop/health', '1');
    });
    beforeEach(async () => {
      await emptyLab(lab());
      const first = await playbook(await app('1'), { canary: { hosts: 0 }, max_unavailable: 2, min_available: 0 });
      const { exitCode, stderr } = await runRollout([first, '--output', 'json'], settings());
      if (exitCode !== 0) throw new Error(stderr);
      await expect.poll(() => serversUp(lab()), soon).toEqual([...lab().hosts]);
    });
    afterAll(() => rm(cwd, { recursive: true, force: true }));

    test('images that were pulled for later are pulled again: every node is updated, no request is lost', async () => {
      const file = await playbook(await app('2'));
      const { result, report } = await underLoad(lab().frontendUrl, async () => {
        const run = startRollout([file, '--output', 'json'], settings());
        await run.event(({ type }) => type === 'bake_started');
        for (const host of lab().hosts) await lab().docker(host, ['system', 'prune', '--all', '--force']);
        return run.finished;
      });
      expect({ exitCode: result.exitCode, stderr: result.stderr }).toEqual({ exitCode: 0, stderr: '' });
      const warnings = result.events.filter(
        (event) => event.type === 'warning' && event.message.includes('is no longer on the host'),
      );
      expect(warnings).toMatchObject([{ host: 'h2' }]);
      expect(report).toMatchObject({ failed: 0, failures: [] });
    });

    test('a health container is made anew: its node is back with what it ran, no request is lost', async () => {
      const file = await playbook(await app('2'));
      const { result, report } = await underLoad(lab().frontendUrl, async () => {
        const run = startRollout([file, '--output', 'json'], settings());
        await run.event((event) => event.type === 'node_drained' && event.host === 'h1');
        await lab().docker('h1', ['rm', 'health']);
        return run.finished;
      });
      expect(result.exitCode).toBe(5);
      expect(result.events.find(({ type }) => type === 'node_restored')).toMatchObject({ host: 'h1', serving: true });
      expect(await statesOn(lab(), 'h1')).toEqual(['app running', 'health running']);
      await expect.poll(() => serversUp(lab()), soon).toEqual([...lab().hosts]);
      expect(report).toMatchObject({ failed: 0, failures: [] });
    });
  },
  { hosts: 2 },
);
