import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { startLoad, type LoadReport } from '../../src/sandbox/load.ts';
import { containersOn } from '../support/containers.ts';
import { onTerminal } from '../support/on-terminal.ts';
import { appsOf, startStage, story, type Stage } from './support/stage.ts';

describe('the canary', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage();
  });
  beforeEach(() => stage.deploy('1'));
  afterEach(() => stage.reset());
  afterAll(() => stage.close());

  const underLoad = async <T>(work: () => Promise<T>): Promise<{ result: T; load: LoadReport }> => {
    const load = startLoad({ url: stage.fleet.frontendUrl, connections: 8, slowShare: 0, thinkMs: 5 });
    try {
      return { result: await work(), load: await load.stop() };
    } finally {
      await load.stop();
    }
  };

  test('a version with 5 % of errors and a good health check is caught in its bake: only its share is lost', async () => {
    const before = await appsOf(stage);
    const playbook = await stage.playbook(await stage.app('2', { APP_ERROR_PERCENT: '5' }), {
      strategy: { canary: { bake: '20s', min_requests: 100 } },
    });
    const { result, load } = await underLoad(() => stage.rollout(playbook));
    expect(story(result.events)).toEqual([
      'h1 starts: canary',
      'h1 done',
      'bake failed',
      expect.stringMatching(
        /^h1 failed: bake: \d+ of \d+ failed \([\d.]+ %\), peers 0\.0 %; at most 0\.2 % more is allowed, and chance alone does this once in [\d,]+/,
      ),
      'h1 starts: rollback',
      'h1 restored',
      'rolled_back, exit 5: h1 restored, h2 untouched, h3 untouched, h4 untouched',
    ]);
    const byCanary = (load.byVersion['2'] ?? 0) + load.failed;
    expect(load.failures.every(({ kind, status }) => kind === 'status' && status === 500)).toBe(true);
    expect(load.failed).toBeGreaterThan(0);
    expect(load.failed).toBeLessThanOrEqual(Math.ceil(byCanary * 0.05));
    expect(await appsOf(stage)).toEqual(before);
  });

  test('counters that a reload of the balancer resets do not spoil the verdict', async () => {
    const playbook = await stage.playbook(await stage.app('2'), {
      strategy: { canary: { bake: '2s', min_requests: 10 } },
    });
    const { result } = await underLoad(async () => {
      const run = stage.start(playbook);
      await run.event(({ type }) => type === 'bake_started');
      stage.fleet.sandbox.balancer.reload();
      return run.finished;
    });
    expect(story(result.events)).toContain('bake passed');
    expect(result.exitCode).toBe(0);
  });

  test('a container that dies and is restarted during the bake fails it at once', async () => {
    const run = stage.start(await stage.playbook(await stage.app('2'), { strategy: { canary: { bake: '10m' } } }));
    await run.event(({ type }) => type === 'bake_started');
    const container = stage.fleet.sandbox.host('h1').engine.findContainer('app');
    container?.process?.kill('SIGKILL');
    const { events, exitCode } = await run.finished;
    expect(exitCode).toBe(5);
    expect(story(events).slice(2)).toEqual([
      'bake failed',
      // Seen at the container: the balancer asks the health container, which is well.
      expect.stringMatching(/^h1 failed: bake: app on h1 (crashed and was restarted|exited)/),
      'h1 starts: rollback',
      'h1 restored',
      'rolled_back, exit 5: h1 restored, h2 untouched, h3 untouched, h4 untouched',
    ]);
  });

  test('a container that is restarted between two looks fails the bake all the same', async () => {
    const run = stage.start(await stage.playbook(await stage.app('2'), { strategy: { canary: { bake: '10m' } } }));
    await run.event(({ type }) => type === 'bake_started');
    await stage.fleet.docker('h1', ['exec', 'app', 'true']);
    const container = stage.fleet.sandbox.host('h1').engine.findContainer('app');
    container?.process?.kill('SIGKILL');
    await vi.waitFor(() => expect(container?.restartCount).toBe(1));
    const { events } = await run.finished;
    expect(story(events).slice(2, 4)).toEqual([
      'bake failed',
      expect.stringMatching(/^h1 failed: bake: app on h1 crashed and was restarted/),
    ]);
  });

  test('a probe that fails during the bake fails it at once', async () => {
    const { sandbox } = stage.fleet;
    const file = '/srv/ready';
    for (const host of stage.fleet.hosts) sandbox.host(host).machine.files.set(file, Buffer.from('yes'));
    const run = stage.start(
      await stage.playbook(await stage.app('2'), {
        appKeys: { probe: { command: ['cat', file], interval: '100ms' } },
        strategy: { canary: { bake: '30s' } },
      }),
    );
    await run.event(({ type }) => type === 'bake_started');
    sandbox.host('h1').machine.files.delete(file);
    const { events, exitCode } = await run.finished;
    expect(exitCode).toBe(5);
    expect(story(events).slice(2)).toEqual([
      'bake failed',
      `h1 failed: bake: the probe of app on h1 fails: cat ${file} exited with 1: cat: ${file}: No such file or directory`,
      'h1 starts: rollback',
      'h1 restored',
      'rolled_back, exit 5: h1 restored, h2 untouched, h3 untouched, h4 untouched',
    ]);
  });

  test.each([
    ['y\r', 0, 'h1 updated, h2 updated, h3 updated, h4 updated'],
    ['n\r', 7, 'h1 updated, h2 untouched, h3 untouched, h4 untouched'],
    // Ctrl-C.
    ['\x03', 130, 'h1 updated, h2 untouched, h3 untouched, h4 untouched'],
  ] as const)('promote: manual asks on a terminal; the answer %j ends with %i', async (answer, exitCode, results) => {
    const playbook = await stage.playbook(await stage.app('2'), { strategy: { canary: { promote: 'manual' } } });
    const child = onTerminal([process.execPath, inject('rolloutScript'), playbook], stage.cwd);
    await child.said('Go on with the others? [y/N]');
    child.type(answer);
    expect(await child.exited).toBe(exitCode);
    for (const result of results.split(', ')) {
      const [host = '', word = ''] = result.split(' ');
      expect(child.text()).toMatch(new RegExp(`^${host} +${word}`, 'm'));
    }
  });

  test('promote: manual pauses without a terminal; resume goes on with the same digests and without a second canary', async () => {
    const playbook = await stage.playbook(await stage.app('2'), { strategy: { canary: { promote: 'manual' } } });
    const paused = await stage.rollout(playbook);
    expect(paused.exitCode).toBe(7);
    expect(story(paused.events)).toEqual([
      'h1 starts: canary',
      'h1 done',
      'bake passed',
      'paused',
      'paused, exit 7: h1 updated, h2 untouched, h3 untouched, h4 untouched',
    ]);
    // The tag moves: what has been judged is what the others get.
    await stage.app('2', { MOVED: 'yes' });
    const resumed = await stage.rollout('resume', paused.events[0]?.run ?? 'none');
    expect({ exitCode: resumed.exitCode, stderr: resumed.stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(story(resumed.events)).toEqual([
      ...['h2', 'h3', 'h4'].flatMap((host) => [`${host} starts: fan_out`, `${host} done`]),
      'changed, exit 0: h1 unchanged, h2 updated, h3 updated, h4 updated',
    ]);
    const images = await Promise.all(
      stage.fleet.hosts.map(async (host) =>
        (await containersOn(stage.fleet, host))
          .filter((line) => line.startsWith('app '))
          .map((line) => line.split(' ')[3]),
      ),
    );
    expect(new Set(images.flat()).size).toBe(1);
  });

  test('rollback goes back to the parked containers, one at a time, and once more forward with a run', async () => {
    const before = await appsOf(stage);
    const playbook = await stage.playbook(await stage.app('2'));
    expect((await stage.rollout(playbook)).exitCode).toBe(0);
    const { events, exitCode } = await stage.rollout('rollback', playbook);
    expect(exitCode).toBe(0);
    expect(story(events)).toEqual([
      ...['h1', 'h2', 'h3', 'h4'].flatMap((host) => [`${host} starts: rollback`, `${host} restored`]),
      'changed, exit 0: h1 updated, h2 updated, h3 updated, h4 updated',
    ]);
    expect(await appsOf(stage)).toEqual(before);
  });

  test('rollback --to a composition goes there without a canary, within the same limits', async () => {
    const compose = async (version: string): Promise<string> => {
      const file = join(stage.cwd, `${version}.yaml`);
      await writeFile(file, JSON.stringify({ name: `c_${version}`, components: { app: await stage.app(version) } }));
      return file;
    };
    const playbook = await stage.playbook('', {
      appKeys: { image: undefined },
      top: { composition: await compose('2') },
    });
    expect((await stage.rollout(playbook)).exitCode).toBe(0);
    const { events, exitCode } = await stage.rollout('rollback', playbook, '--to', await compose('1'));
    expect(exitCode).toBe(0);
    expect(story(events)).toEqual([
      ...['h1', 'h2', 'h3', 'h4'].flatMap((host) => [`${host} starts: fan_out`, `${host} done`]),
      'changed, exit 0: h1 updated, h2 updated, h3 updated, h4 updated',
    ]);
    expect(await stage.versions()).toEqual({ h1: '1', h2: '1', h3: '1', h4: '1' });
  });

  test('what a person reads of an update, and of a version that is taken back', async () => {
    const good = await stage.plain(await stage.playbook(await stage.app('8')));
    const bad = await stage.plain(await stage.playbook(await stage.app('9', { APP_FAULT: 'error' })));
    await expect(masked(good.stdout, stage)).toMatchFileSnapshot('../cases/scenario/update.txt');
    await expect(masked(bad.stdout, stage)).toMatchFileSnapshot('../cases/scenario/taken-back.txt');
  });
});

/** A transcript without what differs from run to run: times, ids, ports, digests, requests counted. */
function masked(transcript: string, { fleet }: Stage): string {
  return (
    transcript
      .replaceAll(fleet.registry, 'registry.example.com')
      .replaceAll(`${fleet.dir}/`, '')
      .replace(/sha256:[0-9a-f]+…?/g, 'sha256:…')
      .replace(/\b\d{8}-\d{6}-[a-z0-9]{4}\b/g, 'RUN')
      .replace(/^ *\d+:\d\d\.\d/gm, ' 0:00.0')
      .replace(/ +\d+(\.\d+)? m?s\b/g, ' TIME')
      // Whether the tests before it have made traffic.
      .replace(/with nothing to compare with|the fleet before the run 0\.0 %/g, 'REFERENCE')
      // The column is as wide as its times.
      .replace(/result +time$/gm, 'result time')
      .replace(/\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+Z)?/g, 'DATE')
  );
}
