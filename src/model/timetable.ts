import type { Cron } from './cron.ts';

/** When a run may change hosts. */
export interface Timetable {
  /** It may while one of them is open; without any it always may. */
  readonly windows: readonly Window[];
  /** Times in which it may not, whatever the windows say. */
  readonly freezes: readonly Freeze[];
  /** How late a scheduled run that was missed may still begin; undefined: not at all. */
  readonly misfireMs?: number;
}

/** A span that comes again and again. */
export type Window = {
  /** For people: `sat, sun 02:00–04:30 Europe/Amsterdam`. */
  readonly text: string;
  readonly timezone: string;
} & (
  | {
      readonly kind: 'days';
      /** Of its opening; 0 is Sunday. */
      readonly weekdays: readonly number[];
      readonly fromMinute: number;
      /** Up to 1440, midnight. Not after `fromMinute`: on the next day. */
      readonly toMinute: number;
    }
  | { readonly kind: 'cron'; readonly cron: Cron; readonly durationMs: number }
);

/** A span in which nothing is changed. */
export interface Freeze {
  readonly fromMs: number;
  /** From then on it is over. */
  readonly toMs: number;
  readonly timezone: string;
  readonly reason: string;
  /** Of hosts' variables: the hosts of the run that it is for; undefined: the whole run. */
  readonly hosts?: readonly string[];
}

/** When a scheduler starts a run. */
export interface Schedule {
  readonly cron: Cron;
  readonly timezone: string;
}
