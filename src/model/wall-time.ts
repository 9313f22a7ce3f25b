/** A day of the calendar. */
export interface Day {
  readonly year: number;
  /** 1 is January. */
  readonly month: number;
  readonly day: number;
}

/** What the clocks of a time zone show. */
export interface WallTime extends Day {
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** An instant by what a clock shows: on the days of a clock change a time may not be shown at all, or twice. */
interface Instant {
  /**
   * Epoch milliseconds. Of a time that is shown twice, the first. Of one that is skipped, the jump over it, from which on
   * clocks show a later time.
   */
  readonly atMs: number;
  readonly isSkipped: boolean;
}

export const minuteMs = 60_000;
export const dayMs = 24 * 60 * minuteMs;

const formatters = new Map<string, Intl.DateTimeFormat>();

/** @throws RangeError where there is no such time zone */
function formatterOf(timeZone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(timeZone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formatters.set(timeZone, formatter);
  }
  return formatter;
}

/** Whether there is a time zone of this name, as `Europe/Amsterdam`. Offsets and abbreviations are none: they know no clock change. */
export function isTimeZone(name: string): boolean {
  if (!/^(?:UTC|GMT|[A-Za-z]+(?:\/[A-Za-z0-9_+-]+)+)$/.test(name)) return false;
  try {
    formatterOf(name);
    return true;
  } catch {
    return false;
  }
}

/** What the clocks of a time zone show at an instant. */
export function wallTimeAt(atMs: number, timeZone: string): WallTime {
  const parts = new Map(
    formatterOf(timeZone)
      .formatToParts(atMs)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const of = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  return {
    year: of('year'),
    month: of('month'),
    day: of('day'),
    hour: of('hour'),
    minute: of('minute'),
    second: of('second'),
  };
}

function asUtcMs({ year, month, day, hour, minute, second }: WallTime): number {
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** How far the clocks of a time zone are ahead of UTC. */
function offsetMs(atMs: number, timeZone: string): number {
  const wholeMs = Math.floor(atMs / 1000) * 1000;
  return asUtcMs(wallTimeAt(wholeMs, timeZone)) - wholeMs;
}

/** When clocks show `minuteOfDay` on a day; 1440 is the next day's midnight. */
export function instantOf(day: Day, minuteOfDay: number, timeZone: string): Instant {
  const utcMs = Date.UTC(day.year, day.month - 1, day.day) + minuteOfDay * minuteMs;
  // Two days on each side: a zone that moves over the date line skips a whole day.
  const before = offsetMs(utcMs - 2 * dayMs, timeZone);
  const after = offsetMs(utcMs + 2 * dayMs, timeZone);
  const shown = [utcMs - Math.max(before, after), utcMs - Math.min(before, after)].find(
    (atMs) => atMs + offsetMs(atMs, timeZone) === utcMs,
  );
  if (shown !== undefined) return { atMs: shown, isSkipped: false };
  return { atMs: jumpBetween(utcMs - 2 * dayMs, utcMs + 2 * dayMs, timeZone), isSkipped: true };
}

/** The first millisecond of the offset that clocks have at `endMs`. */
function jumpBetween(startMs: number, endMs: number, timeZone: string): number {
  const later = offsetMs(endMs, timeZone);
  let [low, high] = [startMs, endMs];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetMs(middle, timeZone) === later) high = middle;
    else low = middle;
  }
  return high;
}

/** A day so many days later; earlier where that is negative. */
export function addDays({ year, month, day }: Day, days: number): Day {
  const date = new Date(Date.UTC(year, month - 1, day + days));
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

/** 0 is Sunday. */
export function weekdayOf({ year, month, day }: Day): number {
  return new Date(Date.UTC(year, month - 1, day)).getUTCDay();
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** `Sat 2026-11-28 02:00 Europe/Amsterdam`. */
export function formatWallTime(atMs: number, timeZone: string): string {
  const wall = wallTimeAt(atMs, timeZone);
  const two = (value: number): string => String(value).padStart(2, '0');
  const date = `${weekdays[weekdayOf(wall)] ?? ''} ${wall.year}-${two(wall.month)}-${two(wall.day)}`;
  return `${date} ${two(wall.hour)}:${two(wall.minute)} ${timeZone}`;
}
