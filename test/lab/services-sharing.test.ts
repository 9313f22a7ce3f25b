import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { snapshot } from '../support/containers.ts';
import { writePlaybook } from '../support/playbooks.ts';
import { runRollout, type FinishedRollout } from '../support/rollout.ts';
import { underLoad } from '../support/under-load.ts';
import { describeOnLab, emptyLab } from './support/lab-test.ts';

describeOnLab('containers that share a network', (lab) => {
  let cwd: string;
  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'rollout-sharing-'));
  });
  afterAll(async () => {
    await emptyLab(lab());
    await rm(cwd, { recursive: true, force: true });
  });

  const rollout = (playbook: string): Promise<FinishedRollout> =>
    runRollout([playbook, '--output', 'json'], { script: inject('rolloutScript'), cwd });

  async function playbookFor(version: string, env: Readonly<Record<string, string>>, first = false): Promise<string> {
    return writePlaybook(lab(), {
      file: `sharing-${version}`,
      app: await lab().publish('shop/app', version, { APP_VERSION: version, ...env }),
      appKeys: { ports: ['8080:8080', '8081:8081'] },
      health: await lab().publish('shop/health', '1'),
      healthKeys: { network_mode: 'service:app', ports: [], environment: { APP_PORT: '8081' } },
      strategy: first ? { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0 } : {},
    });
  }

  test('health in the network of the app goes with it: no request is lost, and then nothing is to be done', async () => {
    expect((await rollout(await playbookFor('1', {}, true))).exitCode).toBe(0);
    const next = await playbookFor('2', {});
    const { result, report } = await underLoad(lab().frontendUrl, () => rollout(next));
    expect(result.events.at(-1)).toMatchObject({ outcome: 'changed', exitCode: 0 });
    expect(report.failures).toEqual([]);
    const after = await snapshot(lab());
    expect((await rollout(next)).events.at(-1)).toMatchObject({ outcome: 'unchanged' });
    expect(await snapshot(lab())).toEqual(after);

    const failing = await rollout(await playbookFor('3', { APP_FAULT: 'crash' }));
    expect(failing.events.at(-1)).toMatchObject({ outcome: 'rolled_back', exitCode: 5 });
    expect((await rollout(next)).events.at(-1)).toMatchObject({ outcome: 'unchanged' });

    await lab().docker('h1', ['restart', 'app']);
    const again = await rollout(next);
    expect(again.events.at(-1)).toMatchObject({
      outcome: 'changed',
      exitCode: 0,
      hosts: { h1: { result: 'updated' }, h2: { result: 'unchanged' } },
    });
  });
});
