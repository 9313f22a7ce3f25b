import { expect, test } from 'vitest';
import type { RunContext } from '../../../src/engine/context.ts';
import { Interrupt } from '../../../src/engine/interrupt.ts';
import { WaitNotice, whileSilent } from '../../../src/engine/wait.ts';
import type { EventBody } from '../../../src/events/event.ts';
import { manualClock } from '../../support/manual-clock.ts';

const setUp = () => {
  const clock = manualClock(0);
  const said: string[] = [];
  const emit = (event: EventBody): void => {
    const at = `${clock.now() / 1000} s`;
    if (event.type === 'waiting') said.push(`${at} ${event.host ?? '-'}: ${event.message} (${event.elapsedMs / 1000})`);
    else if (event.type !== 'op_finished') said.push(`${at} ${event.type}`);
  };
  const context: RunContext = {
    run: 'r',
    clock,
    startedMs: 0,
    emit,
    interrupt: new Interrupt(),
    resumeCommand: 'rollout resume r1',
    forks: 1,
  };
  return { clock, said, context };
};

const never = new Promise<void>(() => undefined);

test('a wait that has waits within it is one line at a time, in the words of the most specific one', async () => {
  const { clock, said, context } = setUp();
  void whileSilent(context, 'h1', { message: 'its update to go on', limitMs: 0 }, (node) =>
    whileSilent(node, 'h1', { message: 'stop app, which is under way', limitMs: 120_000 }, async (op) => {
      const notice = new WaitNotice(op, 'h1', 120_000);
      // As a reconnect does, which looks every 11 s.
      await clock.sleep(20_000);
      for (let tries = 0; tries < 3; tries += 1) {
        notice.say(`the connection to come back: try ${tries}`);
        await clock.sleep(11_000);
      }
      notice.end();
      await never;
    }),
  );
  await clock.advanceTo(75_000);
  expect(said).toEqual([
    '9 s h1: stop app, which is under way (9)',
    '18 s h1: stop app, which is under way (18)',
    '27 s h1: the connection to come back: try 0 (27)',
    '36 s h1: the connection to come back: try 1 (36)',
    '45 s h1: the connection to come back: try 2 (45)',
    '54 s h1: stop app, which is under way (54)',
    '63 s h1: stop app, which is under way (63)',
    '72 s h1: stop app, which is under way (72)',
  ]);
});

test('ops that go on side by side share the voice of their host; steps that most readers do not see break no silence', async () => {
  const { clock, said, context } = setUp();
  const op = { kind: 'pull', text: 'pull', cause: '' };
  void whileSilent(context, 'h1', { message: 'its update to go on', limitMs: 0 }, (node) =>
    Promise.all([
      whileSilent(node, 'h1', { message: 'drain h1, which is under way', limitMs: 0 }, async (heard) => {
        const notice = new WaitNotice(heard, 'h1', 30_000);
        for (;;) {
          notice.say('h1 to drain: 3 sessions open');
          await clock.sleep(100);
        }
      }),
      whileSilent(node, 'h1', { message: 'create app.next, which is under way', limitMs: 0 }, async (heard) => {
        await clock.sleep(5000);
        heard.emit({ type: 'op_finished', host: 'h1', op, ok: true, durationMs: 5000 });
        await clock.sleep(9000);
        heard.emit({ type: 'warning', host: 'h1', message: 'seen by everybody' });
      }),
    ]),
  );
  await clock.advanceTo(24_000);
  expect(said).toEqual([
    '9 s h1: h1 to drain: 3 sessions open (9)',
    '14 s warning',
    '23 s h1: h1 to drain: 3 sessions open (23)',
  ]);
});

test('a voice without words of its own is silent until it is told of a wait', async () => {
  const { clock, said, context } = setUp();
  void whileSilent(context, undefined, { message: () => undefined, limitMs: 0 }, async (heard) => {
    await clock.sleep(30_000);
    new WaitNotice(heard, undefined, 60_000).say('the next node: at most 1 nodes may be out at once');
    await never;
  });
  await clock.advanceTo(40_000);
  expect(said).toEqual(['36 s -: the next node: at most 1 nodes may be out at once (6)']);
});
