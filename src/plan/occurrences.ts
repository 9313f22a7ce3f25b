import { isCronDay } from '../model/cron.ts';
import type { Schedule, Window } from '../model/timetable.ts';
import { addDays, dayMs, instantOf, minuteMs, wallTimeAt, weekdayOf, type Day } from '../model/wall-time.ts';

/** A span of time: from `startMs` on, and over at `endMs`. */
export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

/** A date such as February 29 on a Monday comes within 28 years, or within 40 over a century without a leap year. */
const mostDays = 40 * 366;

/**
 * When a cron expression comes from `fromMs` on, in order. Each time once a day: of one that clocks show twice, the first.
 * @param skipped what becomes of a time that a clock change skips: `drop` as systemd's timers do, or `move` to the jump
 */
export function* cronTimes({ cron, timezone }: Schedule, fromMs: number, skipped: 'drop' | 'move'): Generator<number> {
  const first = addDays(wallTimeAt(fromMs, timezone), -1);
  for (let index = 0; index < mostDays; index += 1) {
    const day = addDays(first, index);
    if (isCronDay(cron, { ...day, weekday: weekdayOf(day) }))
      yield* timesOfDay({ cron, timezone }, day, fromMs, skipped);
  }
}

function* timesOfDay(
  { cron, timezone }: Schedule,
  day: Day,
  fromMs: number,
  skipped: 'drop' | 'move',
): Generator<number> {
  const midnightMs = instantOf(day, 0, timezone).atMs;
  const isPlain = instantOf(day, 24 * 60, timezone).atMs - midnightMs === dayMs;
  const times = new Set<number>();
  for (const hour of cron.hours)
    for (const minute of cron.minutes) {
      const minuteOfDay = hour * 60 + minute;
      const { atMs, isSkipped } = isPlain
        ? { atMs: midnightMs + minuteOfDay * minuteMs, isSkipped: false }
        : instantOf(day, minuteOfDay, timezone);
      if (atMs >= fromMs && (!isSkipped || skipped === 'move')) times.add(atMs);
    }
  // Where clocks go back the order of their times is not that of what they show.
  yield* [...times].sort((a, b) => a - b);
}

/** The last time up to `nowMs` at which it came; undefined where that is years ago. */
export function lastCronTime(schedule: Schedule, nowMs: number): number | undefined {
  for (let index = 0; index < mostDays; index += 1) {
    const day = addDays(wallTimeAt(nowMs, schedule.timezone), -index);
    if (!isCronDay(schedule.cron, { ...day, weekday: weekdayOf(day) })) continue;
    const past = [...timesOfDay(schedule, day, 0, 'move')].filter((atMs) => atMs <= nowMs);
    if (past.length > 0) return past.at(-1);
  }
  return undefined;
}

/** The spans of a window that end after `fromMs`, by their beginning. */
export function* spansOf(window: Window, fromMs: number): Generator<Span> {
  if (window.kind === 'cron') {
    for (const startMs of cronTimes(window, fromMs - window.durationMs + 1, 'move'))
      yield { startMs, endMs: startMs + window.durationMs };
    return;
  }
  // A span over midnight began the day before, and clocks may have changed since.
  const first = addDays(wallTimeAt(fromMs - dayMs, window.timezone), -1);
  for (let index = 0; index < mostDays; index += 1) {
    const day = addDays(first, index);
    if (!window.weekdays.includes(weekdayOf(day))) continue;
    const startMs = instantOf(day, window.fromMinute, window.timezone).atMs;
    const isNextDay = window.toMinute <= window.fromMinute;
    const endMs = instantOf(isNextDay ? addDays(day, 1) : day, window.toMinute, window.timezone).atMs;
    if (endMs > fromMs && endMs > startMs) yield { startMs, endMs };
  }
}

/** The first `count` of what may go on for years. */
export function firstOf<Item>(items: Iterable<Item>, count: number): Item[] {
  const first: Item[] = [];
  for (const item of items) if (first.push(item) >= count) break;
  return first;
}
