import { expect, test } from 'vitest';
import { loadPlaybook } from '../../../src/config/load.ts';
import { parseCron } from '../../../src/model/cron.ts';
import type { Timetable } from '../../../src/model/timetable.ts';
import { createProject } from '../../support/project.ts';

const play = 'plays:\n  - name: web\n    hosts: web\n    services: { app: { image: registry.example.com/app:1 } }\n';

async function timetable(
  top: string,
  files: Readonly<Record<string, string>> = {},
  limit?: string,
): Promise<Timetable> {
  using project = createProject({
    'playbook.yaml': `inventory: hosts.yaml\n${top}\n${play}`,
    'hosts.yaml': 'web:\n  children: { eu: { hosts: { h1:, h2: } }, us: { hosts: { h3: } } }\n',
    ...files,
  });
  return (await loadPlaybook(project.options({ limit }))).timetable;
}

const utc = (text: string): number => Date.parse(text);

test('a playbook that says nothing of times may always run', async () => {
  expect(await timetable('')).toEqual({ windows: [], freezes: [] });
});

test('a window is days and times, or a cron expression and a duration', async () => {
  expect(
    await timetable(`window:
  - { days: [sat, sun], from: 02:00, to: 04:30, timezone: Europe/Amsterdam }
  - { days: [Monday, wed-fri], from: "22:00", to: "2:30" }
  - { from: "00:00", to: "24:00" }
  - { cron: "0 2 * * 6", duration: 2h30m, timezone: America/New_York }
misfire: run_within 30m`),
  ).toEqual({
    windows: [
      {
        kind: 'days',
        weekdays: [6, 0],
        fromMinute: 120,
        toMinute: 270,
        timezone: 'Europe/Amsterdam',
        text: 'sat, sun 02:00–04:30 Europe/Amsterdam',
      },
      {
        kind: 'days',
        weekdays: [1, 3, 4, 5],
        fromMinute: 1320,
        toMinute: 150,
        timezone: 'UTC',
        text: 'mon, wed, thu, fri 22:00–02:30 UTC',
      },
      {
        kind: 'days',
        weekdays: [1, 2, 3, 4, 5, 6, 0],
        fromMinute: 0,
        toMinute: 1440,
        timezone: 'UTC',
        text: 'every day 00:00–24:00 UTC',
      },
      {
        kind: 'cron',
        cron: parseCron('0 2 * * 6'),
        durationMs: 9_000_000,
        timezone: 'America/New_York',
        text: 'cron 0 2 * * 6 for 2 h 30 m America/New_York',
      },
    ],
    freezes: [],
    misfireMs: 1_800_000,
  });
});

test('a freeze is of whole days or of minutes, in its own time zone or that of the window', async () => {
  const top = `window: { from: "02:00", to: "04:00", timezone: Europe/Amsterdam }
freezes:
  - { from: 2026-12-20, to: 2027-01-03, reason: holidays }
  - { from: "2026-11-27 18:00", to: 2026-11-27T23:30, reason: sale, timezone: America/New_York }
misfire: skip`;
  expect((await timetable(top)).freezes).toEqual([
    {
      fromMs: utc('2026-12-19T23:00Z'),
      toMs: utc('2027-01-03T23:00Z'),
      timezone: 'Europe/Amsterdam',
      reason: 'holidays',
    },
    {
      fromMs: utc('2026-11-27T23:00Z'),
      toMs: utc('2026-11-28T04:30Z'),
      timezone: 'America/New_York',
      reason: 'sale',
    },
  ]);
});

test('rollout_freezes of groups and hosts are for those of their hosts that the run has', async () => {
  const freeze = (reason: string): string =>
    `rollout_freezes: [{ from: 2026-12-20, to: 2026-12-20, reason: ${reason} }]`;
  const files = {
    'group_vars/eu.yaml': freeze('eu'),
    'host_vars/h2.yaml': freeze('h2'),
    'group_vars/us.yaml': freeze('us'),
  };
  const found = async (limit?: string) =>
    (await timetable('', files, limit)).freezes.map(({ reason, hosts, timezone }) => ({ reason, hosts, timezone }));
  expect(await found()).toEqual([
    { reason: 'eu', hosts: ['h1', 'h2'], timezone: 'UTC' },
    { reason: 'h2', hosts: ['h2'], timezone: 'UTC' },
    { reason: 'us', hosts: ['h3'], timezone: 'UTC' },
  ]);
  expect(await found('h1')).toEqual([{ reason: 'eu', hosts: ['h1'], timezone: 'UTC' }]);
});
