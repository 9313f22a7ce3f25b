import { RunRefused, type RunContext } from '../engine/context.ts';
import type { EventBody } from '../events/event.ts';
import { exitCodes } from '../events/exit-code.ts';
import { CronError, parseCron } from '../model/cron.ts';
import type { Schedule, Timetable } from '../model/timetable.ts';
import { isTimeZone } from '../model/wall-time.ts';
import { missedRun, openingAt } from '../plan/timetable.ts';
import { givenReason } from './given-reason.ts';

/** How a run is bound to times, beside what its playbook says. */
export interface TimingOptions {
  /** Neither windows nor freezes nor lateness hold it; the reason is kept in the journal. */
  readonly ignoreWindow?: { readonly reason: string };
  /** What a scheduler starts it by: too late for it, the run does not start. */
  readonly scheduled?: {
    /** A cron expression. */
    readonly cron: string;
    /** The playbook's window's by default, or the machine's. */
    readonly timezone?: string;
  };
}

/** The times of one run. */
export interface Timing {
  readonly ignoreWindow?: { readonly reason: string };
  readonly scheduled?: Schedule;
  readonly timetable: Timetable;
}

/** @throws RunRefused where it is no time zone, no cron expression, or no reason */
export function timingOf({ ignoreWindow, scheduled }: TimingOptions, timetable: Timetable): Timing {
  return {
    timetable,
    ...(ignoreWindow === undefined ? {} : { ignoreWindow: givenReason('--ignore-window', ignoreWindow) }),
    ...(scheduled === undefined ? {} : { scheduled: scheduleOf(scheduled, timetable) }),
  };
}

/** A scheduler's expression, read. @throws RunRefused */
export function scheduleOf(
  { cron, timezone }: NonNullable<TimingOptions['scheduled']>,
  { windows }: Pick<Timetable, 'windows'>,
): Schedule {
  const zone = timezone ?? windows[0]?.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!isTimeZone(zone))
    throw new RunRefused(exitCodes.usage, `there is no time zone ${zone}; names are such as Europe/Amsterdam, or UTC`);
  try {
    return { cron: parseCron(cron), timezone: zone };
  } catch (error) {
    if (!(error instanceof CronError)) throw error;
    throw new RunRefused(exitCodes.usage, `${JSON.stringify(cron)} is no cron expression: ${error.message}`);
  }
}

/** What the journal keeps of it. */
export function timingRecord({ ignoreWindow, scheduled }: Timing): {
  readonly ignoreWindow?: { readonly reason: string };
  readonly scheduled?: string;
} {
  return {
    ...(ignoreWindow === undefined ? {} : { ignoreWindow }),
    ...(scheduled === undefined ? {} : { scheduled: `${scheduled.cron.text} ${scheduled.timezone}` }),
  };
}

/** Why a run would not begin now, for whoever only looks at what it would do. */
export function timingWarning({ timetable, ignoreWindow }: Timing, nowMs: number): string | undefined {
  if (ignoreWindow !== undefined) return undefined;
  const opening = openingAt(timetable, nowMs);
  return opening.isOpen ? undefined : `a run would not start now: ${opening.reason}; ${opening.next}`;
}

/**
 * Lets a run begin only when it may, and has it pause when its window closes or a freeze begins. A way back is held up by
 * neither.
 * @throws RunRefused with exit code 7
 */
export function beginInTime(
  { timetable, ignoreWindow, scheduled }: Timing,
  isWayBack: boolean,
  { clock, interrupt, emit }: Pick<RunContext, 'clock' | 'interrupt' | 'emit'>,
): void {
  const nowMs = clock.now();
  const opening = openingAt(timetable, nowMs);
  if (ignoreWindow !== undefined || isWayBack) {
    if (!opening.isOpen) emit(goesAhead(opening.reason, ignoreWindow?.reason));
    return;
  }
  if (!opening.isOpen) throw notStarted(opening);
  const missed = scheduled === undefined ? undefined : missedRun(scheduled, timetable, nowMs);
  if (missed !== undefined) throw notStarted(missed);
  if (opening.closes !== undefined) interrupt.pauseAt(opening.closes);
}

function goesAhead(found: string, reason: string | undefined): EventBody {
  const why =
    reason === undefined ? 'a rollback goes ahead all the same' : `it goes ahead (--ignore-window): ${reason}`;
  return { type: 'warning', message: `${found}: ${why}` };
}

function notStarted({ reason, next }: { readonly reason: string; readonly next: string }): RunRefused {
  return new RunRefused(exitCodes.paused, `not started: ${reason}; nothing was touched`, [
    next,
    'to run it all the same: --ignore-window --reason TEXT',
  ]);
}
