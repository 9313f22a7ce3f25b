import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startLoad } from '../../src/sandbox/load.ts';
import { appsOf, startStage, story, type Stage } from './support/stage.ts';

describe('the verdict on real traffic, to the end of a run', { timeout: 240_000 }, () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage();
  });
  beforeEach(() => stage.deploy('1'));
  afterEach(() => stage.reset());
  afterAll(() => stage.close());

  const underLoad = async <T>(work: () => Promise<T>): Promise<T> => {
    const load = startLoad({ url: stage.fleet.frontendUrl, connections: 8, slowShare: 0, thinkMs: 5 });
    try {
      return await work();
    } finally {
      await load.stop();
    }
  };

  /** Serves well for so long after its start, then fails a third of its requests. */
  const turningBad = (afterMs: number): Promise<string> =>
    stage.app(`late-${afterMs}`, { APP_ERROR_PERCENT: '33.5', APP_ERROR_AFTER_MS: String(afterMs) });

  const everyNodeBack = 'rolled_back, exit 5: h1 restored, h2 restored, h3 restored, h4 restored';

  test('a version that turns bad after the last node is caught in the soak: every node goes back', async () => {
    const before = await appsOf(stage);
    const playbook = await stage.playbook(await turningBad(12_000), {
      strategy: { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0, soak: '4m' },
    });
    const { events, exitCode } = await underLoad(() => stage.rollout(playbook));
    expect(exitCode).toBe(5);
    expect(story(events).at(-1)).toBe(everyNodeBack);
    expect(events.find((event) => event.type === 'bake_finished' && event.wave === 'soak')).toMatchObject({
      verdict: 'failed',
      hosts: ['h1', 'h2', 'h3', 'h4'],
      reason: expect.stringMatching(
        /^\d+ of \d+ failed \([\d.]+ %\), the fleet before the run 0\.0 %; at most 0\.2 % more is allowed/,
      ) as string,
      before: { errors: 0 },
    });
    expect(await appsOf(stage)).toEqual(before);
  });

  test('a version that turns bad while others are updated is caught there: no further node starts, and all go back', async () => {
    const playbook = await stage.playbook(await turningBad(0), {
      // Each node takes its time, so that those updated serve beside those still to come.
      strategy: { canary: { hosts: 0 }, min_healthy_time: '4s', healthy_deadline: '60s' },
    });
    const { events, exitCode } = await underLoad(() => stage.rollout(playbook));
    expect(exitCode).toBe(5);
    expect(events.find(({ type }) => type === 'fan_out_judged')).toMatchObject({
      verdict: 'failed',
      reason: expect.stringMatching(/^\d+ of \d+ failed \([\d.]+ %\), peers 0\.0 %; at most 0\.2 % more/) as string,
    });
    const started = events.flatMap((event) =>
      event.type === 'node_started' && event.role === 'fan_out' ? [event.host] : [],
    );
    expect(started).not.toContain('h4');
    expect(story(events).at(-1)).toMatch(/^rolled_back, exit 5: h1 restored, .*h4 untouched$/);
  });

  test('with on_failure: continue it stays, and the run ends with 3', async () => {
    const playbook = await stage.playbook(await turningBad(0), {
      strategy: { canary: { hosts: 0 }, min_healthy_time: '4s', healthy_deadline: '60s', on_failure: 'continue' },
    });
    const { exitCode } = await underLoad(() => stage.rollout(playbook));
    expect(exitCode).toBe(3);
  });

  test.each([
    ['continue', 0, 'changed'],
    ['pause', 7, 'paused'],
    ['fail', 5, 'rolled_back'],
  ] as const)(
    'too little to judge by prolongs the bake up to bake_max; then on_inconclusive: %s ends with %i',
    async (on_inconclusive, code, outcome) => {
      const canary = { bake: '100ms', bake_max: '1s', min_requests: 50, on_inconclusive };
      const { events, exitCode } = await stage.rollout(
        await stage.playbook(await stage.app('2'), { strategy: { canary } }),
      );
      expect(exitCode).toBe(code);
      const bake = events.filter(({ type }) => type.startsWith('bake_'));
      expect(bake).toMatchObject([
        { type: 'bake_started', bakeMs: 100 },
        { type: 'bake_prolonged', bakeMs: 1000 },
        { type: 'bake_finished', verdict: 'inconclusive' },
      ]);
      expect((bake[2]?.at ?? 0) - (bake[0]?.at ?? 0)).toBeGreaterThanOrEqual(1000);
      expect(events.at(-1)).toMatchObject({ type: 'run_finished', outcome });
    },
  );

  test('traffic that comes while the bake goes on ends it', async () => {
    const run = stage.start(
      await stage.playbook(await stage.app('2'), {
        strategy: { canary: { bake: '100ms', bake_max: '5m', min_requests: 50 } },
      }),
    );
    await run.event(({ type }) => type === 'bake_prolonged');
    const { events, exitCode } = await underLoad(() => run.finished);
    expect(exitCode).toBe(0);
    expect(story(events)).toContain('bake passed');
  });
});
