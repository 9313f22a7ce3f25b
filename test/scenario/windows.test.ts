import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import type * as Api from '../../src/api/index.ts';
import { systemClock } from '../../src/api/surroundings.ts';
import type { Event } from '../../src/events/event.ts';
import type { Clock } from '../../src/model/clock.ts';
import { startStage, story, warningsOf, type Stage } from './support/stage.ts';

// What the machine's clock shows when a window closes in the middle of a run: moved by an event, between two nodes or
// while one is under way.
let api: typeof Api;
let stage: Stage;

beforeAll(async () => {
  api = (await import(pathToFileURL(join(dirname(inject('rolloutScript')), 'index.js')).href)) as typeof Api;
  stage = await startStage({ hosts: 4 });
});
beforeEach(async () => {
  await stage.deploy('1');
});
afterAll(() => stage.close());

const window = { days: ['sat'], from: '02:00', to: '04:30', timezone: 'Europe/Amsterdam' };
// Far ahead, so that the runs of this clock come after those that prepare them by the machine's own.
const closing = Date.parse('2099-11-28T03:30:00Z');
const patient = { progress_deadline: '1h', healthy_deadline: '1h', drain: { timeout: '1h' }, max_unavailable: 2 };

interface MovedClock extends Clock {
  moveTo(atMs: number): void;
}

function clockAt(startMs: number): MovedClock {
  let aheadMs = startMs - systemClock.now();
  return {
    now: () => systemClock.now() + aheadMs,
    sleep: (delayMs, signal) => systemClock.sleep(delayMs, signal),
    moveTo: (atMs) => void (aheadMs = atMs - systemClock.now()),
  };
}

interface Ended {
  readonly events: Event[];
  readonly exitCode: number;
  readonly refused?: { readonly message: string; readonly details: readonly string[] };
  readonly id: string;
}

async function ended(
  open: (hooks: Api.RunOptions) => Promise<Api.Run>,
  clock: Clock,
  onEvent: (event: Event) => void = () => undefined,
): Promise<Ended> {
  const events: Event[] = [];
  const run = await open({
    ...{ cwd: stage.cwd, homeDir: stage.cwd, clock },
    onEvent: (event) => {
      events.push(event);
      onEvent(event);
    },
  });
  try {
    return { events, id: run.id, exitCode: (await run.start()).exitCode };
  } catch (error) {
    if (!(error instanceof api.RunRefused)) throw error;
    const { message, details } = error;
    return { events, id: run.id, exitCode: error.exitCode, refused: { message, details } };
  } finally {
    await run.close();
  }
}

describe('a run with a window', () => {
  test('that closes in its middle starts no further node, and the next run goes on where it stopped', async () => {
    const playbook = await stage.playbook(await stage.app('2'), { top: { window }, strategy: patient });
    const clock = clockAt(closing - 50_000);
    const first = await ended(
      (hooks) => api.openRun(playbook, hooks),
      clock,
      (event) => {
        // The second node of the fan-out: both are under way by then.
        if (event.type === 'node_started' && event.host === 'h3') clock.moveTo(closing);
      },
    );
    expect(story(first.events).toSorted()).toEqual([
      'bake passed',
      'h1 done',
      'h1 starts: canary',
      'h2 done',
      'h2 starts: fan_out',
      'h3 done',
      'h3 starts: fan_out',
      'paused',
      'paused, exit 7: h1 updated, h2 updated, h3 updated, h4 untouched',
    ]);
    expect(first.exitCode).toBe(7);
    expect(first.events.find(({ type }) => type === 'run_paused')).toMatchObject({
      reason: 'its window has closed (Sat 2099-11-28 04:30 Europe/Amsterdam)',
      next: `rollout resume ${first.id}`,
      by: 'window',
    });
    expect(await stage.versions()).toEqual({ h1: '2', h2: '2', h3: '2', h4: '1' });

    const early = await ended((hooks) => api.resumeRun(first.id, hooks), clockAt(closing + 60_000));
    expect({ ...early.refused, exitCode: early.exitCode, story: story(early.events) }).toEqual({
      exitCode: 7,
      message: 'not started: outside its window (sat 02:00–04:30 Europe/Amsterdam); nothing was touched',
      details: [
        'the next opening is Sat 2099-12-05 02:00 Europe/Amsterdam',
        'to run it all the same: --ignore-window --reason TEXT',
      ],
      story: ['paused, exit 7: h1 untouched, h2 untouched, h3 untouched, h4 untouched'],
    });

    const paused = await api.runPausedByWindow(playbook, { cwd: stage.cwd });
    expect(paused).toBe(first.id);
    const week = 7 * 86_400_000;
    const next = await ended((hooks) => api.resumeRun(paused ?? '', hooks), clockAt(closing - 3_600_000 + week));
    expect(story(next.events)).toEqual([
      'h4 starts: fan_out',
      'h4 done',
      'changed, exit 0: h1 unchanged, h2 unchanged, h3 unchanged, h4 updated',
    ]);
    expect(await api.runPausedByWindow(playbook, { cwd: stage.cwd })).toBeUndefined();
  });

  test('that closes when its last nodes are under way is done, and leaves nothing to resume', async () => {
    const strategy = { ...patient, canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0 };
    const playbook = await stage.playbook(await stage.app('2'), { file: 'last-nodes', top: { window }, strategy });
    const clock = clockAt(closing - 50_000);
    const { exitCode, events } = await ended(
      (hooks) => api.openRun(playbook, hooks),
      clock,
      (event) => {
        if (event.type === 'node_started' && event.host === 'h4') clock.moveTo(closing);
      },
    );
    expect({ exitCode, end: story(events).at(-1), paused: events.some(({ type }) => type === 'run_paused') }).toEqual({
      exitCode: 0,
      end: 'changed, exit 0: h1 updated, h2 updated, h3 updated, h4 updated',
      paused: false,
    });
    expect(clock.now()).toBeGreaterThanOrEqual(closing);
    expect(await api.runPausedByWindow(playbook, { cwd: stage.cwd })).toBeUndefined();
  });

  test('does not start in a freeze, unless somebody says why; its plan says so', async () => {
    const freezes = [{ from: '2099-12-20', to: '2100-01-03', reason: 'holidays' }];
    const playbook = await stage.playbook(await stage.app('2'), { top: { freezes } });
    const clock = clockAt(Date.parse('2099-12-24T12:00:00Z'));
    const refused = await ended((hooks) => api.openRun(playbook, hooks), clock);
    expect({ exitCode: refused.exitCode, ...refused.refused }).toEqual({
      exitCode: 7,
      message: 'not started: a freeze up to Mon 2100-01-04 00:00 UTC: holidays; nothing was touched',
      details: [
        'the next opening is Mon 2100-01-04 00:00 UTC',
        'to run it all the same: --ignore-window --reason TEXT',
      ],
    });
    expect(refused.events.at(-1)).toMatchObject({ outcome: 'paused', exitCode: 7, error: refused.refused });

    const planned: Event[] = [];
    const run = await api.openRun(playbook, {
      cwd: stage.cwd,
      homeDir: stage.cwd,
      clock,
      onEvent: (event) => planned.push(event),
    });
    await run.plan();
    await run.close();
    expect(warningsOf(planned)).toContain(
      'a run would not start now: a freeze up to Mon 2100-01-04 00:00 UTC: holidays; the next opening is Mon 2100-01-04 00:00 UTC',
    );

    const reason = 'the shop is down';
    const forced = await ended((hooks) => api.openRun(playbook, { ...hooks, ignoreWindow: { reason } }), clock);
    expect(forced.exitCode).toBe(0);
    expect(forced.events.find(({ type }) => type === 'run_started')).toMatchObject({ ignoreWindow: { reason } });
    expect(warningsOf(forced.events)).toContain(
      'a freeze up to Mon 2100-01-04 00:00 UTC: holidays: it goes ahead (--ignore-window): the shop is down',
    );

    const back = await ended((hooks) => api.openRollback(playbook, hooks), clock);
    expect(back.exitCode).toBe(0);
    expect(warningsOf(back.events)).toContain(
      'a freeze up to Mon 2100-01-04 00:00 UTC: holidays: a rollback goes ahead all the same',
    );
    expect(await stage.versions()).toEqual({ h1: '1', h2: '1', h3: '1', h4: '1' });
  });

  test('that its schedule has missed starts only within what misfire allows', async () => {
    const image = await stage.app('1');
    const scheduled = { cron: '0 2 * * 6' };
    const due = Date.parse('2026-11-28T01:00:00Z');
    const outcome = async (misfire: string, lateMs: number) => {
      const playbook = await stage.playbook(image, { top: { window, misfire } });
      const { exitCode, refused } = await ended(
        (hooks) => api.openRun(playbook, { ...hooks, scheduled }),
        clockAt(due + lateMs),
      );
      return [exitCode, refused?.message];
    };
    expect(await outcome('skip', 20 * 60_000)).toEqual([
      7,
      'not started: it was missed: it was due Sat 2026-11-28 02:00 Europe/Amsterdam, 20 m 00 s ago, and a missed run is not started late; nothing was touched',
    ]);
    expect(await outcome('run_within 30m', 20 * 60_000)).toEqual([0, undefined]);
    expect(await outcome('run_within 5h', 3 * 3_600_000)).toEqual([
      7,
      'not started: outside its window (sat 02:00–04:30 Europe/Amsterdam); nothing was touched',
    ]);
  });
});

test('the flags about times need what belongs to them', async () => {
  const playbook = await stage.playbook(await stage.app('1'));
  for (const [args, words] of [
    [['--ignore-window'], '--ignore-window needs a reason, for the journal: --reason TEXT'],
    [['--timezone', 'UTC'], '--timezone is that of a schedule: it goes with --scheduled'],
    [
      ['--scheduled', '0 2 * *'],
      '"0 2 * *" is no cron expression: five fields are wanted: minute, hour, day of the month, month, day of the week',
    ],
    [
      ['--scheduled', '0 2 * * *', '--timezone', 'CET'],
      'there is no time zone CET; names are such as Europe/Amsterdam, or UTC',
    ],
  ] as const) {
    const { exitCode, stderr, events } = await stage.rollout(playbook, ...args);
    expect({ exitCode, stderr, events }).toEqual({ exitCode: 2, stderr: `rollout: ${words}\n`, events: [] });
  }
});
