import { beforeEach, expect, inject, test } from 'vitest';
import { dataTests } from '../../support/data-contract.ts';
import { writePlaybook } from '../../support/playbooks.ts';
import { runRollout } from '../../support/rollout.ts';
import { describeOnLab, emptyLab } from '../support/lab-test.ts';

describeOnLab('data on the lab', (lab) => {
  dataTests(lab);
});

describeOnLab('what is in an anonymous volume', (lab) => {
  beforeEach(() => emptyLab(lab()));

  test('is there after an adoption, an update and a rollback, as the program wrote it', async () => {
    const fleet = lab();
    const health = await fleet.publish('shop/health', '1');
    const image = (version: string) => fleet.publish('shop/kept', version, {}, ['/data']);
    const strategy = { canary: { hosts: 0 }, min_available: 0, max_unavailable: '100%', min_healthy_time: '0s' };
    const settings = { script: inject('rolloutScript'), cwd: fleet.dir };
    const run = async (...args: readonly string[]): Promise<void> => {
      const { exitCode, stderr } = await runRollout([...args, '--limit', 'h1', '--output', 'plain'], settings);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    };
    const read = async (): Promise<string> => (await fleet.docker('h1', ['exec', 'app', 'cat', '/data/orders'])).trim();

    await fleet.docker('h1', ['run', '--detach', '--name', 'app', '--publish', '8080:8080', await image('1')]);
    await fleet.docker('h1', ['exec', 'app', 'sh', '-c', 'echo 42 >/data/orders']);
    for (const version of ['1', '2', '3']) {
      await run(await writePlaybook(fleet, { health, app: await image(version), strategy }));
      expect(await read()).toBe('42');
    }
    await run('rollback', await writePlaybook(fleet, { health, app: await image('3'), strategy }));
    expect(await read()).toBe('42');
  });
});
