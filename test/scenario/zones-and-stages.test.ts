import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Event } from '../../src/events/event.ts';
import { containersOn } from '../support/containers.ts';
import { appsOf, startStage, story, warningsOf, type Stage } from './support/stage.ts';

const by = "{{ 'a' if inventory_hostname in ['h1', 'h2', 'h3'] else 'b' }}";

describe('a play goes through its zones and stages', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage({ hosts: 6 });
  });
  beforeEach(() => stage.deploy('1'));
  afterEach(() => stage.reset());
  afterAll(() => stage.close());

  const zoned = { zones: { by, bake: '200ms' }, max_unavailable: 2, min_available: 2 };
  const crash = { APP_FAULT: 'crash' };
  const wavesBaked = (events: readonly Event[]): readonly string[] =>
    events.flatMap((event) => (event.type === 'bake_finished' ? [`${event.wave ?? ''} ${event.hosts.join(' ')}`] : []));

  test('one zone after the other, with a bake between them, and stages within each', async () => {
    const { exitCode, events } = await stage.rollout(
      await stage.playbook(await stage.app('2'), { strategy: { ...zoned, stages: ['70%'] } }),
    );
    expect({ exitCode, waves: wavesBaked(events) }).toEqual({
      exitCode: 0,
      waves: ['canary h1', 'stage 70% of zone a h2', 'zone a h3', 'stage 70% of zone b h4 h5'],
    });
    const starts = events.flatMap((event) => (event.type === 'node_started' ? [event.host] : []));
    expect([...starts.slice(0, 3), starts.slice(3, 5).sort(), starts.slice(5)]).toEqual([
      'h1',
      'h2',
      'h3',
      ['h4', 'h5'],
      ['h6'],
    ]);
    const plan = events.find((event) => event.type === 'plan_ready');
    expect(plan?.plays[0]?.waves).toEqual([
      { name: 'canary', zone: 'a', hosts: ['h1'], maxUnavailable: 2, bakeMs: 200 },
      { name: 'stage 70% of zone a', zone: 'a', hosts: ['h2'], maxUnavailable: 2, bakeMs: 200 },
      { name: 'zone a', zone: 'a', hosts: ['h3'], maxUnavailable: 2, bakeMs: 200 },
      { name: 'stage 70% of zone b', zone: 'b', hosts: ['h4', 'h5'], maxUnavailable: 2, bakeMs: 200 },
      { name: 'zone b', zone: 'b', hosts: ['h6'], maxUnavailable: 2, bakeMs: 0 },
    ]);
  });

  /** Version 2 crashes on one host only. */
  const failingOn = async (host: string, strategy: Readonly<Record<string, unknown>>): Promise<string> => {
    const [good, bad] = [await stage.app('2'), await stage.app('2-bad', crash)];
    return stage.playbook(`{{ '${bad}' if inventory_hostname == '${host}' else '${good}' }}`, { strategy });
  };

  test('a failure in the first zone puts its nodes back, and the second one is never touched', async () => {
    const secondZone = ['h4', 'h5', 'h6'];
    const lookAtIt = () => Promise.all(secondZone.map((host) => containersOn(stage.fleet, host)));
    const before = { apps: await appsOf(stage), secondZone: await lookAtIt() };
    const { exitCode, events } = await stage.rollout(await failingOn('h3', zoned));
    expect(exitCode).toBe(5);
    expect(story(events).at(-1)).toBe(
      'rolled_back, exit 5: h1 restored, h2 restored, h3 restored, h4 untouched, h5 untouched, h6 untouched',
    );
    expect({ apps: await appsOf(stage), secondZone: await lookAtIt() }).toEqual(before);
    const ofSecondZone = events.filter((event) => 'host' in event && secondZone.includes(event.host ?? ''));
    // An image that an earlier test brought is not pulled again.
    const types = new Set(ofSecondZone.map(({ type }) => type));
    expect([...types].filter((type) => type !== 'image_pulled')).toEqual(['host_connected']);
  });

  test('a failure in the second zone takes the first one back as well, each within its own limits', async () => {
    const before = await appsOf(stage);
    const { exitCode, events } = await stage.rollout(await failingOn('h5', { ...zoned, max_unavailable: '34%' }));
    expect(exitCode).toBe(5);
    expect(await appsOf(stage)).toEqual(before);
    const back = events.flatMap((event) =>
      event.type === 'node_started' && event.role === 'rollback' ? [event.host] : [],
    );
    expect(back).toEqual(['h4', 'h3', 'h2', 'h1']);
  });

  test('with on_failure: pause what is done stays, and the second zone waits for resume', async () => {
    const { exitCode, events } = await stage.rollout(await failingOn('h3', { ...zoned, on_failure: 'pause' }));
    expect(exitCode).toBe(7);
    expect(story(events).at(-1)).toMatch(/: h1 updated, h2 updated, h3 restored, h4 untouched, h5 untouched, h6 unt/);
  });

  test('with on_failure: continue the rest of the zone is updated, and the second zone is left alone', async () => {
    const strategy = { ...zoned, max_unavailable: 1, on_failure: 'continue' };
    const { exitCode, events } = await stage.rollout(await failingOn('h2', strategy));
    expect(exitCode).toBe(3);
    expect(story(events).at(-1)).toBe(
      'failed, exit 3: h1 updated, h2 restored, h3 updated, h4 untouched, h5 untouched, h6 untouched',
    );
    expect(warningsOf(events)).toEqual([
      'h2 failed: a failure stays in its zone, so the zones after it are left alone',
    ]);
  });

  test('with on_failure: continue a canary that fails its bake goes back, its zone is updated, and the second one left alone', async () => {
    const checks = [{ name: 'basket', command: ['false'], during: ['bake'] }];
    const { events } = await stage.rollout(
      await stage.playbook(await stage.app('2'), { strategy: { ...zoned, on_failure: 'continue', checks } }),
    );
    expect(story(events).at(-1)).toBe(
      'failed, exit 3: h1 restored, h2 updated, h3 updated, h4 untouched, h5 untouched, h6 untouched',
    );
    expect(warningsOf(events)).toEqual([
      expect.stringMatching(/^the canary h1 failed its bake: .*: the others of zone a are updated all the same/),
      expect.stringMatching(/^the canary h1 failed its bake: .*: a failure stays in its zone, so the zones after it/),
    ]);
  });

  test('a run that is interrupted in the bake of a stage has that bake again, and no other', async () => {
    const strategy = { stages: ['50%'], canary: { bake: '2s' }, max_unavailable: 2 };
    const run = stage.start(await stage.playbook(await stage.app('2'), { strategy }));
    const stageBakes = (event: Event): boolean => event.type === 'bake_started' && event.wave === 'stage 50%';
    await run.event(stageBakes);
    run.process.kill('SIGINT');
    const { exitCode, events } = await run.finished;
    expect({ exitCode, waves: wavesBaked(events) }).toEqual({ exitCode: 130, waves: ['canary h1'] });
    const resumed = await stage.rollout('resume', events[0]?.run ?? '');
    expect({ exitCode: resumed.exitCode, waves: wavesBaked(resumed.events) }).toEqual({
      exitCode: 0,
      waves: ['stage 50% h2 h3'],
    });
    expect(new Set(Object.values(await stage.versions()))).toEqual(new Set(['2']));
    const plan = resumed.events.find((event) => event.type === 'plan_ready');
    expect(plan?.text).toContain('1. stage 50%: h2, h3, updated already, then a bake of 2.0 s');
  });

  test('a zone is what is left of it by --limit', async () => {
    const playbook = await stage.playbook(await stage.app('2'), { strategy: zoned });
    const { stdout } = await stage.plain('plan', playbook, '--limit', 'h3:h4');
    expect(stdout).toMatch(/ 1\. canary of zone a: h3, then a bake of 200 ms\n +2\. zone b: h4\n/);
  });
});
