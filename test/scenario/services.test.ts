import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { emptyFleet } from '../support/containers.ts';
import { startStage, story, warningsOf, type Stage } from './support/stage.ts';

/** The app publishes the port of health, which lives in its network. */
const together = {
  healthKeys: { network_mode: 'service:app', ports: [], environment: { APP_PORT: '8081' } },
  appKeys: { ports: ['8080:8080', '8081:8081'] },
};

describe('a health container that lives in the network of the app', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage({ hosts: 2 });
  });
  afterAll(() => stage.close());
  afterEach(() => emptyFleet(stage.fleet));

  test('is replaced with it, and has nothing to do afterwards', async () => {
    await stage.deploy('1', together);
    const file = await stage.playbook(await stage.app('2'), together);
    const { stdout } = await stage.plain('plan', file);
    expect(stdout).toContain('replace health: app is replaced, and health shares its network');
    const { exitCode, events } = await stage.rollout(file);
    expect({ exitCode, story: story(events) }).toEqual({
      exitCode: 0,
      story: [
        'h1 starts: canary',
        'h1 done',
        'bake passed',
        'h2 starts: fan_out',
        'h2 done',
        'changed, exit 0: h1 updated, h2 updated',
      ],
    });
    expect(await stage.versions()).toEqual({ h1: '2', h2: '2' });
    const again = await stage.rollout(file);
    expect(story(again.events)).toEqual(['unchanged, exit 0: h1 unchanged, h2 unchanged']);
  });

  test('is back in the old network when the new app fails', async () => {
    await stage.deploy('1', together);
    const file = await stage.playbook(await stage.app('3', { APP_FAULT: 'crash' }), together);
    const { exitCode, events } = await stage.rollout(file);
    expect(exitCode).toBe(5);
    expect(story(events).at(-1)).toBe('rolled_back, exit 5: h1 restored, h2 untouched');
    expect(await stage.versions()).toEqual({ h1: '1', h2: '1' });
    const again = await stage.rollout(await stage.playbook(await stage.app('1'), together));
    expect(story(again.events)).toEqual(['unchanged, exit 0: h1 unchanged, h2 unchanged']);
  });

  test('is started again after somebody has restarted the app by hand', async () => {
    await stage.deploy('1', together);
    const file = await stage.playbook(await stage.app('1'), together);
    await stage.fleet.docker('h1', ['restart', 'app']);
    const { stdout } = await stage.plain('plan', file);
    expect(stdout).toContain('start health: app was started again, and health shares its network');
    const { exitCode, events } = await stage.rollout(file);
    expect({ exitCode, end: story(events).at(-1) }).toEqual({
      exitCode: 0,
      end: 'changed, exit 0: h1 updated, h2 unchanged',
    });
  });
});

describe('without a registry', () => {
  let stage: Stage;
  const parts = (level: string) => ({
    healthKeys: { pull_policy: 'missing' },
    appKeys: { pull_policy: 'if_not_present', environment: { LEVEL: level } },
  });
  beforeAll(async () => {
    stage = await startStage({ hosts: 2 });
    await stage.deploy('1', parts('info'));
    await stage.fleet.sandbox.registry.stop();
  });
  afterAll(() => stage.close());

  test('pull_policy missing runs what the hosts have: nothing to do, and a changed variable', async () => {
    const image = `${stage.fleet.registry}/shop/app:1`;
    const same = await stage.rollout(await stage.playbook(image, parts('info')));
    expect(story(same.events)).toEqual(['unchanged, exit 0: h1 unchanged, h2 unchanged']);
    expect(warningsOf(same.events)).toEqual([]);
    const changed = await stage.rollout(await stage.playbook(image, parts('debug')));
    expect(story(changed.events).at(-1)).toBe('changed, exit 0: h1 updated, h2 updated');
  });

  test('pull_policy missing and always need it for a tag that a host lacks: exit 4, nothing touched', async () => {
    for (const pull_policy of ['missing', 'always']) {
      const appKeys = { pull_policy };
      const file = await stage.playbook(`${stage.fleet.registry}/shop/app:2`, { ...parts('debug'), appKeys });
      const { exitCode, stderr } = await stage.rollout(file);
      expect({ exitCode, stderr }).toEqual({
        exitCode: 4,
        stderr: expect.stringContaining('nothing was touched') as string,
      });
    }
    expect(await stage.versions()).toEqual({ h1: '1', h2: '1' });
  });

  test('pull_policy never says which image is not there', async () => {
    const file = await stage.playbook(`${stage.fleet.registry}/shop/app:2`, {
      ...parts('debug'),
      appKeys: { pull_policy: 'never' },
    });
    const { exitCode, stderr } = await stage.rollout(file);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(
      `h1, h2: image ${stage.fleet.registry}/shop/app:2 of app is not there, and its pull_policy is never; load it first: docker load`,
    );
  });
});

describe('a network and a volume that are there with other settings', () => {
  let stage: Stage;
  const withResources = (network: object, volume: object) => ({
    play: { networks: { backend: network }, volumes: { data: volume } },
    appKeys: { networks: ['backend'], volumes: ['data:/data'] },
  });
  const first = withResources(
    { internal: true, labels: { tier: 'web' } },
    { driver_opts: { type: 'tmpfs', device: 'tmpfs' } },
  );
  beforeAll(async () => {
    stage = await startStage({ hosts: 2 });
    await stage.deploy('1', first);
  });
  afterAll(() => stage.close());

  const plan = async (network: object, volume: object) =>
    stage.plain('plan', await stage.playbook(await stage.app('1'), withResources(network, volume)));

  test('are named before anything is touched, with what differs and what to type', async () => {
    const { exitCode, stderr } = await plan(
      { labels: { tier: 'web' }, driver_opts: { mtu: '9000' } },
      { driver: 'nfs' },
    );
    expect(exitCode).toBe(2);
    expect(stderr).toContain(
      'h1, h2: network backend is there with other settings (driver_opts.mtu 9000 added, internal true → false); docker cannot change a network: stop what is in it, and let the next run create it again: docker network rm backend. Or write it as it is, or as external',
    );
    expect(stderr).toContain(
      'h2: volume data is there with other settings (driver local → nfs, driver_opts.device tmpfs removed, driver_opts.type tmpfs removed); docker cannot change a volume, and rollout removes none: save what is in it, and let the next run create it again: docker volume rm data. Or write it as it is, or as external',
    );
  });

  test('keep their labels, with a warning in the plan, and nothing to do', async () => {
    const { exitCode, stdout } = await plan(
      { internal: true, labels: { tier: 'db' } },
      { driver_opts: { type: 'tmpfs', device: 'tmpfs' } },
    );
    expect(exitCode).toBe(0);
    expect(stdout).toContain(
      'Warning: h1, h2: network backend keeps its labels (labels.tier web → db): docker cannot change a network',
    );
    expect(stdout).toContain('Plan: 2 hosts, nothing to do.');
  });

  test('are not compared where nothing is written of them', async () => {
    const { exitCode, stdout } = await plan({}, {});
    expect({ exitCode, isQuiet: !stdout.includes('Warning') }).toEqual({ exitCode: 0, isQuiet: true });
  });
});
