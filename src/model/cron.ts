import { closest } from './closest.ts';

/** A cron expression of five fields, each as the values at which it matches, in order. */
export interface Cron {
  /** As written. */
  readonly text: string;
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly monthDays: readonly number[];
  /** 1 is January. */
  readonly months: readonly number[];
  /** 0 is Sunday. */
  readonly weekdays: readonly number[];
  /**
   * With both a day of the month and a day of the week cron takes a day on which either matches. Where one of the two
   * begins with a star (`*`, or a step as in every second day) both must match, and a star alone always does.
   */
  readonly days: 'both' | 'either';
}

/** What is wrong with an expression, to be put behind `must be a cron expression`. */
export class CronError extends Error {}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
/** By their number in cron. */
export const weekdayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

const fields = {
  minute: { name: 'minute', min: 0, max: 59 },
  hour: { name: 'hour', min: 0, max: 23 },
  monthDay: { name: 'day of the month', min: 1, max: 31 },
  month: { name: 'month', min: 1, max: 12, names: monthNames },
  // 7 is Sunday too.
  weekday: { name: 'day of the week', min: 0, max: 7, names: weekdayNames },
} as const satisfies Readonly<Record<string, Field>>;

const shorthands: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** Reads `0 2 * * 6`, as crontab(5) does: lists, ranges, steps, names, and `@daily` and its like. @throws CronError */
export function parseCron(text: string): Cron {
  const words = expanded(text.trim()).split(/\s+/);
  if (words.length === 6 || words.length === 7)
    throw new CronError(`it has ${words.length} fields; leave out seconds and years, a cron expression has five`);
  const [minute = '', hour = '', monthDay = '', month = '', weekday = ''] = words;
  if (words.length !== 5)
    throw new CronError('five fields are wanted: minute, hour, day of the month, month, day of the week');
  const weekdays = valuesOf(weekday, fields.weekday).map((day) => day % 7);
  const cron: Cron = {
    text: text.trim(),
    minutes: valuesOf(minute, fields.minute),
    hours: valuesOf(hour, fields.hour),
    monthDays: valuesOf(monthDay, fields.monthDay),
    months: valuesOf(month, fields.month),
    weekdays: [...new Set(weekdays)].sort((a, b) => a - b),
    days: monthDay.startsWith('*') || weekday.startsWith('*') ? 'both' : 'either',
  };
  if (cron.days === 'both' && !cron.months.some((each) => cron.monthDays.some((day) => day <= longest(each))))
    throw new CronError('no month that it names has such a day: it would never come');
  return cron;
}

function expanded(text: string): string {
  if (!text.startsWith('@')) return text;
  const found = shorthands[text.toLowerCase()];
  if (found !== undefined) return found;
  if (text.toLowerCase() === '@reboot')
    throw new CronError('@reboot is no time of day, and has no window to fall into');
  throw new CronError(`there is no ${text}; there are ${Object.keys(shorthands).join(', ')}`);
}

/** Days of a month; February's of a leap year. */
function longest(month: number): number {
  return new Date(Date.UTC(2024, month, 0)).getUTCDate();
}

function valuesOf(text: string, field: Field): number[] {
  const values = text.split(',').flatMap((part) => partValues(part, field));
  return [...new Set(values)].sort((a, b) => a - b);
}

function partValues(part: string, field: Field): number[] {
  const [, range = '', step] = /^([^/]*)(?:\/(.*))?$/.exec(part) ?? [];
  const stepSize = step === undefined ? 1 : Number(step);
  if (step !== undefined && (!/^\d+$/.test(step) || stepSize < 1))
    throw new CronError(`a step is a whole number from 1; got ${part} in the field ${field.name}`);
  if (stepSize > field.max) throw new CronError(`the step of ${part} is larger than the field ${field.name}`);
  const [from, to] = boundsOf(range, part, field);
  if (step !== undefined && range !== '*' && !range.includes('-'))
    throw new CronError(`a step goes over a range: write ${range}-${last(field)}/${step} for ${part}`);
  return Array.from({ length: Math.floor((to - from) / stepSize) + 1 }, (_, index) => from + index * stepSize);
}

/** The highest value, by its usual name: Saturday is the last day of a week that begins with 0. */
function last({ max }: Field): number {
  return max === 7 ? 6 : max;
}

function boundsOf(range: string, part: string, field: Field): readonly [number, number] {
  if (range === '*') return [field.min, last(field)];
  if (/[?LW#]/.test(range) && !/[a-z]{3}/i.test(range))
    throw new CronError(`${part} is not of cron but of other schedulers; write numbers, names, ranges, lists or steps`);
  const dash = range.indexOf('-');
  if (dash < 0) {
    const value = valueOf(range, field);
    return [value, value];
  }
  const from = valueOf(range.slice(0, dash), field);
  const to = valueOf(range.slice(dash + 1), field);
  // `sat-sun`: a week also ends with Sunday.
  if (field.max === 7 && to === 0 && from > 0) return [from, 7];
  if (to < from)
    throw new CronError(`${range} goes backwards in the field ${field.name}; write two parts with a comma`);
  return [from, to];
}

function valueOf(text: string, { name, min, max, names = [] }: Field): number {
  const named = names.indexOf(text.toLowerCase());
  if (named >= 0) return named + (min === 1 ? 1 : 0);
  const value = Number(text);
  if (/^\d{1,2}$/.test(text) && value >= min && value <= max) return value;
  const meant = /^[a-z]+$/i.test(text) ? closest(text.toLowerCase(), names) : undefined;
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  throw new CronError(
    `the field ${name} takes ${min} to ${max}${names.length > 0 ? ` or ${names[0] ?? ''} and so on` : ''}; got ${JSON.stringify(text)}${hint}`,
  );
}

/** Whether a cron expression takes a day. */
export function isCronDay(
  { monthDays, months, weekdays, days }: Cron,
  { month, day, weekday }: { readonly month: number; readonly day: number; readonly weekday: number },
): boolean {
  if (!months.includes(month)) return false;
  const byMonth = monthDays.includes(day);
  const byWeek = weekdays.includes(weekday);
  return days === 'both' ? byMonth && byWeek : byMonth || byWeek;
}
