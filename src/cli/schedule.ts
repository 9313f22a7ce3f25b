import { Command, Option } from 'commander';
import { realpathSync } from 'node:fs';
import type { PlaybookOptions } from '../api/options.ts';
import { RunRefused } from '../engine/context.ts';
import { exitCodes } from '../events/exit-code.ts';
import type { InstalledSchedule, UnitPlace } from '../schedule/unit-files.ts';
import { addFormOption } from './options.ts';
import { registerRun } from './run.ts';
import { systemWorld, type World } from './world.ts';

/** What a command about schedules sees of its process. */
export interface ScheduleWorld extends Pick<World, 'env' | 'cwd' | 'homeDir' | 'clock'> {
  readonly stdout: { write(text: string): unknown };
  /** The program and its script, for what a scheduler starts. */
  readonly program: readonly string[];
}

interface PlaceFlags {
  readonly system?: boolean;
  readonly user?: boolean;
  readonly root?: string;
  readonly output: 'plain' | 'json';
}

interface InstallFlags extends PlaceFlags {
  readonly cron: string;
  readonly timezone?: string;
  readonly name?: string;
  readonly environmentFile?: string;
  readonly crontab: boolean;
  readonly enable: boolean;
}

/** `rollout schedule …`: runs at their time, by what the machine has. */
export function registerSchedule(program: Command, world?: ScheduleWorld): void {
  const group = program.command('schedule').description('runs at their time, by systemd timers or cron');
  const install = group
    .command('install')
    .argument('<playbook>', 'the playbook to run')
    .argument('[run-flags...]', 'flags of the run, behind --')
    .requiredOption('--cron <expression>', 'when, such as "0 2 * * 6"')
    .option('--timezone <name>', "of --cron; that of the playbook's window by default, or the machine's")
    .option('--name <name>', "what it is called; the playbook's file name by default")
    .option('--environment-file <file>', 'variables for the run, such as those of its secrets')
    .option('--crontab', 'print a line for crontab, and install nothing', false)
    .option('--no-enable', 'write the units and do not start the timer')
    .description('write a systemd service and a timer that run a playbook, and start the timer');
  addPlaceOptions(install).action(async (playbook: string, args: readonly string[], flags: InstallFlags) => {
    await installCommand(playbook, args, flags, world ?? scheduleWorld());
  });
  const list = group.command('list').description('the schedules of this machine or user, with their next runs');
  addPlaceOptions(list).action(async (flags: PlaceFlags) => {
    await listCommand(flags, world ?? scheduleWorld());
  });
  const remove = group
    .command('remove')
    .argument('<name>', 'as rollout schedule list shows it')
    .option('--no-enable', 'only remove the files: the timer is not under way')
    .description('stop a timer and take its units away');
  addPlaceOptions(remove).action(async (name: string, flags: PlaceFlags & { enable: boolean }) => {
    await removeCommand(name, flags, world ?? scheduleWorld());
  });
}

function addPlaceOptions(command: Command): Command {
  command
    .addOption(new Option('--system', "among the system's units; root's default").conflicts('user'))
    .addOption(new Option('--user', "among this user's units; everybody else's default"))
    .option('--root <folder>', 'below this folder, for an image or a package; systemd is not told');
  return addFormOption(command);
}

function scheduleWorld(): ScheduleWorld {
  const world = systemWorld();
  return { ...world, program: [process.execPath, realpathSync(process.argv[1] ?? '')] };
}

async function installCommand(
  playbook: string,
  args: readonly string[],
  flags: InstallFlags,
  world: ScheduleWorld,
): Promise<void> {
  const { planSchedule, unitPlaceOf } = await import('../api/schedule.ts');
  const { crontabLineOf, unitsOf } = await import('../schedule/units.ts');
  const { installUnits } = await import('../schedule/unit-files.ts');
  const options = readRunFlags(playbook, args);
  const scheduled = await planSchedule(playbook, { ...flags, args, options }, world);
  const { name, schedule } = scheduled;
  const print = printer(world);
  if (flags.crontab) {
    refuseForeignZone(schedule.timezone);
    if (flags.environmentFile !== undefined)
      throw new RunRefused(
        exitCodes.usage,
        'cron has no --environment-file: set the variables in the crontab, above the line',
      );
    const line = crontabLineOf(scheduled, world.program);
    print(flags, { name, crontab: line }, `${line}\n`);
    return;
  }
  const place = unitPlaceOf(flags, world);
  const units = unitsOf(scheduled, world.program, place.kind === 'system');
  await refusing(() => installUnits(scheduled, units, place));
  const data = {
    name,
    folder: place.folder,
    enabled: !place.isOffline,
    next: nextRuns(scheduled, world, await occurrences()),
  };
  print(flags, data, installedText({ ...scheduled, place }, place, data.next));
}

function installedText({ name }: InstalledSchedule, place: UnitPlace, next: readonly string[]): string {
  const user = place.kind === 'user' ? ' --user' : '';
  const started = place.isOffline
    ? `to start it: systemctl${user} daemon-reload && systemctl${user} enable --now rollout-${name}.timer`
    : `next run: ${next[0] ?? 'none is in sight'}`;
  const lingers =
    place.kind === 'user' ? 'it runs while you are logged in; to run it always: loginctl enable-linger\n' : '';
  return `${place.folder}/rollout-${name}.timer and .service are written\n${started}\n${lingers}`;
}

async function listCommand(flags: PlaceFlags, world: ScheduleWorld): Promise<void> {
  const { unitPlaceOf } = await import('../api/schedule.ts');
  const { listUnits } = await import('../schedule/unit-files.ts');
  const plan = await occurrences();
  const found = (await listUnits(unitPlaceOf(flags, world))).map((each) => {
    const { name, playbook, cwd, schedule, args } = each;
    return {
      ...{ name, playbook, cwd, cron: schedule.cron.text, timezone: schedule.timezone, args },
      next: nextRuns(each, world, plan),
    };
  });
  const lines = found.map(({ name, playbook, cron, timezone, next }) =>
    [`${name}  ${cron}  ${timezone}  ${playbook}`, ...next.map((time) => `  next: ${time}`), ''].join('\n'),
  );
  printer(world)(flags, found, lines.length === 0 ? 'No schedules yet.\n' : lines.join(''));
}

async function removeCommand(
  name: string,
  flags: PlaceFlags & { enable: boolean },
  world: ScheduleWorld,
): Promise<void> {
  const { unitPlaceOf } = await import('../api/schedule.ts');
  const { listUnits, removeUnits } = await import('../schedule/unit-files.ts');
  const place = unitPlaceOf(flags, world);
  const known = (await listUnits(place)).map((each) => each.name);
  if (!known.includes(name))
    throw new RunRefused(exitCodes.usage, `there is no schedule ${name} in ${place.folder}`, [
      known.length === 0 ? 'there is none at all' : `there are ${known.join(', ')}`,
    ]);
  await refusing(() => removeUnits(name, place));
  printer(world)(flags, { name, removed: true }, `schedule ${name} is removed\n`);
}

/** A wrong flag must not show at night. @throws CommanderError */
function readRunFlags(playbook: string, args: readonly string[]): Partial<PlaybookOptions> {
  const probe = new Command('rollout').exitOverride();
  registerRun(probe);
  const [run] = probe.commands;
  run?.exitOverride().action(() => undefined);
  probe.parse(['run', playbook, ...args], { from: 'user' });
  const { inventory, extraVars, composition, limit, tags, skipTags } = run?.opts<PlaybookOptions>() ?? {};
  return {
    ...(inventory === undefined ? {} : { inventory }),
    ...(extraVars === undefined ? {} : { extraVars }),
    ...(composition === undefined ? {} : { composition }),
    ...(limit === undefined ? {} : { limit }),
    ...(tags === undefined ? {} : { tags }),
    ...(skipTags === undefined ? {} : { skipTags }),
  };
}

/** Cron reads its times in the machine's zone. */
function refuseForeignZone(timezone: string): void {
  const machine = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (timezone === machine) return;
  throw new RunRefused(exitCodes.usage, `cron on this machine is in ${machine}, and the schedule in ${timezone}`, [
    `write the time as it is in ${machine}, with --timezone ${machine}; or leave out --crontab: a timer has a time zone`,
  ]);
}

async function occurrences() {
  const { cronTimes, firstOf } = await import('../plan/occurrences.ts');
  const { formatWallTime } = await import('../model/wall-time.ts');
  return { cronTimes, firstOf, formatWallTime };
}

const shownRuns = 3;

function nextRuns(
  { schedule }: Pick<InstalledSchedule, 'schedule'>,
  { clock }: Pick<ScheduleWorld, 'clock'>,
  { cronTimes, firstOf, formatWallTime }: Awaited<ReturnType<typeof occurrences>>,
): readonly string[] {
  // As systemd does, which leaves out what a clock change skips.
  const times = firstOf(cronTimes(schedule, clock.now() + 1, 'drop'), shownRuns);
  return times.map((atMs) => formatWallTime(atMs, schedule.timezone));
}

async function refusing(work: () => Promise<void>): Promise<void> {
  const { ScheduleError } = await import('../schedule/unit-files.ts');
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error;
    throw new RunRefused(exitCodes.usage, error.message, error.details);
  }
}

function printer({ stdout }: ScheduleWorld): (flags: PlaceFlags, data: unknown, text: string) => void {
  return ({ output }, data, text) => void stdout.write(output === 'json' ? `${JSON.stringify(data)}\n` : text);
}
