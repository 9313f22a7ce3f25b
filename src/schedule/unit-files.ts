import { lstat, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lastWords, runProgram } from '../local/program.ts';
import { readUnit, type Scheduled, type Units } from './units.ts';

/** Where units lie, and how systemd hears of them. */
export interface UnitPlace {
  readonly folder: string;
  readonly kind: 'system' | 'user';
  /** They are for another root, or nobody is to be told: only files are written. */
  readonly isOffline: boolean;
}

/** A schedule cannot be written or taken away; nothing was changed. */
export class ScheduleError extends Error {
  readonly details: readonly string[];

  constructor(message: string, details: readonly string[] = []) {
    super(message);
    this.name = 'ScheduleError';
    this.details = details;
  }
}

export type InstalledSchedule = NonNullable<ReturnType<typeof readUnit>> & { readonly place: UnitPlace };

/** Of a unit: more is not read. */
const mostUnitBytes = 65_536;
const systemctlTimeoutMs = 60_000;
export const mostSystemctlBytes = 65_536;

/** Schedules of a place, by name. */
export async function listUnits(place: UnitPlace): Promise<readonly InstalledSchedule[]> {
  const names = await readdir(place.folder).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  const found: InstalledSchedule[] = [];
  for (const file of names.filter((name) => /^rollout-.*\.timer$/.test(name)).sort()) {
    const unit = readUnit((await readText(join(place.folder, file))) ?? '');
    if (unit !== undefined) found.push({ ...unit, place });
  }
  return found;
}

/** Writes both units and has systemd start the timer. @throws ScheduleError where others have made them, or systemd refuses */
export async function installUnits({ name, playbook }: Scheduled, units: Units, place: UnitPlace): Promise<void> {
  const files = filesOf(name, place);
  const before = { service: await ownText(files.service, playbook), timer: await ownText(files.timer, playbook) };
  await mkdir(place.folder, { recursive: true });
  await writeUnit(files.service, units.service);
  await writeUnit(files.timer, units.timer);
  if (place.isOffline) return;
  try {
    await systemctl(place, ['daemon-reload']);
    await systemctl(place, ['enable', '--now', `rollout-${name}.timer`]);
  } catch (error) {
    await putBack(files.service, before.service);
    await putBack(files.timer, before.timer);
    throw error;
  }
}

/** Stops a timer and takes both units away. @throws ScheduleError */
export async function removeUnits(name: string, place: UnitPlace): Promise<void> {
  const files = filesOf(name, place);
  for (const file of [files.service, files.timer]) await ownText(file, undefined);
  if (!place.isOffline) await systemctl(place, ['disable', '--now', `rollout-${name}.timer`]);
  await rm(files.timer, { force: true });
  await rm(files.service, { force: true });
  if (!place.isOffline) await systemctl(place, ['daemon-reload']);
}

function filesOf(name: string, { folder }: UnitPlace): { readonly service: string; readonly timer: string } {
  const base = join(folder, `rollout-${name}`);
  return { service: `${base}.service`, timer: `${base}.timer` };
}

/** A unit's text where it is ours; undefined where there is none. @throws ScheduleError where it is somebody else's */
async function ownText(file: string, playbook: string | undefined): Promise<string | undefined> {
  const text = await readText(file);
  if (text === undefined) return undefined;
  const unit = readUnit(text);
  if (unit === undefined)
    throw new ScheduleError(`${file} was not written by rollout: it is left alone`, [
      'choose another name: --name NAME',
    ]);
  if (playbook !== undefined && unit.playbook !== playbook)
    throw new ScheduleError(`${file} is the schedule of another playbook, ${unit.playbook}`, [
      `choose another name: --name NAME, or take it away: rollout schedule remove ${unit.name}`,
    ]);
  return text;
}

/** '' for what is no plain file, and so not ours. */
async function readText(file: string): Promise<string | undefined> {
  try {
    const found = await lstat(file);
    return found.isFile() && found.size <= mostUnitBytes ? await readFile(file, 'utf8') : '';
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Whole or not at all. */
async function writeUnit(file: string, text: string): Promise<void> {
  const written = `${file}.${process.pid}.new`;
  await writeFile(written, text, { mode: 0o644, flag: 'wx' });
  await rename(written, file);
}

async function putBack(file: string, text: string | undefined): Promise<void> {
  if (text === undefined) await rm(file, { force: true });
  else await writeUnit(file, text);
}

async function systemctl({ kind }: UnitPlace, args: readonly string[]): Promise<void> {
  const argv = ['systemctl', ...(kind === 'user' ? ['--user'] : []), ...args];
  const result = await runProgram(argv, {
    timeoutMs: systemctlTimeoutMs,
    mostBytes: mostSystemctlBytes,
    keeps: 'last',
    ownGroup: true,
  });
  const { end } = result;
  if (end.kind === 'exited' && end.code === 0) return;
  const missing = end.kind === 'unstarted' && end.error.code === 'ENOENT';
  const said = missing ? 'there is no systemctl on this machine' : lastWords(result);
  throw new ScheduleError(`${argv.join(' ')} failed${said === '' ? '' : `: ${said}`}`, [
    'to write the units and leave starting them to you: --no-enable; for cron: --crontab',
  ]);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
