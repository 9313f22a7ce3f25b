import { expect, test } from 'vitest';
import { Heartbeat } from '../../../src/engine/heartbeat.ts';
import type { EventBody } from '../../../src/events/event.ts';
import { manualClock } from '../../support/manual-clock.ts';

const setUp = () => {
  const clock = manualClock(0);
  const said: string[] = [];
  const heartbeat = new Heartbeat(clock, (event: EventBody): void => {
    const at = `${clock.now() / 1000} s`;
    if (event.type === 'waiting') said.push(`${at} ${event.host ?? '-'}: ${event.message} (${event.elapsedMs / 1000})`);
    else if (event.type !== 'op_finished') said.push(`${at} ${event.type}`);
  });
  return { clock, said, heartbeat };
};

test('a wait that has waits within it is one line at a time, in the words of the most specific one', async () => {
  const { clock, said, heartbeat } = setUp();
  const update = async (): Promise<void> => {
    using _update = heartbeat.wait('h1', { message: 'its update to go on', limitMs: 0 });
    await stop();
    await clock.sleep(10_000);
  };
  const stop = async (): Promise<void> => {
    using _stop = heartbeat.wait('h1', { message: 'stop app, which is under way', limitMs: 120_000 });
    await clock.sleep(20_000);
    await reconnect();
    await clock.sleep(22_000);
  };
  const reconnect = async (): Promise<void> => {
    using notice = heartbeat.wait('h1', { limitMs: 120_000 });
    // It looks every 11 s.
    for (let tries = 0; tries < 3; tries += 1) {
      notice.say(`the connection to come back: try ${tries}`);
      await clock.sleep(11_000);
    }
  };
  void update();
  await clock.advanceTo(200_000);
  expect(said).toEqual([
    '9 s h1: stop app, which is under way (9)',
    '18 s h1: stop app, which is under way (18)',
    '27 s h1: the connection to come back: try 0 (7)',
    '36 s h1: the connection to come back: try 1 (16)',
    '45 s h1: the connection to come back: try 2 (25)',
    '54 s h1: stop app, which is under way (54)',
    '63 s h1: stop app, which is under way (63)',
    '72 s h1: stop app, which is under way (72)',
    '81 s h1: its update to go on (81)',
  ]);
  expect(clock.sleepers()).toBe(0);
});

test('ops that go on side by side share the voice of their host; steps that most readers do not see break no silence', async () => {
  const { clock, said, heartbeat } = setUp();
  const op = { kind: 'pull', text: 'pull', cause: '' };
  const drain = async (): Promise<void> => {
    using _drain = heartbeat.wait('h1', { message: 'drain h1, which is under way', limitMs: 0 });
    using notice = heartbeat.wait('h1', { limitMs: 30_000 });
    for (;;) {
      notice.say('h1 to drain: 3 sessions open');
      await clock.sleep(100);
    }
  };
  const create = async (): Promise<void> => {
    using _create = heartbeat.wait('h1', { message: 'create app.next, which is under way', limitMs: 0 });
    await clock.sleep(5000);
    heartbeat.emit({ type: 'op_finished', host: 'h1', op, ok: true, durationMs: 5000 });
    await clock.sleep(9000);
    heartbeat.emit({ type: 'warning', host: 'h1', message: 'seen by everybody' });
  };
  void Promise.all([drain(), create()]);
  await clock.advanceTo(24_000);
  expect(said).toEqual([
    '9 s h1: h1 to drain: 3 sessions open (9)',
    '14 s warning',
    '23 s h1: h1 to drain: 3 sessions open (23)',
  ]);
});

test('a wait without words is silent until it is told, and again when that is over', async () => {
  const { clock, said, heartbeat } = setUp();
  using progress = heartbeat.wait(undefined, { limitMs: 60_000 });
  await clock.advanceTo(30_000);
  progress.restart();
  progress.say('the next node: at most 1 nodes may be out at once');
  await clock.advanceTo(40_000);
  progress.hush();
  await clock.advanceTo(80_000);
  expect(said).toEqual(['39 s -: the next node: at most 1 nodes may be out at once (9)']);
  expect([progress.elapsedMs, progress.isOver, progress.remainingMs]).toEqual([50_000, false, 10_000]);
});

test('each host and the run itself are heard and spoken for apart, and what has ended is silent', async () => {
  const { clock, said, heartbeat } = setUp();
  using _run = heartbeat.wait(undefined, { message: 'h1 and h2 to be read', limitMs: 0 });
  let pending = 'an image of h2';
  using _h2 = heartbeat.wait('h2', { message: () => pending, limitMs: 0 });
  {
    using _h1 = heartbeat.wait('h1', { message: 'its host', limitMs: 0 });
    await clock.advanceTo(5000);
    heartbeat.emit({ type: 'warning', host: 'h1', message: 'breaks the silence of h1 alone' });
    await clock.advanceTo(15_000);
  }
  pending = 'the rest of h2';
  await clock.advanceTo(26_000);
  expect(said).toEqual([
    '5 s warning',
    '9 s -: h1 and h2 to be read (9)',
    '9 s h2: an image of h2 (9)',
    '14 s h1: its host (14)',
    '18 s -: h1 and h2 to be read (18)',
    '18 s h2: the rest of h2 (18)',
  ]);
});
