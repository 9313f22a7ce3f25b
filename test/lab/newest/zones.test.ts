import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { containersOn } from '../../support/containers.ts';
import { writePlaybook } from '../../support/playbooks.ts';
import { runRollout, type FinishedRollout } from '../../support/rollout.ts';
import { describeOnLab, emptyLab } from '../support/lab-test.ts';

describeOnLab('zones of real hosts', (lab) => {
  let cwd: string;
  const rollout = (...args: readonly string[]): Promise<FinishedRollout> =>
    runRollout([...args, '--output', 'json'], { script: inject('rolloutScript'), cwd });

  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'rollout-zones-'));
    await emptyLab(lab());
  });
  afterAll(async () => {
    await emptyLab(lab());
    await rm(cwd, { recursive: true, force: true });
  });

  test('the second one is not touched when the first one fails, and the first one is as it was', async () => {
    const { hosts } = lab();
    const half = Math.ceil(hosts.length / 2);
    const [first, second] = [hosts.slice(0, half), hosts.slice(half)];
    const health = await lab().publish('shop/health', '1');
    const version = (name: string, env: Readonly<Record<string, string>> = {}): Promise<string> =>
      lab().publish('shop/app', name, { APP_VERSION: name, ...env });
    const everyoneAtOnce = { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0, min_healthy_time: '0s' };
    const deployed = await rollout(
      await writePlaybook(lab(), { health, app: await version('1'), strategy: everyoneAtOnce }),
    );
    expect(deployed.exitCode).toBe(0);
    const look = async (names: readonly string[]): Promise<readonly (readonly string[])[]> =>
      Promise.all(names.map((host) => containersOn(lab(), host)));
    const appsOf = (found: readonly (readonly string[])[]): readonly (string | undefined)[] =>
      found.map((lines) =>
        lines
          .find((line) => line.startsWith('app '))
          ?.split(' ')
          .at(-1),
      );
    const before = { first: appsOf(await look(first)), second: await look(second) };

    const [good, bad] = [await version('2'), await version('2-bad', { APP_FAULT: 'crash' })];
    const { exitCode, events } = await rollout(
      await writePlaybook(lab(), {
        health,
        app: `{{ '${bad}' if inventory_hostname == '${first.at(-1) ?? ''}' else '${good}' }}`,
        strategy: {
          canary: { hosts: 1, bake: '1s', min_requests: 0 },
          min_available: 1,
          zones: { by: `{{ 'one' if inventory_hostname in ${JSON.stringify(first)} else 'two' }}`, bake: '1s' },
        },
      }),
    );

    expect(exitCode).toBe(5);
    expect(events.findLast(({ type }) => type === 'run_finished')).toMatchObject({
      outcome: 'rolled_back',
      hosts: Object.fromEntries(
        hosts.map((host) => [host, { result: first.includes(host) ? 'restored' : 'untouched' }]),
      ),
    });
    expect({ first: appsOf(await look(first)), second: await look(second) }).toEqual(before);
    const touching = events.filter(({ type }) => /^(?:node|op|drain)_/.test(type));
    const touched = new Set(touching.flatMap((event) => ('host' in event ? [event.host] : [])));
    expect([...touched].toSorted()).toEqual(first);
  });
});
