import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { writePlaybook } from '../support/playbooks.ts';
import { runRollout } from '../support/rollout.ts';
import { outcomeOf, runWithFault, type ChaosInput } from './soak/chaos-run.ts';
import { faults, type Fault } from './soak/faults.ts';
import { describeOnLab, emptyLab } from './support/lab-test.ts';

// The short form of `npm run soak -- chaos`: two faults, each once, at a moment that is always the same.
describeOnLab('an update that is struck by a fault', (lab) => {
  const promisedUp = 4;
  const strategy = { max_unavailable: 2, min_available: promisedUp };
  let cwd: string;

  const release = async (version: string): Promise<ChaosInput> => {
    const health = await lab().publish('shop/health', '1');
    const app = await lab().publish('shop/app', version, { APP_VERSION: version });
    const playbook = await writePlaybook(lab(), { health, app, strategy });
    return { script: inject('rolloutScript'), cwd, playbook, version, promisedUp };
  };
  const fault = (name: string): Fault => {
    const found = faults[name];
    if (found === undefined) throw new Error(`there is no fault ${name}`);
    return found;
  };

  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'rollout-chaos-'));
    const everyone = { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0, min_healthy_time: '0s' };
    for (const version of ['1', '2']) {
      const health = await lab().publish('shop/health', '1');
      const app = await lab().publish('shop/app', version, { APP_VERSION: version });
      const playbook = await writePlaybook(lab(), { health, app, strategy: everyone });
      const { exitCode, stderr } = await runRollout([playbook], { script: inject('rolloutScript'), cwd });
      if (exitCode !== 0) throw new Error(`the first deployments ended with ${exitCode ?? 'a signal'}: ${stderr}`);
    }
  });
  afterAll(async () => {
    await emptyLab(lab());
    await rm(cwd, { recursive: true, force: true });
  });

  test('goes on through a restart of the docker daemon, though that starts again what had been stopped', async () => {
    const strike = { updated: 'h3', other: 'h4', moment: 'app stopped', delayMs: 0 } as const;
    const { first, wrong } = await runWithFault(lab(), fault('docker'), strike, await release('3'));
    expect({ exitCode: first.exitCode, outcome: outcomeOf(first), wrong }).toEqual({
      exitCode: 0,
      outcome: 'changed',
      wrong: [],
    });
  });

  test('goes on after a reboot of the node, which does not come back into rotation by itself', async () => {
    const strike = { updated: 'h2', other: 'h4', moment: 'drain started', delayMs: 300 } as const;
    const { first, wrong } = await runWithFault(lab(), fault('reboot'), strike, await release('4'));
    expect({ exitCode: first.exitCode, outcome: outcomeOf(first), wrong }).toEqual({
      exitCode: 0,
      outcome: 'changed',
      wrong: [],
    });
  });
});
