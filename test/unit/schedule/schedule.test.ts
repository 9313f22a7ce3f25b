import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { registerSchedule } from '../../../src/cli/schedule.ts';
import { RunRefused } from '../../../src/engine/context.ts';
import { parseCron } from '../../../src/model/cron.ts';
import { onCalendarOf } from '../../../src/schedule/on-calendar.ts';
import { cronTimes, firstOf } from '../../../src/plan/occurrences.ts';

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
const now = Date.parse('2026-11-27T12:00:00Z');
const zone = 'Europe/Amsterdam';

describe('a cron expression as OnCalendar=', () => {
  const cases: readonly (readonly [cron: string, lines: readonly string[]])[] = [
    ['0 2 * * 6', ['Sat *-*-* 02:00:00 Europe/Amsterdam']],
    ['*/15 * * * *', ['*-*-* *:00,15,30,45:00 Europe/Amsterdam']],
    ['* * * * *', ['*-*-* *:*:00 Europe/Amsterdam']],
    ['30 1-4,22 * jan-mar,12 *', ['*-01..03,12-* 01..04,22:30:00 Europe/Amsterdam']],
    ['0 0 1,15 * *', ['*-*-01,15 00:00:00 Europe/Amsterdam']],
    ['0 6 * * mon-fri', ['Mon..Fri *-*-* 06:00:00 Europe/Amsterdam']],
    ['0 6 * * 0,6', ['Sat,Sun *-*-* 06:00:00 Europe/Amsterdam']],
    ['0 6 * * sun-tue', ['Mon,Tue,Sun *-*-* 06:00:00 Europe/Amsterdam']],
    ['0 6 13 * 5', ['*-*-13 06:00:00 Europe/Amsterdam', 'Fri *-*-* 06:00:00 Europe/Amsterdam']],
    ['0 6 */2 * 1', ['Mon *-*-01,03,05,07,09,11,13,15,17,19,21,23,25,27,29,31 06:00:00 Europe/Amsterdam']],
    ['@monthly', ['*-*-01 00:00:00 Europe/Amsterdam']],
  ];

  test.each(cases)('%s is %j', (cron, lines) => {
    expect(onCalendarOf({ cron: parseCron(cron), timezone: zone })).toEqual(lines);
  });

  test.runIf(hasSystemd)('comes when systemd says, over both clock changes of a year', () => {
    for (const [cron] of [...cases, ['30 2 * * *'], ['30 2 29 3 *'], ['15 2 * * 0']] as const) {
      const schedule = { cron: parseCron(cron), timezone: zone };
      for (const base of ['2026-03-27 12:00:00 UTC', '2026-10-23 12:00:00 UTC', '2026-12-30 23:30:00 UTC']) {
        const args = ['calendar', '--iterations=4', `--base-time=${base}`, ...onCalendarOf(schedule)];
        const said = execFileSync('systemd-analyze', args, { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } });
        const times = [...said.matchAll(/(?:Next elapse|Iter\. #\d+): \w{3} (\S+ \S+) UTC/g)].map(([, time = '']) =>
          Date.parse(`${time.replace(' ', 'T')}Z`),
        );
        // Of two lines each has its own; the earliest four of both are the schedule's.
        const expected = [...new Set(times)].sort((a, b) => a - b).slice(0, 4);
        const from = Date.parse(base.replace(' UTC', 'Z').replace(' ', 'T')) + 1;
        expect({ cron, base, times: firstOf(cronTimes(schedule, from, 'drop'), 4) }).toEqual({
          cron,
          base,
          times: expected,
        });
      }
    }
  });
});

describe('rollout schedule', () => {
  let cwd: string;
  const program = ['/usr/bin/node', '/opt/roll out/rollout.js'];
  const playbook = (top = ''): string =>
    `inventory: hosts.yaml\n${top}\nplays:\n  - name: web\n    hosts: web\n    services: { app: { image: "registry.example.com/app:1" } }\n`;
  const folder = (): string => join(cwd, 'root/etc/systemd/system');

  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), 'rollout-schedule-'));
    writeFileSync(join(cwd, 'hosts.yaml'), 'web: { hosts: { h1: } }\n');
    writeFileSync(
      join(cwd, 'night.yaml'),
      playbook(`window: { days: [sat], from: "02:00", to: "04:30", timezone: ${zone} }`),
    );
  });
  afterEach(() => rmSync(cwd, { recursive: true }));

  async function schedule(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
    let printed = '';
    const root = new Command('rollout').exitOverride().configureOutput({ writeErr: () => undefined });
    registerSchedule(root, {
      ...{ env, cwd, homeDir: join(cwd, 'home'), program },
      clock: { now: () => now, sleep: () => Promise.resolve() },
      stdout: { write: (text) => (printed += text) },
    });
    root.commands[0]?.commands.forEach((command) =>
      command.exitOverride().configureOutput({ writeErr: () => undefined }),
    );
    await root.parseAsync(['schedule', ...args], { from: 'user' });
    return printed.replaceAll(cwd, 'CWD');
  }
  const refusal = async (...args: readonly string[]): Promise<unknown> => {
    try {
      return await schedule(args);
    } catch (error) {
      if (error instanceof RunRefused)
        return [
          error.exitCode,
          error.message.replaceAll(cwd, 'CWD'),
          ...error.details.map((line) => line.replaceAll(cwd, 'CWD')),
        ];
      throw error;
    }
  };
  const install = ['install', 'night.yaml', '--cron', '0 2 * * 6', '--system', '--root', 'root'];
  const read = (name: string): string => readFileSync(join(folder(), name), 'utf8').replaceAll(cwd, 'CWD');

  test('writes a service and a timer, lists them with their next runs, and takes them away', async () => {
    expect(
      await schedule([...install, '--environment-file', 'night.env', '--', '--limit', 'web', '-e', 'cost="$5 100%"']),
    ).toBe(
      [
        'CWD/root/etc/systemd/system/rollout-night.timer and .service are written',
        'to start it: systemctl daemon-reload && systemctl enable --now rollout-night.timer',
        '',
      ].join('\n'),
    );
    const head = [
      '# Written by `rollout schedule install`, which writes it again; `rollout schedule remove` takes it away.',
      '# rollout-schedule: {"name":"night","playbook":"CWD/night.yaml","cwd":"CWD","cron":"0 2 * * 6","timezone":"Europe/Amsterdam","args":["--limit","web","-e","cost=\\"$5 100%\\""]}',
      '[Unit]',
    ];
    expect(read('rollout-night.service').split('\n')).toEqual([
      ...head,
      'Description=rollout: CWD/night.yaml',
      'Wants=network-online.target',
      'After=network-online.target',
      '',
      '[Service]',
      'Type=oneshot',
      'WorkingDirectory=CWD',
      'EnvironmentFile=CWD/night.env',
      'ExecStart=/usr/bin/node "/opt/roll out/rollout.js" run CWD/night.yaml --quiet --resume-paused --scheduled "0 2 * * 6" --timezone Europe/Amsterdam --limit web -e "cost=\\"$$5 100%%\\""',
      'SuccessExitStatus=7',
      '# A stop lets nodes under way finish, or puts them back.',
      'KillMode=mixed',
      'TimeoutStartSec=infinity',
      'TimeoutStopSec=30min',
      '',
    ]);
    expect(read('rollout-night.timer').split('\n')).toEqual([
      ...head,
      'Description=When rollout-night.service runs',
      '',
      '[Timer]',
      'OnCalendar=Sat *-*-* 02:00:00 Europe/Amsterdam',
      'AccuracySec=1s',
      "# A run that was missed is not made up for, unless the playbook's misfire says so; it never leaves its window.",
      'Persistent=false',
      '',
      '[Install]',
      'WantedBy=timers.target',
      '',
    ]);

    const next = [28, 5, 12].map(
      (day, index) => `Sat 2026-1${index === 0 ? 1 : 2}-${String(day).padStart(2, '0')} 02:00 ${zone}`,
    );
    const place = ['--system', '--root', 'root'];
    expect(await schedule(['list', ...place])).toBe(
      [`night  0 2 * * 6  ${zone}  CWD/night.yaml`, ...next.map((time) => `  next: ${time}`), ''].join('\n'),
    );
    expect(JSON.parse(await schedule(['list', ...place, '--output', 'json']))).toEqual([
      {
        ...{ name: 'night', playbook: 'CWD/night.yaml', cwd: 'CWD', cron: '0 2 * * 6', timezone: zone },
        args: ['--limit', 'web', '-e', 'cost="$5 100%"'],
        next,
      },
    ]);
    expect(await schedule(['remove', 'night', ...place])).toBe('schedule night is removed\n');
    expect(readdirSync(folder())).toEqual([]);
    expect(await schedule(['list', ...place])).toBe('No schedules yet.\n');
  });

  test.runIf(hasSystemd)('writes units that systemd-analyze verify passes, for the system and for a user', async () => {
    const odd = join(cwd, 'odd $HOME %h "folder"');
    mkdirSync(odd);
    writeFileSync(join(odd, 'hosts.yaml'), 'web: { hosts: { h1: } }\n');
    writeFileSync(join(odd, 'deep night.yaml'), playbook());
    const real = [process.execPath];
    program.splice(0, program.length, ...real, '/opt/roll out/rollout.js');
    await schedule(install);
    await schedule([
      'install',
      join(odd, 'deep night.yaml'),
      '--cron',
      '5 4 13 * 5',
      '--timezone',
      'UTC',
      '--user',
      '--root',
      'root',
    ]);
    const user = join(cwd, 'root', cwd, 'home/.config/systemd/user');
    for (const [place, mode] of [
      [folder(), '--system'],
      [user, '--user'],
    ] as const) {
      const files = readdirSync(place).map((name) => join(place, name));
      expect(files).toHaveLength(2);
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', mode, '--man=no', ...files], {
        encoding: 'utf8',
        env: { ...process.env, XDG_RUNTIME_DIR: cwd },
      });
      expect({ mode, status, stderr: stderr.split('\n').filter((line) => line.includes('rollout-')) }).toEqual({
        mode,
        status: 0,
        stderr: [],
      });
    }
    expect(readFileSync(join(user, 'rollout-deep-night.service'), 'utf8')).toContain(
      `"${cwd}/odd $$HOME %%h \\"folder\\"/deep night.yaml"`,
    );
  });

  test('makes up for a missed run only where the playbook says misfire', async () => {
    writeFileSync(join(cwd, 'night.yaml'), playbook('misfire: run_within 30m'));
    await schedule([...install, '--timezone', 'UTC']);
    expect(read('rollout-night.timer')).toContain('\nPersistent=true\n');
    expect(read('rollout-night.timer')).toContain('\nOnCalendar=Sat *-*-* 02:00:00 UTC\n');
  });

  test('prints a line for crontab, and installs nothing', async () => {
    writeFileSync(join(cwd, 'night.yaml'), playbook());
    const machine = Intl.DateTimeFormat().resolvedOptions().timeZone;
    expect(
      await schedule(['install', 'night.yaml', '--cron', '0 2 * * 6', '--crontab', '--', '-e', `who="it's 100%"`]),
    ).toBe(
      `0 2 * * 6 cd CWD && /usr/bin/node '/opt/roll out/rollout.js' run CWD/night.yaml --quiet --resume-paused --scheduled '0 2 * * 6' --timezone ${machine} -e 'who="it'\\''s 100\\%"'\n`.replace(
        '/usr/bin/node',
        program[0] ?? '',
      ),
    );
    expect(existsSync(join(cwd, 'home'))).toBe(false);
    const other = machine === 'Asia/Tokyo' ? 'UTC' : 'Asia/Tokyo';
    expect(await refusal('install', 'night.yaml', '--cron', '0 2 * * 6', '--crontab', '--timezone', other)).toEqual([
      2,
      `cron on this machine is in ${machine}, and the schedule in ${other}`,
      `write the time as it is in ${machine}, with --timezone ${machine}; or leave out --crontab: a timer has a time zone`,
    ]);
  });

  test('leaves units alone that it did not write, whatever they are', async () => {
    mkdirSync(folder(), { recursive: true });
    const timer = join(folder(), 'rollout-night.timer');
    for (const make of [
      () => writeFileSync(timer, '[Timer]\nOnCalendar=daily\n'),
      () => writeFileSync(timer, ''),
      () => symlinkSync('/dev/null', timer),
      () => symlinkSync(join(cwd, 'nowhere'), timer),
      () => mkdirSync(timer),
    ]) {
      make();
      expect(await refusal(...install)).toEqual([
        2,
        'CWD/root/etc/systemd/system/rollout-night.timer was not written by rollout: it is left alone',
        'choose another name: --name NAME',
      ]);
      expect(readdirSync(folder())).toEqual(['rollout-night.timer']);
      rmSync(timer, { recursive: true });
    }
    await schedule(install);
    mkdirSync(join(cwd, 'other'));
    writeFileSync(join(cwd, 'other/night.yaml'), playbook().replace('hosts.yaml', '../hosts.yaml'));
    expect(await refusal('install', 'other/night.yaml', ...install.slice(2))).toEqual([
      2,
      'CWD/root/etc/systemd/system/rollout-night.service is the schedule of another playbook, CWD/night.yaml',
      'choose another name: --name NAME, or take it away: rollout schedule remove night',
    ]);
    await schedule(['install', 'night.yaml', '--cron', '30 2 * * 6', ...install.slice(4)]);
    expect(read('rollout-night.timer')).toContain('OnCalendar=Sat *-*-* 02:30:00');
    expect(await refusal('remove', 'day', '--system', '--root', 'root')).toEqual([
      2,
      'there is no schedule day in CWD/root/etc/systemd/system',
      'there are night',
    ]);
  });

  test('tells systemd, and leaves nothing behind where that refuses', async () => {
    const bin = join(cwd, 'bin');
    mkdirSync(bin);
    const log = join(cwd, 'log');
    const systemctl = (script: string): void => {
      writeFileSync(join(bin, 'systemctl'), `#!/bin/sh\necho "$*" >>${log}\n${script}\n`);
      chmodSync(join(bin, 'systemctl'), 0o755);
    };
    const path = process.env['PATH'];
    process.env['PATH'] = `${bin}:${path ?? ''}`;
    const user = ['install', 'night.yaml', '--cron', '0 2 * * 6', '--user'];
    const env = { XDG_CONFIG_HOME: join(cwd, 'config') };
    const units = join(cwd, 'config/systemd/user');
    try {
      systemctl('case "$*" in *enable*) echo "Failed to connect to bus" >&2; exit 1;; esac');
      await expect(schedule(user, env)).rejects.toThrow(
        'systemctl --user enable --now rollout-night.timer failed: Failed to connect to bus',
      );
      expect(readdirSync(units)).toEqual([]);
      // One that goes on without end: its last words are what is shown.
      systemctl('head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; echo "\nno space" >&2; exit 1');
      await expect(schedule(user, env)).rejects.toThrow('systemctl --user daemon-reload failed: no space');
      expect(readdirSync(units)).toEqual([]);
      systemctl('exit 0');
      expect(await schedule(user, env)).toBe(
        [
          'CWD/config/systemd/user/rollout-night.timer and .service are written',
          `next run: Sat 2026-11-28 02:00 ${zone}`,
          'it runs while you are logged in; to run it always: loginctl enable-linger',
          '',
        ].join('\n'),
      );
      await schedule(['remove', 'night', '--user'], env);
      expect(readFileSync(log, 'utf8').split('\n')).toEqual([
        '--user daemon-reload',
        '--user enable --now rollout-night.timer',
        '--user daemon-reload',
        '--user daemon-reload',
        '--user enable --now rollout-night.timer',
        '--user disable --now rollout-night.timer',
        '--user daemon-reload',
        '',
      ]);
    } finally {
      process.env['PATH'] = path;
    }
  });

  test('refuses what would only show at night', async () => {
    expect(await refusal('install', 'night.yaml', '--cron', '0 5 * * 6', ...install.slice(4))).toEqual([
      2,
      `no time of "0 5 * * 6" (${zone}) lies in the playbook's window (sat 02:00–04:30 ${zone}): it would never run`,
    ]);
    expect(await refusal('install', 'night.yaml', '--cron', '0 2 * *', ...install.slice(4))).toEqual([
      2,
      '"0 2 * *" is no cron expression: five fields are wanted: minute, hour, day of the month, month, day of the week',
    ]);
    expect(await refusal(...install, '--name', '../night')).toEqual([
      2,
      '"../night" cannot be part of a unit\'s name: letters, digits, dots and dashes',
    ]);
    await expect(schedule([...install, '--', '--limt', 'web'])).rejects.toThrow("unknown option '--limt'");
    writeFileSync(join(cwd, 'night.yaml'), playbook('windw: {}'));
    await expect(schedule(install)).rejects.toThrow('windw');
    expect(existsSync(folder())).toBe(false);
  });
});
