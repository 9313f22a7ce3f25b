import { CronError, parseCron } from '../model/cron.ts';
import type { Schedule } from '../model/timetable.ts';
import { quoteArgv } from '../shell/quote.ts';
import { onCalendarOf } from './on-calendar.ts';

/** What a schedule runs, and when. */
export interface Scheduled {
  /** The units are `rollout-NAME.service` and `rollout-NAME.timer`. */
  readonly name: string;
  /** An absolute path. */
  readonly playbook: string;
  /** The folder that it runs in, where its journal is. */
  readonly cwd: string;
  readonly schedule: Schedule;
  /** A run that was missed is started late: the playbook's `misfire` says how late. */
  readonly catchesUp: boolean;
  /** Flags of the run, as they were given. */
  readonly args: readonly string[];
  /** A file of variables for its secrets. */
  readonly environmentFile?: string;
}

/** The program and its first arguments: what `rollout` is on this machine. */
export type Program = readonly string[];

export interface Units {
  readonly service: string;
  readonly timer: string;
}

const firstLine =
  '# Written by `rollout schedule install`, which writes it again; `rollout schedule remove` takes it away.';
const recordPrefix = '# rollout-schedule: ';

/** The texts of both units. A run outside its window is no failure of the service (exit code 7). */
export function unitsOf(scheduled: Scheduled, program: Program, isSystem: boolean): Units {
  const { name, cwd, schedule, catchesUp, environmentFile } = scheduled;
  const head = [firstLine, `${recordPrefix}${JSON.stringify(recordOf(scheduled))}`, '[Unit]'];
  const about = `rollout: ${escapeUnit(scheduled.playbook)}`;
  const online = isSystem ? ['Wants=network-online.target', 'After=network-online.target'] : [];
  const service = [
    ...head,
    `Description=${about}`,
    ...online,
    '',
    '[Service]',
    'Type=oneshot',
    `WorkingDirectory=${escapeUnit(cwd)}`,
    ...(environmentFile === undefined ? [] : [`EnvironmentFile=${escapeUnit(environmentFile)}`]),
    `ExecStart=${[...program, ...runArgs(scheduled)].map(quoteWord).join(' ')}`,
    'SuccessExitStatus=7',
    '# A stop lets nodes under way finish, or puts them back.',
    'KillMode=mixed',
    'TimeoutStartSec=infinity',
    'TimeoutStopSec=30min',
    '',
  ];
  const timer = [
    ...head,
    `Description=When rollout-${name}.service runs`,
    '',
    '[Timer]',
    ...onCalendarOf(schedule).map((line) => `OnCalendar=${line}`),
    'AccuracySec=1s',
    `# A run that was missed is not made up for, unless the playbook's misfire says so; it never leaves its window.`,
    `Persistent=${catchesUp ? 'true' : 'false'}`,
    '',
    '[Install]',
    'WantedBy=timers.target',
    '',
  ];
  return { service: service.join('\n'), timer: timer.join('\n') };
}

/** A crontab's line. Cron has one time zone, the machine's. */
export function crontabLineOf(scheduled: Scheduled, program: Program): string {
  const { cron } = scheduled.schedule;
  const words = quoteArgv([...program, ...runArgs(scheduled)]);
  const command = `cd ${quoteArgv([scheduled.cwd])} && ${words}`;
  // A percent sign is a line end to cron.
  return `${cron.text} ${command.replaceAll('%', '\\%')}`;
}

/** What either starts: quiet, going on where a window's end has paused the last run, and too late is not at all. */
function runArgs({ playbook, schedule, args }: Scheduled): readonly string[] {
  const { cron, timezone } = schedule;
  return [
    ...['run', playbook, '--quiet', '--resume-paused'],
    ...['--scheduled', cron.text, '--timezone', timezone],
    ...args,
  ];
}

interface ScheduleRecord {
  readonly name: string;
  readonly playbook: string;
  readonly cwd: string;
  readonly cron: string;
  readonly timezone: string;
  readonly args: readonly string[];
}

function recordOf({ name, playbook, cwd, schedule, args }: Scheduled): ScheduleRecord {
  return { name, playbook, cwd, cron: schedule.cron.text, timezone: schedule.timezone, args };
}

/** What a unit of ours is for; undefined where it is somebody else's. */
export function readUnit(text: string): Omit<Scheduled, 'catchesUp' | 'environmentFile'> | undefined {
  const [first, second = ''] = text.split('\n', 2);
  if (first !== firstLine || !second.startsWith(recordPrefix)) return undefined;
  try {
    const { cron, timezone, ...others } = JSON.parse(second.slice(recordPrefix.length)) as ScheduleRecord;
    return { ...others, schedule: { cron: parseCron(cron), timezone } };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof CronError) return undefined;
    throw error;
  }
}

/** For values that are not split into words: only specifiers are read in them. */
function escapeUnit(text: string): string {
  return text.replaceAll('%', '%%');
}

function quoteWord(word: string): string {
  const escaped = escapeUnit(word).replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('$', '$$$$');
  return /^[\w@%+=:,./-]+$/.test(escaped) ? escaped : `"${escaped}"`;
}
