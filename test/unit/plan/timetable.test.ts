import { describe, expect, test } from 'vitest';
import { parseCron } from '../../../src/model/cron.ts';
import type { Freeze, Timetable, Window } from '../../../src/model/timetable.ts';
import { cronTimes, firstOf, spansOf } from '../../../src/plan/occurrences.ts';
import { missedRun, nextOpeningMs, openingAt } from '../../../src/plan/timetable.ts';

const utc = (text: string): number => Date.parse(text);
const iso = (atMs: number): string => new Date(atMs).toISOString().replace(':00.000Z', 'Z');
const hours = 3_600_000;
const weekend = [6, 0];
const everyDay = [1, 2, 3, 4, 5, 6, 0];

const minutes = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
const days = (weekdays: readonly number[], from: string, to: string, timezone: string): Window => ({
  kind: 'days',
  weekdays,
  fromMinute: minutes(from),
  toMinute: minutes(to),
  timezone,
  text: `${from}–${to} ${timezone}`,
});
const cron = (text: string, durationMs: number, timezone: string): Window => ({
  kind: 'cron',
  cron: parseCron(text),
  durationMs,
  timezone,
  text: `cron ${text}`,
});
const freeze = (from: string, to: string, reason = 'holidays', parts: Partial<Freeze> = {}): Freeze => ({
  fromMs: utc(from),
  toMs: utc(to),
  timezone: 'UTC',
  reason,
  ...parts,
});
const table = (windows: readonly Window[], freezes: readonly Freeze[] = []): Timetable => ({ windows, freezes });
/** The next spans of a window. */
const spans = (window: Window, from: string, count: number): readonly string[] =>
  firstOf(spansOf(window, utc(from)), count).map(({ startMs, endMs }) => `${iso(startMs)} ${iso(endMs)}`);

describe('the spans of a window', () => {
  test('follow the clocks of its time zone, day by day', () => {
    expect(spans(days(weekend, '02:00', '04:30', 'Europe/Amsterdam'), '2026-11-27T12:00Z', 3)).toEqual([
      '2026-11-28T01:00Z 2026-11-28T03:30Z',
      '2026-11-29T01:00Z 2026-11-29T03:30Z',
      '2026-12-05T01:00Z 2026-12-05T03:30Z',
    ]);
    expect(spans(cron('0 2 * * 6', 2.5 * hours, 'America/New_York'), '2026-11-27T12:00Z', 2)).toEqual([
      '2026-11-28T07:00Z 2026-11-28T09:30Z',
      '2026-12-05T07:00Z 2026-12-05T09:30Z',
    ]);
  });

  test('over midnight belong to the day on which they open', () => {
    expect(spans(days([5], '22:00', '04:00', 'UTC'), '2026-11-28T01:00Z', 2)).toEqual([
      '2026-11-27T22:00Z 2026-11-28T04:00Z',
      '2026-12-04T22:00Z 2026-12-05T04:00Z',
    ]);
    expect(spans(days([5], '22:00', '24:00', 'UTC'), '2026-11-28T01:00Z', 1)).toEqual([
      '2026-12-04T22:00Z 2026-12-05T00:00Z',
    ]);
  });

  test('under way are among them', () => {
    expect(spans(days(weekend, '02:00', '04:30', 'UTC'), '2026-11-28T04:29:59Z', 1)).toEqual([
      '2026-11-28T02:00Z 2026-11-28T04:30Z',
    ]);
    expect(spans(days(weekend, '02:00', '04:30', 'UTC'), '2026-11-28T04:30:00Z', 1)).toEqual([
      '2026-11-29T02:00Z 2026-11-29T04:30Z',
    ]);
    expect(spans(cron('0 2 * * 6', 48 * hours, 'UTC'), '2026-11-29T12:00Z', 1)).toEqual([
      '2026-11-28T02:00Z 2026-11-30T02:00Z',
    ]);
  });
});

// Amsterdam: on 2026-03-29 02:00 becomes 03:00, on 2026-10-25 03:00 becomes 02:00.
// New York: on 2026-03-08 02:00 becomes 03:00, on 2026-11-01 02:00 becomes 01:00.
describe('on the days of a clock change', () => {
  test.each([
    ['Europe/Amsterdam', '2026-03-28T12:00Z', '02:00', '04:30', '2026-03-29T01:00Z 2026-03-29T02:30Z'],
    ['Europe/Amsterdam', '2026-03-28T12:00Z', '02:30', '04:30', '2026-03-29T01:00Z 2026-03-29T02:30Z'],
    ['Europe/Amsterdam', '2026-03-28T12:00Z', '01:00', '02:30', '2026-03-29T00:00Z 2026-03-29T01:00Z'],
    ['America/New_York', '2026-03-07T12:00Z', '02:30', '04:30', '2026-03-08T07:00Z 2026-03-08T08:30Z'],
    ['America/New_York', '2026-03-07T12:00Z', '01:00', '02:30', '2026-03-08T06:00Z 2026-03-08T07:00Z'],
  ])('%s: from %s on a window with a skipped time, %s–%s, is %s', (zone, from, opens, closes, span) => {
    expect(spans(days(everyDay, opens, closes, zone), from, 1)).toEqual([span]);
  });

  test.each([
    ['Europe/Amsterdam', '2026-10-24T12:00Z', '02:00', '04:30', '2026-10-25T00:00Z 2026-10-25T03:30Z'],
    ['Europe/Amsterdam', '2026-10-24T12:00Z', '01:00', '02:30', '2026-10-24T23:00Z 2026-10-25T00:30Z'],
    ['America/New_York', '2026-10-31T12:00Z', '01:00', '04:30', '2026-11-01T05:00Z 2026-11-01T09:30Z'],
    ['America/New_York', '2026-10-31T12:00Z', '00:00', '01:30', '2026-11-01T04:00Z 2026-11-01T05:30Z'],
  ])('%s: from %s on a window with a repeated time, %s–%s, is %s', (zone, from, opens, closes, span) => {
    expect(spans(days(everyDay, opens, closes, zone), from, 1)).toEqual([span]);
  });

  test('a window of which nothing is left does not open', () => {
    expect(spans(days(everyDay, '02:15', '02:45', 'Europe/Amsterdam'), '2026-03-28T12:00Z', 1)).toEqual([
      '2026-03-30T00:15Z 2026-03-30T00:45Z',
    ]);
    expect(spans(days(everyDay, '02:15', '02:45', 'America/New_York'), '2026-03-07T12:00Z', 1)).toEqual([
      '2026-03-09T06:15Z 2026-03-09T06:45Z',
    ]);
  });

  test.each([
    ['Europe/Amsterdam', '2026-03-28T12:00Z', ['2026-03-29T01:00Z', '2026-03-30T00:30Z'], ['2026-03-30T00:30Z']],
    ['America/New_York', '2026-03-07T12:00Z', ['2026-03-08T07:00Z', '2026-03-09T06:30Z'], ['2026-03-09T06:30Z']],
  ])('%s: a cron time that is skipped is the jump, or no time at all', (timezone, from, moved, dropped) => {
    const schedule = { cron: parseCron('30 2 * * *'), timezone };
    expect(firstOf(cronTimes(schedule, utc(from), 'move'), 2).map(iso)).toEqual(moved);
    expect(firstOf(cronTimes(schedule, utc(from), 'drop'), 1).map(iso)).toEqual(dropped);
  });

  test.each([
    ['Europe/Amsterdam', '30 2 * * *', '2026-10-24T12:00Z', ['2026-10-25T00:30Z', '2026-10-26T01:30Z']],
    ['America/New_York', '30 1 * * *', '2026-10-31T12:00Z', ['2026-11-01T05:30Z', '2026-11-02T06:30Z']],
    ['Europe/Amsterdam', '30 * * * *', '2026-10-25T00:00Z', ['2026-10-25T00:30Z', '2026-10-25T02:30Z']],
  ])('%s: the repeated cron time %s comes once, and first', (timezone, text, from, times) => {
    expect(firstOf(cronTimes({ cron: parseCron(text), timezone }, utc(from), 'move'), 2).map(iso)).toEqual(times);
  });
});

describe('a run may begin', () => {
  const zone = 'Europe/Amsterdam';
  const saturday = table([days(weekend, '02:00', '04:30', zone)]);

  test('at any time where nothing is said of times', () => {
    expect(openingAt(table([]), utc('2026-11-27T12:00Z'))).toEqual({ isOpen: true });
  });

  test('within its window, which closes it; before and after it is told when the next one opens', () => {
    const closed = { isOpen: false, reason: 'outside its window (02:00–04:30 Europe/Amsterdam)' };
    expect(openingAt(saturday, utc('2026-11-28T00:59:59Z'))).toEqual({
      ...closed,
      next: 'the next opening is Sat 2026-11-28 02:00 Europe/Amsterdam',
    });
    expect(openingAt(saturday, utc('2026-11-28T01:00:00Z'))).toEqual({
      isOpen: true,
      closes: {
        atMs: utc('2026-11-28T03:30Z'),
        reason: 'its window has closed (Sat 2026-11-28 04:30 Europe/Amsterdam)',
      },
    });
    expect(openingAt(saturday, utc('2026-11-28T03:30:00Z'))).toEqual({
      ...closed,
      next: 'the next opening is Sun 2026-11-29 02:00 Europe/Amsterdam',
    });
  });

  test('within any of several windows, which close when the last of them does', () => {
    const several = table([
      days(everyDay, '20:00', '24:00', 'UTC'),
      days(everyDay, '00:00', '03:00', 'UTC'),
      cron('30 2 * * *', 2 * hours, 'UTC'),
    ]);
    expect(openingAt(several, utc('2026-11-27T21:00Z'))).toMatchObject({ closes: { atMs: utc('2026-11-28T04:30Z') } });
    expect(nextOpeningMs(several, utc('2026-11-28T04:30Z'))).toBe(utc('2026-11-28T20:00Z'));
  });

  test('and never has to end where windows follow each other without a gap', () => {
    expect(openingAt(table([days(everyDay, '00:00', '24:00', zone)]), utc('2026-10-24T12:00Z'))).toEqual({
      isOpen: true,
    });
    expect(openingAt(table([cron('* * * * *', 60_000, 'UTC')]), utc('2026-10-24T12:00Z'))).toEqual({ isOpen: true });
  });

  test('not in a freeze, whatever the window says', () => {
    const frozen = table(saturday.windows, [
      freeze('2026-12-19T23:00Z', '2027-01-03T23:00Z', 'holidays', { timezone: zone }),
    ]);
    expect(openingAt(frozen, utc('2026-12-26T02:00Z'))).toEqual({
      isOpen: false,
      reason: 'a freeze up to Mon 2027-01-04 00:00 Europe/Amsterdam: holidays',
      next: 'the next opening is Sat 2027-01-09 02:00 Europe/Amsterdam',
    });
    expect(openingAt(frozen, utc('2026-12-19T02:00Z'))).toMatchObject({ closes: { atMs: utc('2026-12-19T03:30Z') } });
  });

  test('up to a freeze that begins before the window closes', () => {
    const until = table(saturday.windows, [
      freeze('2026-12-01T00:00Z', '2026-12-02T00:00Z'),
      freeze('2026-11-28T02:00Z', '2026-11-28T05:00Z', 'inventory day', { hosts: ['h1', 'h2'] }),
    ]);
    expect(openingAt(until, utc('2026-11-28T01:30Z'))).toEqual({
      isOpen: true,
      closes: {
        atMs: utc('2026-11-28T02:00Z'),
        reason: 'a freeze for h1, h2 up to Sat 2026-11-28 05:00 UTC: inventory day',
      },
    });
    expect(openingAt(table([], until.freezes), utc('2026-11-29T00:00Z'))).toMatchObject({
      closes: { atMs: utc('2026-12-01T00:00Z') },
    });
  });

  test('after freezes that follow each other, and within what they leave of a window', () => {
    const freezes = [
      freeze('2026-11-27T00:00Z', '2026-11-28T02:00Z'),
      freeze('2026-11-28T02:00Z', '2026-11-28T03:00Z'),
    ];
    expect(iso(nextOpeningMs(table(saturday.windows, freezes), utc('2026-11-27T12:00Z')) ?? 0)).toBe(
      '2026-11-28T03:00Z',
    );
    expect(iso(nextOpeningMs(table([], freezes), utc('2026-11-27T12:00Z')) ?? 0)).toBe('2026-11-28T03:00Z');
  });

  test('and a freeze names a few of its hosts', () => {
    const hosts = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'h7'];
    const opening = openingAt(
      table([], [freeze('2026-11-27T00:00Z', '2026-11-28T00:00Z', 'audit', { hosts })]),
      utc('2026-11-27T12:00Z'),
    );
    expect(opening).toMatchObject({
      reason: 'a freeze for h1, h2, h3, h4, h5 and 2 more up to Sat 2026-11-28 00:00 UTC: audit',
    });
  });
});

describe('a scheduled run', () => {
  const schedule = { cron: parseCron('0 2 * * 6'), timezone: 'Europe/Amsterdam' };

  test('that comes in time begins', () => {
    for (const now of ['2026-11-28T01:00:00Z', '2026-11-28T01:00:41Z', '2026-11-28T01:05:00Z'])
      expect(missedRun(schedule, {}, utc(now))).toBeUndefined();
  });

  test('that was missed is not started late', () => {
    expect(missedRun(schedule, {}, utc('2026-11-28T01:20Z'))).toEqual({
      reason:
        'it was missed: it was due Sat 2026-11-28 02:00 Europe/Amsterdam, 20 m 00 s ago, and a missed run is not started late',
      next: 'the next time is Sat 2026-12-05 02:00 Europe/Amsterdam',
    });
  });

  test('that was missed is started within what misfire allows, and not after', () => {
    const misfire = { misfireMs: 30 * 60_000 };
    expect(missedRun(schedule, misfire, utc('2026-11-28T01:30Z'))).toBeUndefined();
    expect(missedRun(schedule, misfire, utc('2026-11-28T01:31Z'))).toEqual({
      reason:
        'it was missed: it was due Sat 2026-11-28 02:00 Europe/Amsterdam, 31 m 00 s ago, and misfire allows 30 m 00 s',
      next: 'the next time is Sat 2026-12-05 02:00 Europe/Amsterdam',
    });
  });
});
