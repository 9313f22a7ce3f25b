import { weekdayNames } from '../model/cron.ts';
import type { Schedule } from '../model/timetable.ts';

/**
 * A cron expression as systemd's `OnCalendar=`, each text a line of the timer. Where cron takes a day on which either the
 * day of the month or that of the week matches, there are two lines; a time that both name comes once.
 */
export function onCalendarOf({ cron, timezone }: Schedule): readonly string[] {
  const { months, monthDays, weekdays, hours, minutes, days } = cron;
  const time = `${rangesOf(hours, 0, 23)}:${rangesOf(minutes, 0, 59)}:00 ${timezone}`;
  const date = (dayList: string): string => `*-${rangesOf(months, 1, 12)}-${dayList} ${time}`;
  const week = weekdays.length === 7 ? '' : `${weekText(weekdays)} `;
  const month = rangesOf(monthDays, 1, 31);
  return days === 'both' ? [`${week}${date(month)}`] : [date(month), `${week}${date('*')}`];
}

/** `Mon..Fri`, `Sat,Sun`: systemd's week begins with Monday. */
function weekText(weekdays: readonly number[]): string {
  const fromMonday = weekdays.map((day) => (day + 6) % 7).sort((a, b) => a - b);
  const name = (index: number): string => {
    const [first = '', ...rest] = weekdayNames[(index + 1) % 7] ?? '';
    return `${first.toUpperCase()}${rest.join('')}`;
  };
  return joined(fromMonday, name);
}

function rangesOf(values: readonly number[], min: number, max: number): string {
  if (values.length === max - min + 1) return '*';
  return joined(values, (value) => String(value).padStart(2, '0'));
}

/** Three in a row or more are a range. */
function joined(values: readonly number[], text: (value: number) => string): string {
  const runs: number[][] = [];
  for (const value of values) {
    const run = runs.at(-1);
    if (run?.at(-1) === value - 1) run.push(value);
    else runs.push([value]);
  }
  return runs
    .map((run) => {
      const [first = 0, last = first] = [run[0], run.at(-1)];
      return run.length < 3 ? run.map(text).join(',') : `${text(first)}..${text(last)}`;
    })
    .join(',');
}
