import { basename, extname, join, resolve } from 'node:path';
import { readPlaybook } from '../config/load.ts';
import { RunRefused } from '../engine/context.ts';
import { exitCodes } from '../events/exit-code.ts';
import { ConfigError } from '../model/problem.ts';
import type { Schedule, Timetable } from '../model/timetable.ts';
import { cronTimes, firstOf } from '../plan/occurrences.ts';
import { openingAt } from '../plan/timetable.ts';
import type { UnitPlace } from '../schedule/unit-files.ts';
import type { Scheduled } from '../schedule/units.ts';
import { defaultOptions, type PlaybookOptions } from './options.ts';
import type { Surroundings } from './surroundings.ts';
import { scheduleOf } from './timing.ts';

export interface ScheduleOptions {
  readonly cron: string;
  readonly timezone?: string;
  readonly name?: string;
  readonly environmentFile?: string;
  /** Flags of the run: as they were given, and read. */
  readonly args: readonly string[];
  readonly options: Partial<PlaybookOptions>;
}

type Around = Pick<Surroundings, 'env' | 'cwd' | 'homeDir' | 'clock'>;

/** What a schedule is to do, with its playbook checked as `validate` does. @throws ConfigError, RunRefused */
export async function planSchedule(
  playbook: string,
  { cron, timezone, name, environmentFile, args, options }: ScheduleOptions,
  { env, cwd, clock }: Around,
): Promise<Scheduled> {
  const file = resolve(cwd, playbook);
  const timetable = await timetableOf(file, options, { env, cwd });
  const schedule = scheduleOf({ cron, ...(timezone === undefined ? {} : { timezone }) }, timetable);
  refuseNever(schedule, timetable, clock.now());
  const called = name ?? basename(file, extname(file)).replace(/[^\w.-]+/g, '-');
  if (!/^[A-Za-z0-9][\w.-]{0,99}$/.test(called))
    throw new RunRefused(
      exitCodes.usage,
      `${JSON.stringify(called)} cannot be part of a unit's name: letters, digits, dots and dashes`,
    );
  const paths = [file, cwd, ...args, ...(environmentFile === undefined ? [] : [environmentFile])];
  if (paths.some((text) => /[\n\r\0]/.test(text)))
    throw new RunRefused(exitCodes.usage, 'a path or a flag with a line end in it cannot stand in a unit or a crontab');
  return {
    name: called,
    playbook: file,
    cwd,
    schedule,
    args,
    catchesUp: timetable.misfireMs !== undefined,
    ...(environmentFile === undefined ? {} : { environmentFile: resolve(cwd, environmentFile) }),
  };
}

async function timetableOf(
  playbook: string,
  options: Partial<PlaybookOptions>,
  { env, cwd }: Pick<Around, 'env' | 'cwd'>,
): Promise<Timetable> {
  const { inventory, ...others } = { ...defaultOptions, ...options };
  const load = { ...others, playbook, inventories: inventory, askVaultPass: undefined, env, cwd };
  const { problems, playbook: loaded } = await readPlaybook(load, 'check');
  if (loaded === undefined || problems.errors().length > 0) throw new ConfigError(problems.errors());
  return loaded.timetable;
}

/** As many of its times are looked at. */
const mostTimes = 400;

/** A schedule none of whose times lies in the window would only ever say so. */
function refuseNever(schedule: Schedule, { windows }: Timetable, nowMs: number): void {
  const times = firstOf(cronTimes(schedule, nowMs, 'drop'), mostTimes);
  if (times.some((atMs) => openingAt({ windows, freezes: [] }, atMs).isOpen)) return;
  const texts = windows.map(({ text }) => text).join('; ');
  throw new RunRefused(
    exitCodes.usage,
    `no time of "${schedule.cron.text}" (${schedule.timezone}) lies in the playbook's window (${texts}): it would never run`,
  );
}

/** Where units lie. Root's are the system's, unless told otherwise. */
export function unitPlaceOf(
  { system, user, root, enable }: { system?: boolean; user?: boolean; root?: string; enable?: boolean },
  { env, homeDir, cwd }: Around,
): UnitPlace {
  const isSystem = system === true || (user !== true && process.geteuid?.() === 0);
  const config = env['XDG_CONFIG_HOME'] ?? '';
  const own = isSystem
    ? '/etc/systemd/system'
    : join(config === '' ? join(homeDir, '.config') : config, 'systemd/user');
  return {
    kind: isSystem ? 'system' : 'user',
    folder: root === undefined ? own : join(resolve(cwd, root), own),
    isOffline: root !== undefined || enable === false,
  };
}
