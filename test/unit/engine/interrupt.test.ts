import { describe, expect, test } from 'vitest';
import { Interrupt, Interrupted } from '../../../src/engine/interrupt.ts';
import { manualClock } from '../../support/manual-clock.ts';

const state = (interrupt: Interrupt) => ({
  requested: interrupt.isRequested,
  pause: interrupt.isPause,
  reason: interrupt.pauseReason,
  closed: interrupt.hasClosed,
  soon: interrupt.soon.aborted,
});
const closing = { atMs: 90_000_000, reason: 'its window has closed' };
const going = { requested: false, pause: false, reason: '', closed: false, soon: false };
const closed = { requested: true, pause: true, reason: 'its window has closed', closed: true, soon: true };

describe('a run whose window closes', () => {
  test('pauses then, more than a day later as well, and its waits end', async () => {
    const clock = manualClock(0);
    const interrupt = new Interrupt(clock);
    interrupt.pauseAt(closing);
    await clock.advanceTo(closing.atMs - 1);
    expect(state(interrupt)).toEqual(going);
    await clock.advanceTo(closing.atMs);
    expect(interrupt.soon.reason).toEqual(new Interrupted('pause', 'its window has closed'));
    expect(state(interrupt)).toEqual(closed);
  });

  test('starts no node by a timer that is late', () => {
    let nowMs = 0;
    const interrupt = new Interrupt({ now: () => nowMs, sleep: () => new Promise(() => undefined) });
    interrupt.pauseAt(closing);
    expect(state(interrupt)).toEqual(going);
    nowMs = closing.atMs;
    expect(state(interrupt)).toEqual(closed);
  });

  test('does not pause once more where somebody has stopped or paused it', async () => {
    const clock = manualClock(0);
    const [stopped, paused] = [new Interrupt(clock), new Interrupt(clock)];
    for (const each of [stopped, paused]) each.pauseAt(closing);
    stopped.request();
    paused.pause('an operator has paused it');
    await clock.advanceTo(closing.atMs);
    expect(state(stopped)).toEqual({ ...going, requested: true, soon: true });
    expect(state(paused)).toEqual({ ...closed, reason: 'an operator has paused it', closed: false });
  });

  test('leaves no timer behind when it is over before', async () => {
    const clock = manualClock(0);
    const interrupt = new Interrupt(clock);
    interrupt.pauseAt(closing);
    expect(clock.sleepers()).toBe(1);
    interrupt.close();
    expect(clock.sleepers()).toBe(0);
    await clock.advanceTo(closing.atMs);
    expect(state(interrupt)).toEqual(going);
  });
});
