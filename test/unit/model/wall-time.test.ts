import { describe, expect, test } from 'vitest';
import { formatWallTime, instantOf, isTimeZone, wallTimeAt } from '../../../src/model/wall-time.ts';

const utc = (text: string): number => Date.parse(text);
const at = (day: string, time: string, zone: string): { readonly at: string; readonly isSkipped: boolean } => {
  const [year = 0, month = 0, date = 0] = day.split('-').map(Number);
  const [hour = 0, minute = 0] = time.split(':').map(Number);
  const { atMs, isSkipped } = instantOf({ year, month, day: date }, hour * 60 + minute, zone);
  return { at: new Date(atMs).toISOString(), isSkipped };
};

describe('the instant at which clocks show a time', () => {
  test.each([
    ['2026-01-10', '02:30', 'Europe/Amsterdam', '2026-01-10T01:30:00.000Z'],
    ['2026-07-10', '02:30', 'Europe/Amsterdam', '2026-07-10T00:30:00.000Z'],
    ['2026-07-10', '24:00', 'UTC', '2026-07-11T00:00:00.000Z'],
    ['2026-11-27', '02:30', 'Asia/Kathmandu', '2026-11-26T20:45:00.000Z'],
    ['2026-11-27', '02:30', 'America/New_York', '2026-11-27T07:30:00.000Z'],
    ['2026-02-28', '23:59', 'Pacific/Kiritimati', '2026-02-28T09:59:00.000Z'],
  ])('%s %s in %s is %s', (day, time, zone, instant) => {
    expect(at(day, time, zone)).toEqual({ at: instant, isSkipped: false });
  });

  test.each([
    ['2026-03-29', '02:30', 'Europe/Amsterdam', '2026-03-29T01:00:00.000Z'],
    ['2026-03-29', '02:00', 'Europe/Amsterdam', '2026-03-29T01:00:00.000Z'],
    ['2026-03-08', '02:59', 'America/New_York', '2026-03-08T07:00:00.000Z'],
    ['2026-10-04', '02:15', 'Australia/Lord_Howe', '2026-10-03T15:30:00.000Z'],
    ['2011-12-30', '12:00', 'Pacific/Apia', '2011-12-30T10:00:00.000Z'],
  ])('that a clock change skips (%s %s in %s) is the jump, %s', (day, time, zone, instant) => {
    expect(at(day, time, zone)).toEqual({ at: instant, isSkipped: true });
  });

  test.each([
    ['2026-10-25', '02:30', 'Europe/Amsterdam', '2026-10-25T00:30:00.000Z'],
    ['2026-11-01', '01:00', 'America/New_York', '2026-11-01T05:00:00.000Z'],
    ['2026-04-05', '01:45', 'Australia/Lord_Howe', '2026-04-04T14:45:00.000Z'],
  ])('that clocks show twice (%s %s in %s) is the first, %s', (day, time, zone, instant) => {
    expect(at(day, time, zone)).toEqual({ at: instant, isSkipped: false });
  });

  test('of every minute around both changes of the year is one at which they show it', () => {
    for (const [zone, days] of Object.entries({
      'Europe/Amsterdam': ['2026-03-28', '2026-03-29', '2026-10-24', '2026-10-25', '2026-10-26'],
      'America/New_York': ['2026-03-07', '2026-03-08', '2026-11-01', '2026-11-02'],
    }))
      for (const day of days)
        for (let minute = 0; minute < 1440; minute += 15) {
          const [year = 0, month = 0, date = 0] = day.split('-').map(Number);
          const { atMs, isSkipped } = instantOf({ year, month, day: date }, minute, zone);
          const shown = wallTimeAt(atMs, zone);
          if (isSkipped) expect(shown.hour * 60 + shown.minute).toBeGreaterThan(minute);
          else
            expect(shown).toMatchObject({ year, month, day: date, hour: Math.floor(minute / 60), minute: minute % 60 });
        }
  });
});

test('a time is shown with its day and zone', () => {
  expect(formatWallTime(utc('2026-11-28T01:00:00Z'), 'Europe/Amsterdam')).toBe('Sat 2026-11-28 02:00 Europe/Amsterdam');
  expect(formatWallTime(utc('2026-11-29T00:05:00Z'), 'UTC')).toBe('Sun 2026-11-29 00:05 UTC');
});

test('a time zone has a name that knows its clock changes', () => {
  expect(['UTC', 'Europe/Amsterdam', 'America/Argentina/Buenos_Aires', 'Etc/GMT+5'].map(isTimeZone)).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(['', 'CET', '+01:00', 'Europe/Amsterdm', 'local', 'EST', 'Europe/../etc'].map(isTimeZone)).toEqual(
    Array.from({ length: 7 }, () => false),
  );
});
