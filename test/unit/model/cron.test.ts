import { describe, expect, test } from 'vitest';
import { CronError, isCronDay, parseCron } from '../../../src/model/cron.ts';

const all = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe('a cron expression', () => {
  test('is read as crontab(5) reads it', () => {
    expect(parseCron(' 0 2 * * 6 ')).toEqual({
      text: '0 2 * * 6',
      minutes: [0],
      hours: [2],
      monthDays: all(1, 31),
      months: all(1, 12),
      weekdays: [6],
      days: 'both',
    });
    expect(parseCron('*/20,7 1-5/2,23 1,15 JAN-mar,12 mon-FRI')).toEqual({
      text: '*/20,7 1-5/2,23 1,15 JAN-mar,12 mon-FRI',
      minutes: [0, 7, 20, 40],
      hours: [1, 3, 5, 23],
      monthDays: [1, 15],
      months: [1, 2, 3, 12],
      weekdays: [1, 2, 3, 4, 5],
      days: 'either',
    });
    expect(parseCron('0 0 */2 * 1').days).toBe('both');
  });

  test.each([
    ['* * * * 7', [0]],
    ['* * * * 0,7', [0]],
    ['* * * * sat-sun', [0, 6]],
    ['* * * * 5-7', [0, 5, 6]],
    ['* * * * */2', [0, 2, 4, 6]],
  ])('%s means the days of the week %j', (text, weekdays) => {
    expect(parseCron(text).weekdays).toEqual(weekdays);
  });

  test.each([
    ['@daily', '0 0 * * *'],
    ['@midnight', '0 0 * * *'],
    ['@hourly', '0 * * * *'],
    ['@weekly', '0 0 * * 0'],
    ['@monthly', '0 0 1 * *'],
    ['@yearly', '0 0 1 1 *'],
    ['@Annually', '0 0 1 1 *'],
  ])('%s is %s', (short, long) => {
    expect({ ...parseCron(short), text: '' }).toEqual({ ...parseCron(long), text: '' });
  });

  test.each([
    ['0 2 * *', 'five fields are wanted: minute, hour, day of the month, month, day of the week'],
    ['', 'five fields are wanted: minute, hour, day of the month, month, day of the week'],
    ['0 0 2 * * 6', 'it has 6 fields; leave out seconds and years, a cron expression has five'],
    ['60 2 * * *', 'the field minute takes 0 to 59; got "60"'],
    ['0 24 * * *', 'the field hour takes 0 to 23; got "24"'],
    ['0 2 0 * *', 'the field day of the month takes 1 to 31; got "0"'],
    ['0 2 * 13 *', 'the field month takes 1 to 12 or jan and so on; got "13"'],
    ['0 2 * * 8', 'the field day of the week takes 0 to 7 or sun and so on; got "8"'],
    ['0 2 * * sta', 'the field day of the week takes 0 to 7 or sun and so on; got "sta"; did you mean sat?'],
    ['0 2 * * -1', 'the field day of the week takes 0 to 7 or sun and so on; got ""'],
    ['0 2 , * *', 'the field day of the month takes 1 to 31; got ""'],
    ['5/10 * * * *', 'a step goes over a range: write 5-59/10 for 5/10'],
    ['*/0 * * * *', 'a step is a whole number from 1; got */0 in the field minute'],
    ['*/90 * * * *', 'the step of */90 is larger than the field minute'],
    ['0 22-2 * * *', '22-2 goes backwards in the field hour; write two parts with a comma'],
    ['0 2 L * *', 'L is not of cron but of other schedulers; write numbers, names, ranges, lists or steps'],
    ['0 2 ? * 6#1', '6#1 is not of cron but of other schedulers; write numbers, names, ranges, lists or steps'],
    ['0 2 31 2,4 *', 'no month that it names has such a day: it would never come'],
    ['@reboot', '@reboot is no time of day, and has no window to fall into'],
    ['@dayly', 'there is no @dayly; there are @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly'],
  ])('%j is refused: %s', (text, message) => {
    expect(() => parseCron(text)).toThrow(new CronError(message));
  });

  test('with a day of the month and one of the week takes either, unless one begins with a star', () => {
    const days = (text: string): number[] =>
      all(1, 30).filter((day) =>
        isCronDay(parseCron(text), { month: 11, day, weekday: new Date(Date.UTC(2026, 10, day)).getUTCDay() }),
      );
    expect(days('0 0 13 * 5')).toEqual([6, 13, 20, 27]);
    expect(days('0 0 10 * 5')).toEqual([6, 10, 13, 20, 27]);
    expect(days('0 0 */10 * 0')).toEqual([1]);
    expect(days('0 0 * * 0')).toEqual([1, 8, 15, 22, 29]);
    expect(days('0 0 29,30 * *')).toEqual([29, 30]);
    expect(days('0 0 * 12 *')).toEqual([]);
  });
});
