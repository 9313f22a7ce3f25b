import { formatDuration } from '../model/duration.ts';
import type { Freeze, Schedule, Timetable } from '../model/timetable.ts';
import { dayMs, formatWallTime, minuteMs } from '../model/wall-time.ts';
import { cronTimes, lastCronTime, spansOf } from './occurrences.ts';

/** Whether a run may change hosts, and until when, or from when on. Instants are epoch milliseconds. */
type Opening =
  | { readonly isOpen: true; readonly closes?: { readonly atMs: number; readonly reason: string } }
  | { readonly isOpen: false; readonly reason: string; readonly next: string };

/** How far ahead an end is looked for: no run goes on for longer. */
const horizonMs = 30 * dayMs;
/** How many spans are looked at for the next opening; each may lie in a freeze. */
const mostSpans = 5000;

/** What a timetable says at an instant. */
export function openingAt(timetable: Timetable, nowMs: number): Opening {
  const { windows, freezes } = timetable;
  const frozen = freezes.find(({ fromMs, toMs }) => fromMs <= nowMs && nowMs < toMs);
  if (frozen !== undefined) return { isOpen: false, reason: freezeText(frozen), next: nextText(timetable, nowMs) };
  const endMs = windowEnd(timetable, nowMs);
  if (endMs === undefined) {
    const texts = windows.map(({ text }) => text).join('; ');
    return { isOpen: false, reason: `outside its window (${texts})`, next: nextText(timetable, nowMs) };
  }
  const freeze = [...freezes].sort((a, b) => a.fromMs - b.fromMs).find(({ fromMs }) => fromMs > nowMs);
  if (freeze !== undefined && freeze.fromMs <= Math.min(endMs, nowMs + horizonMs))
    return { isOpen: true, closes: { atMs: freeze.fromMs, reason: freezeText(freeze) } };
  if (endMs > nowMs + horizonMs) return { isOpen: true };
  const closedAt = formatWallTime(endMs, windows[0]?.timezone ?? 'UTC');
  return { isOpen: true, closes: { atMs: endMs, reason: `its window has closed (${closedAt})` } };
}

/** When the windows that are open now close; spans that overlap or follow each other are one. Undefined: none is open. */
function windowEnd({ windows }: Timetable, nowMs: number): number | undefined {
  if (windows.length === 0) return Infinity;
  let endMs = nowMs;
  const ahead = windows.map((window) => spansOf(window, nowMs)).map((spans) => ({ spans, next: spans.next() }));
  for (let isGrowing = true; isGrowing && endMs <= nowMs + horizonMs;) {
    isGrowing = false;
    for (const each of ahead)
      while (each.next.done !== true && each.next.value.startMs <= endMs && endMs <= nowMs + horizonMs) {
        endMs = Math.max(endMs, each.next.value.endMs);
        each.next = each.spans.next();
        isGrowing = true;
      }
  }
  return endMs === nowMs ? undefined : endMs;
}

/** The first instant from `nowMs` on at which a run may begin; undefined: none is in sight. */
export function nextOpeningMs({ windows, freezes }: Timetable, nowMs: number): number | undefined {
  const thawed = (atMs: number): number => {
    const frozen = freezes.find(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs);
    return frozen === undefined ? atMs : thawed(frozen.toMs);
  };
  if (windows.length === 0) return thawed(nowMs);
  const first = windows.map((window) => {
    let seen = 0;
    for (const { startMs, endMs } of spansOf(window, thawed(nowMs))) {
      const atMs = thawed(Math.max(startMs, nowMs));
      if (atMs < endMs) return atMs;
      if ((seen += 1) > mostSpans) break;
    }
    return Infinity;
  });
  const next = Math.min(...first);
  return next === Infinity ? undefined : next;
}

function nextText(timetable: Timetable, nowMs: number): string {
  const atMs = nextOpeningMs(timetable, nowMs);
  const timezone = timetable.windows[0]?.timezone ?? timetable.freezes[0]?.timezone ?? 'UTC';
  return atMs === undefined ? 'no next opening is in sight' : `the next opening is ${formatWallTime(atMs, timezone)}`;
}

function freezeText({ toMs, timezone, reason, hosts }: Freeze): string {
  const shown = hosts?.slice(0, 5).join(', ') ?? '';
  const more = hosts !== undefined && hosts.length > 5 ? ` and ${hosts.length - 5} more` : '';
  const where = hosts === undefined ? '' : ` for ${shown}${more}`;
  return `a freeze${where} up to ${formatWallTime(toMs, timezone)}: ${reason}`;
}

/** A start within this time is on time: schedulers are no stop watches. */
const onTimeMs = 5 * minuteMs;

/** Why a scheduled run must not begin now: it was missed, and is later than `misfire` allows. Undefined: it may. */
export function missedRun(
  schedule: Schedule,
  { misfireMs }: Pick<Timetable, 'misfireMs'>,
  nowMs: number,
): { readonly reason: string; readonly next: string } | undefined {
  const dueMs = lastCronTime(schedule, nowMs);
  const lateMs = nowMs - (dueMs ?? -Infinity);
  if (dueMs !== undefined && lateMs <= Math.max(onTimeMs, misfireMs ?? 0)) return undefined;
  const { timezone } = schedule;
  const [nextMs] = cronTimes(schedule, nowMs + 1, 'move');
  const allowed =
    misfireMs === undefined ? 'a missed run is not started late' : `misfire allows ${formatDuration(misfireMs)}`;
  const late =
    dueMs === undefined
      ? ''
      : `: it was due ${formatWallTime(dueMs, timezone)}, ${formatDuration(lateMs)} ago, and ${allowed}`;
  return {
    reason: `it was missed${late}`,
    next: nextMs === undefined ? 'no next time is in sight' : `the next time is ${formatWallTime(nextMs, timezone)}`,
  };
}
