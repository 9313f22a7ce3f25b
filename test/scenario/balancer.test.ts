import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { startLoad } from '../../src/sandbox/load.ts';
import { manualBlock } from '../support/manual-blocks.ts';
import { runRollout } from '../support/rollout.ts';
import { startTlsFront } from '../support/tls-front.ts';
import { appsOf, startStage, story, warningsOf, type Stage } from './support/stage.ts';

const everyoneUpdated = 'changed, exit 0: h1 updated, h2 updated, h3 updated, h4 updated';

describe('balancer trouble', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage({ balancers: 2 });
  });
  beforeEach(() => stage.deploy('1'));
  afterEach(() => stage.reset());
  afterAll(() => stage.close());

  const behind = (settings: Readonly<Record<string, unknown>>) => ({
    play: { load_balancer: { type: 'haproxy', stats: [stage.fleet.statsUrl], backend: 'web', ...settings } },
  });
  const bothPages = () => behind({ stats: stage.fleet.sandbox.balancers.map(({ url }) => `${url}/stats`) });

  test('one that cannot be read is refused before anything is touched', async () => {
    const before = await appsOf(stage);
    stage.fleet.sandbox.balancer.setStatsMode('down');
    const { exitCode, stderr } = await stage.rollout(await stage.playbook(await stage.app('2')));
    expect({ exitCode, stderr: stderr.replace(/127[\d.]+:\d+/, 'LB') }).toEqual({
      exitCode: 2,
      stderr: expect.stringMatching(/^rollout: the balancer of play "web tier" cannot be read: LB\/stats: /) as string,
    });
    expect(await appsOf(stage)).toEqual(before);
  });

  test('one that goes down for a while in the middle of a run is waited for', async () => {
    const { balancer } = stage.fleet.sandbox;
    const run = stage.start(await stage.playbook(await stage.app('2')));
    await run.event(({ type }) => type === 'drain_started');
    balancer.setStatsMode('down');
    await balancer.asked(20);
    balancer.setStatsMode('ok');
    expect(story((await run.finished).events).at(-1)).toBe(everyoneUpdated);
  });

  test('a slow one makes the run slow, and nothing else', async () => {
    stage.fleet.sandbox.balancer.setStatsMode({ delayMs: 60 });
    const { events } = await stage.rollout(await stage.playbook(await stage.app('2')));
    expect(story(events).at(-1)).toBe(everyoneUpdated);
  });

  test('a percentage of min_available is of all hosts of the play, also where --limit leaves one', async () => {
    stage.fleet.sandbox.balancer.setServer('h3', 'maint');
    const before = await appsOf(stage);
    const image = await stage.app('2');
    const refused = await stage.rollout(
      await stage.playbook(image, { strategy: { min_available: '75%' } }),
      '--limit',
      'h1',
    );
    expect(refused.exitCode).toBe(4);
    expect(refused.stderr).toContain('2 other nodes get requests, at least 3 must');
    expect(await appsOf(stage)).toEqual(before);
    const half = await stage.playbook(image, { strategy: { min_available: '50%' } });
    const { events } = await stage.rollout(half, '--limit', 'h1');
    expect(story(events).at(-1)).toBe('changed, exit 0: h1 updated');
  });

  test('a node is in or out only when both of two balancers say so', async () => {
    const [, second] = stage.fleet.sandbox.balancers;
    // For the second one h3 is out: of four servers three count, and none of them can be spared.
    second?.setServer('h3', 'maint');
    const before = await appsOf(stage);
    const { stderr, exitCode } = await stage.rollout(
      await stage.playbook(await stage.app('2'), { ...bothPages(), strategy: { min_available: 3 } }),
    );
    const lb = (text: string) => text.replaceAll(/127[\d.]+:\d+/g, 'LB');
    expect({ exitCode, stderr: lb(stderr) }).toEqual({
      exitCode: 4,
      stderr:
        'rollout: play "web tier": updating h1 would be downtime just now\n' +
        '  2 other nodes get requests at LB/stats, at least 3 must (h3 is UP at LB/stats, MAINT at LB/stats) (min_available)\n' +
        "  give the others their traffic back first; to accept the downtime write min_available: 0 in the play's strategy\n",
    });
    expect(await appsOf(stage)).toEqual(before);
    second?.setServer('h3', 'ready');
    const next = await stage.rollout(await stage.playbook(await stage.app('2'), bothPages()));
    expect(story(next.events).at(-1)).toBe(everyoneUpdated);
  });

  test('a node that an operator has set to MAINT is updated, and stays so', async () => {
    const { balancer } = stage.fleet.sandbox;
    balancer.setServer('h2', 'maint');
    const { events, exitCode } = await stage.rollout(await stage.playbook(await stage.app('2')));
    expect(exitCode).toBe(0);
    expect(balancer.status('h2')).toBe('MAINT');
    expect(warningsOf(events)).toEqual(['h2 is MAINT, set by an operator: it stays so, and is not waited for']);
    expect(await stage.versions()).toEqual({ h1: '2', h2: '2', h3: '2', h4: '2' });
  });

  test('a server name that is not in the backend is refused, with those that are', async () => {
    const playbook = await stage.playbook(await stage.app('2'), behind({ server: 'web-{{ inventory_hostname }}' }));
    const { exitCode, stderr } = await stage.rollout(playbook);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr:
        'rollout: play "web tier": the balancer has no server web-h1, web-h2, web-h3, web-h4\n' +
        '  it has h1, h2, h3, h4\n' +
        '  name a node as it is named there: load_balancer.server, by default {{ inventory_hostname }}\n',
    });
  });

  test('via reads it through a host, also when the connection to that host breaks in the middle', async () => {
    const { sshd } = stage.fleet.sandbox.host('h4');
    const playbook = await stage.playbook(await stage.app('2'), {
      ...behind({ via: 'h4' }),
      strategy: { canary: { bake: '1500ms' } },
    });
    const run = stage.start(playbook);
    await run.event(({ type }) => type === 'bake_started');
    await sshd.cut();
    await sshd.listen();
    expect(story((await run.finished).events).at(-1)).toBe(everyoneUpdated);
  });

  test('via goes with https as well: TLS from here, with the server that the URL names', async () => {
    const front = await startTlsFront(stage.cwd, stage.fleet.statsUrl);
    stage.fleet.sandbox.outside.add(front.port);
    try {
      const stats = [`https://localhost:${front.port}/stats`];
      const playbook = await stage.playbook(await stage.app('2'), behind({ stats, via: 'h4' }));
      const settings = { script: inject('rolloutScript'), cwd: stage.cwd };
      const stranger = await runRollout([playbook], settings);
      expect({ exitCode: stranger.exitCode, stderr: stranger.stderr }).toEqual({
        exitCode: 2,
        stderr: expect.stringMatching(/cannot be read: localhost:\d+\/stats: self-signed certificate/) as string,
      });
      const env = { NODE_EXTRA_CA_CERTS: front.certificateFile };
      expect((await runRollout([playbook], { ...settings, env })).exitCode).toBe(0);
      expect([...front.serverNames]).toEqual(['localhost']);
      const byAddress = await stage.playbook(
        await stage.app('3'),
        behind({ stats: [`https://127.0.0.1:${front.port}/stats`], via: 'h4' }),
      );
      const wrongName = await runRollout([byAddress], { ...settings, env });
      expect(wrongName.stderr).toMatch(/IP: 127\.0\.0\.1 is not in the cert's list/);
    } finally {
      await front.close();
    }
  });

  test.each([
    ['force', /^\d+ sessions? still open after 500 ms, cut off$/, everyoneUpdated],
    ['fail', undefined, 'rolled_back, exit 5: h1 restored, h2 untouched, h3 untouched, h4 untouched'],
  ] as const)('a drain that takes too long, with on_timeout: %s', async (onTimeout, warning, end) => {
    const load = startLoad({
      url: stage.fleet.frontendUrl,
      // Six a node, of different lengths: one of them is always longer than the drain may take.
      connections: 24,
      slowShare: 1,
      slowMs: [1500, 3000],
    });
    const playbook = await stage.playbook(await stage.app('2'), {
      strategy: { drain: { timeout: '500ms', on_timeout: onTimeout } },
    });
    const { events } = await stage.rollout(playbook);
    await load.stop();
    expect(story(events).at(-1)).toBe(end);
    const cut = warningsOf(events).filter((message) => /sessions? still open after/.test(message));
    if (warning === undefined) {
      expect(cut).toEqual([]);
      expect(story(events)[1]).toMatch(/^h1 failed: stop health, drain h1: \d+ sessions still open after 500 ms/);
    } else expect(cut[0]).toMatch(warning);
  });
});

test('a fleet of one is refused before anything is touched, and updated where min_available: 0 accepts it', async () => {
  const stage = await startStage({ hosts: 1 });
  try {
    await stage.deploy('1');
    const before = await appsOf(stage);
    const refused = await stage.rollout(await stage.playbook(await stage.app('2')));
    expect({ exitCode: refused.exitCode, stderr: refused.stderr }).toEqual({
      exitCode: 2,
      stderr: manualBlock('docs/strategy.md', 'would be downtime'),
    });
    expect(await appsOf(stage)).toEqual(before);
    const accepted = await stage.rollout(
      await stage.playbook(await stage.app('2'), { strategy: { min_available: 0 } }),
    );
    expect(story(accepted.events).at(-1)).toBe('changed, exit 0: h1 updated');
  } finally {
    await stage.close();
  }
});
