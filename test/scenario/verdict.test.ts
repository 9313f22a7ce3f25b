import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startLoad } from '../../src/sandbox/load.ts';
import { appsOf, startStage, story, warningsOf, type Stage } from './support/stage.ts';

describe('the verdict on real traffic, to the end of a run', { timeout: 240_000 }, () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage();
  });
  beforeEach(() => stage.deploy('1'));
  afterEach(() => stage.reset());
  afterAll(() => stage.close());

  const underLoad = async <T>(work: () => Promise<T>, connections = 8): Promise<T> => {
    const load = startLoad({ url: stage.fleet.frontendUrl, connections, slowShare: 0, thinkMs: 5 });
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
    // How many were updated by then is a matter of how many requests came meanwhile.
    const started = (some: typeof events): readonly string[] =>
      some.flatMap((event) => (event.type === 'node_started' && event.role === 'fan_out' ? [event.host] : []));
    const judgedAt = events.findIndex(({ type }) => type === 'fan_out_judged');
    expect(started(events.slice(judgedAt))).toEqual([]);
    const touched = new Set(started(events));
    const ends = ['h1', 'h2', 'h3', 'h4'].map((host) => `${host} ${touched.has(host) ? 'restored' : 'untouched'}`);
    expect(story(events).at(-1)).toBe(`rolled_back, exit 5: ${ends.join(', ')}`);
  });

  test('with on_failure: continue the others are updated all the same, it is said once, and the run ends with 3', async () => {
    const playbook = await stage.playbook(await turningBad(0), {
      strategy: { canary: { hosts: 0 }, min_healthy_time: '4s', healthy_deadline: '60s', on_failure: 'continue' },
    });
    const { events } = await underLoad(() => stage.rollout(playbook));
    expect(story(events).at(-1)).toBe('failed, exit 3: h1 updated, h2 updated, h3 updated, h4 updated');
    expect(events.filter(({ type }) => type === 'fan_out_judged')).toMatchObject([{ verdict: 'failed' }]);
    expect(warningsOf(events)).toEqual([
      expect.stringMatching(
        /^what was updated \(.*\) fails: .*: what is updated stays as it is \(on_failure: continue\)$/,
      ),
    ]);
  });

  test.each([
    ['continue', 0, 'changed'],
    ['pause', 7, 'paused'],
    ['fail', 5, 'rolled_back'],
  ] as const)(
    'too little to judge by prolongs the bake up to bake_max; then on_inconclusive: %s ends with %i',
    async (on_inconclusive, code, outcome) => {
      const canary = { bake: '300ms', bake_max: '1s', min_requests: 10_000, on_inconclusive };
      const playbook = await stage.playbook(await stage.app('2'), { strategy: { canary } });
      const { events, exitCode } = await underLoad(() => stage.rollout(playbook), 1);
      expect(exitCode).toBe(code);
      const bake = events.filter(({ type }) => type.startsWith('bake_'));
      expect(bake).toMatchObject([
        { type: 'bake_started', bakeMs: 300 },
        { type: 'bake_prolonged', bakeMs: 1000 },
        { type: 'bake_finished', verdict: 'inconclusive' },
      ]);
      expect((bake[2]?.at ?? 0) - (bake[0]?.at ?? 0)).toBeGreaterThanOrEqual(1000);
      expect(events.at(-1)).toMatchObject({ type: 'run_finished', outcome });
    },
  );

  test.each([
    ['continue', 'changed, exit 0: h1 updated, h2 updated, h3 updated, h4 updated'],
    ['fail', 'rolled_back, exit 5: h1 restored, h2 untouched, h3 untouched, h4 untouched'],
  ] as const)(
    'a fleet that nobody uses is not waited for: the bake ends at its time, says so, and on_inconclusive: %s decides',
    async (on_inconclusive, end) => {
      const canary = { bake: '200ms', bake_max: '1h', min_requests: 50, on_inconclusive };
      const { events } = await stage.rollout(await stage.playbook(await stage.app('2'), { strategy: { canary } }));
      expect(events.filter(({ type }) => type.startsWith('bake_'))).toMatchObject([
        { type: 'bake_started', bakeMs: 200 },
        {
          type: 'bake_finished',
          verdict: 'inconclusive',
          reason: 'no server of the backend got a request in that time, so there is nothing to judge',
        },
      ]);
      expect(story(events).at(-1)).toBe(end);
    },
  );

  test('a canary that its balancer sends nothing to by its own settings is not waited for either', async () => {
    stage.fleet.sandbox.balancer.setWeight('h1', 0);
    const canary = { bake: '300ms', bake_max: '1h', min_requests: 50 };
    const playbook = await stage.playbook(await stage.app('2'), { strategy: { canary } });
    const { events, exitCode } = await underLoad(() => stage.rollout(playbook), 1);
    expect(exitCode).toBe(0);
    expect(events.filter(({ type }) => type.startsWith('bake_'))).toMatchObject([
      { type: 'bake_started' },
      { verdict: 'inconclusive', reason: expect.stringMatching(/^0 requests are too few, 50 are needed/) as string },
    ]);
  });

  test('a soak that cannot be judged goes the way of on_inconclusive too, and is not held again by resume', async () => {
    const strategy = { soak: '200ms', canary: { hosts: 0, min_requests: 50, on_inconclusive: 'pause' } };
    const paused = await stage.rollout(await stage.playbook(await stage.app('2'), { strategy }));
    expect(story(paused.events).slice(-3)).toEqual([
      'bake inconclusive',
      'paused',
      'paused, exit 7: h1 updated, h2 updated, h3 updated, h4 updated',
    ]);
    const resumed = await stage.rollout('resume', paused.events[0]?.run ?? '');
    expect(story(resumed.events)).toEqual([
      'unchanged, exit 0: h1 unchanged, h2 unchanged, h3 unchanged, h4 unchanged',
    ]);
  });

  test('traffic that comes while the bake goes on ends it', async () => {
    const playbook = await stage.playbook(await stage.app('2'), {
      strategy: { canary: { bake: '300ms', bake_max: '5m', min_requests: 400 } },
    });
    const { events, exitCode } = await underLoad(async () => {
      const run = stage.start(playbook);
      await run.event(({ type }) => type === 'bake_prolonged');
      return underLoad(() => run.finished);
    }, 1);
    expect(exitCode).toBe(0);
    expect(story(events)).toContain('bake passed');
  });
});
