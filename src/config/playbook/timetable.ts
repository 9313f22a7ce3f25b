import * as z from 'zod';
import { CronError, parseCron, weekdayNames, type Cron } from '../../model/cron.ts';
import { formatDuration } from '../../model/duration.ts';
import type { Freeze, Timetable, Window } from '../../model/timetable.ts';
import { addDays, dayMs, instantOf, isTimeZone, type Day } from '../../model/wall-time.ts';
import { advised } from '../../schema/advice.ts';
import { durationMs, must, text } from '../../schema/values.ts';
import { partAt, problemIn, type Part } from '../document.ts';
import type { Member, Setting } from '../inventory/graph.ts';
import type { Inventory } from '../inventory/inventory.ts';
import { parsePart } from '../shape.ts';
import { hasTemplates } from '../template/scope.ts';
import type { Problems } from '../text/problems.ts';
import { Source } from '../text/source.ts';

const timezone = text
  .refine(isTimeZone, must('a time zone such as Europe/Amsterdam, or UTC'))
  .describe('The time zone, such as Europe/Amsterdam. UTC by default, on every controller.');

/** Minutes of a day. */
const timeOfDay = advised(z.string(must('a time such as "02:00"')), (found) =>
  typeof found === 'number' ? 'Put it in quotes: "02:00"' : undefined,
).transform((value, context): number => {
  const [, hour, minute] = /^(\d{1,2}):(\d{2})$/.exec(value) ?? [];
  const minutes = Number(hour) * 60 + Number(minute);
  if (hour !== undefined && Number(minute) < 60 && minutes <= 24 * 60) return minutes;
  context.addIssue({ code: 'custom', message: 'must be a time from "00:00" to "24:00"' });
  return z.NEVER;
});

const cron = z.string(must('a cron expression')).transform((value, context): Cron => {
  try {
    return parseCron(value);
  } catch (error) {
    if (!(error instanceof CronError)) throw error;
    context.addIssue({ code: 'custom', message: `must be a cron expression: ${error.message}` });
    return z.NEVER;
  }
});

const weekday = z
  .string(must('a day such as sat, or a range such as mon-fri'))
  .transform((value, context): readonly number[] => {
    const [from = -1, to = from, ...more] = value.toLowerCase().split('-').map(numberOfDay);
    if (from >= 0 && to >= 0 && more.length === 0)
      return Array.from({ length: ((to - from + 7) % 7) + 1 }, (_, index) => (from + index) % 7);
    context.addIssue({ code: 'custom', message: 'must be a day such as sat, or a range such as mon-fri' });
    return z.NEVER;
  });

function numberOfDay(name: string): number {
  return weekdayNames.findIndex((known) => known === name.trim() || longNames[known] === name.trim());
}

const longNames: Readonly<Record<(typeof weekdayNames)[number], string>> = {
  sun: 'sunday',
  mon: 'monday',
  tue: 'tuesday',
  wed: 'wednesday',
  thu: 'thursday',
  fri: 'friday',
  sat: 'saturday',
};

const longestWindowMs = 7 * dayMs;

const oneWindowSchema = z
  .strictObject(
    {
      days: z
        .array(weekday, must('a list of days such as [sat, sun]'))
        .min(1, must('a list of days such as [sat, sun]'))
        .optional()
        .describe('Days on which it opens, such as [sat, sun] or [mon-fri]; every day by default.'),
      from: timeOfDay.optional().describe('When it opens, as "02:00".'),
      to: timeOfDay.optional().describe('When it closes; a time before from is on the next day.'),
      cron: cron.optional().describe('When it opens, as a cron expression, instead of days and from.'),
      duration: durationMs.optional().describe('How long it stays open, with cron; at most 7d.'),
      timezone: timezone.prefault('UTC'),
    },
    must('a mapping with days, from and to, or with cron and duration'),
  )
  .transform((written, context): Window => {
    const refuse = (path: string[], message: string): never => {
      context.addIssue({ code: 'custom', path, message });
      return z.NEVER;
    };
    const { days, from, to, cron: opens, duration, timezone: zone } = written;
    if (opens !== undefined) {
      const extra = (['days', 'from', 'to'] as const).find((key) => written[key] !== undefined);
      if (extra !== undefined) return refuse([extra], 'does not go with cron: write duration');
      if (duration === undefined) return refuse([], 'must have duration: how long it stays open');
      if (duration < 60_000) return refuse(['duration'], 'must be 1m or more');
      if (duration > longestWindowMs) return refuse(['duration'], 'must be 7d or less');
      const shown = `cron ${opens.text} for ${formatDuration(duration)} ${zone}`;
      return { kind: 'cron', cron: opens, durationMs: duration, timezone: zone, text: shown };
    }
    if (duration !== undefined) return refuse(['duration'], 'goes with cron: write to');
    if (from === undefined || to === undefined) return refuse([], 'must have from and to, or cron and duration');
    if (from === to || from === 24 * 60)
      return refuse(['from'], 'must differ from to; a whole day is from "00:00" to "24:00"');
    const weekdays = [...new Set((days ?? [[0, 1, 2, 3, 4, 5, 6]]).flat())].sort(
      (a, b) => ((a + 6) % 7) - ((b + 6) % 7),
    );
    const names = weekdays.length === 7 ? 'every day' : weekdays.map((day) => weekdayNames[day]).join(', ');
    const shown = `${names} ${clockText(from)}–${clockText(to)} ${zone}`;
    return { kind: 'days', weekdays, fromMinute: from, toMinute: to, timezone: zone, text: shown };
  });

function clockText(minutes: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** A day, or a minute of it. */
export interface Moment {
  readonly day: Day;
  /** Undefined: the whole day. */
  readonly minute: number | undefined;
}

const moment = z
  .string(must('a date such as 2026-12-20, or "2026-12-20 18:00"'))
  .transform((value, context): Moment => {
    const [, year, month, date, hour, minute] =
      /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2}))?$/.exec(value.trim()) ?? [];
    const day = { year: Number(year), month: Number(month), day: Number(date) };
    // A day that its month does not have comes back as another.
    const isDay = year !== undefined && JSON.stringify(addDays(day, 0)) === JSON.stringify(day);
    if (isDay && hour === undefined) return { day, minute: undefined };
    if (isDay && Number(hour) < 24 && Number(minute) < 60) return { day, minute: Number(hour) * 60 + Number(minute) };
    context.addIssue({ code: 'custom', message: 'must be a date such as 2026-12-20, or "2026-12-20 18:00"' });
    return z.NEVER;
  });

const freezeSchema = z.strictObject(
  {
    from: moment.describe('The first day, or the minute it begins.'),
    to: moment.describe('The last day, which is frozen too, or the minute it ends.'),
    reason: text.describe('What people read who wonder why nothing happens.'),
    timezone: timezone.optional().describe("Its time zone; that of the playbook's window by default, or UTC."),
  },
  must('a mapping with from, to and reason'),
);

const freezesSchema = z.array(freezeSchema, must('a list of freezes'));

/** The keys of a playbook that say when it may run. */
export const timetableKeys = {
  window: z
    .union([z.array(oneWindowSchema).min(1), oneWindowSchema], must('a window, or a list of windows'))
    .transform((value): readonly Window[] => [value].flat())
    .optional()
    .describe(
      'When a run may begin and start further nodes: { days, from, to, timezone } or { cron, duration, timezone }, or a list of them.',
    ),
  freezes: freezesSchema
    .optional()
    .describe('Times in which nothing is changed, whatever the window says; rollout_freezes in group_vars likewise.'),
  misfire: z
    .string(must('skip, or run_within and a duration'))
    .transform((value, context): number | undefined => {
      if (value === 'skip') return undefined;
      const within = durationMs.safeParse(/^run_within +(\S+)$/.exec(value.trim())?.[1]);
      if (within.success && within.data > 0) return within.data;
      context.addIssue({ code: 'custom', message: 'must be skip, or run_within and a duration, as in run_within 30m' });
      return z.NEVER;
    })
    .optional()
    .describe('What becomes of a scheduled run that was missed: skip, the default, or run_within 30m.'),
};

type FreezeSettings = z.output<typeof freezeSchema>;

/** What a playbook's keys say, where they are well formed. */
export interface TimetableSettings {
  readonly window?: readonly Window[] | undefined;
  readonly freezes?: readonly FreezeSettings[] | undefined;
  readonly misfire?: number | undefined;
}

/** The inventory's name for freezes. */
const freezesVariable = 'rollout_freezes';

/** When a playbook's runs may change hosts: its own keys, and the freezes of the hosts that it names. */
export function timetableOf(
  { window: windows = [], freezes = [], misfire }: TimetableSettings,
  document: Part,
  { members, inventory, problems }: { members: readonly Member[]; inventory: Inventory; problems: Problems },
): Timetable {
  const zone = windows[0]?.timezone ?? 'UTC';
  const own = freezesOf(freezes, partAt(document, 'freezes'), zone, problems);
  const bySetting = new Map<Setting, Set<string>>();
  for (const member of members)
    for (const setting of inventory.everySetting(member, freezesVariable)) {
      // Folders of variables beside inventory and playbook may be one: then a setting comes twice.
      const hosts = bySetting.get(setting) ?? new Set();
      bySetting.set(setting, hosts.add(member.name));
    }
  const ofHosts = [...bySetting].flatMap(([setting, names]) => {
    const hosts = [...names];
    return freezesOfSetting(setting, inventory, { hosts, zone, problems }).map((freeze) => ({ ...freeze, hosts }));
  });
  return { windows, freezes: [...own, ...ofHosts], ...(misfire === undefined ? {} : { misfireMs: misfire }) };
}

function freezesOfSetting(
  { value, place }: Setting,
  inventory: Inventory,
  { hosts, zone, problems }: { hosts: readonly string[]; zone: string; problems: Problems },
): readonly Freeze[] {
  const file = inventory.graph.hosts.get(hosts[0] ?? '')?.file ?? '--inventory';
  const part: Part = {
    value,
    place: place ?? { source: new Source(file, ''), start: 0, end: 0 },
    path: [freezesVariable],
  };
  if (typeof value === 'object' && value !== null && hasTemplates(value)) {
    problems.add(problemIn(part, [], 'must be written out, without templates'));
    return [];
  }
  return freezesOf(parsePart(freezesSchema, part, problems) ?? [], part, zone, problems);
}

function freezesOf(settings: readonly FreezeSettings[], part: Part, zone: string, problems: Problems): Freeze[] {
  return settings.flatMap(({ from, to, reason, timezone: own }, index) => {
    const timezoneName = own ?? zone;
    const freeze: Freeze = {
      fromMs: instantOf(from.day, from.minute ?? 0, timezoneName).atMs,
      toMs: instantOf(to.day, to.minute ?? 24 * 60, timezoneName).atMs,
      timezone: timezoneName,
      reason,
    };
    if (freeze.toMs > freeze.fromMs) return [freeze];
    problems.add(problemIn(part, [index, 'to'], 'must be later than from', true));
    return [];
  });
}

/** Freezes that nobody would obey must not look like any. */
export function refuseMisplacedFreezes(layers: readonly ReadonlyMap<string, Setting>[], problems: Problems): void {
  for (const layer of layers) {
    const setting = layer.get(freezesVariable);
    if (setting === undefined) continue;
    const { source, start } = setting.place ?? { source: new Source('--extra-vars', ''), start: 0 };
    problems.add(
      source.problem(
        start,
        freezesVariable,
        'is for inventories, and does nothing here; write freezes at the top of the playbook',
      ),
    );
  }
}
