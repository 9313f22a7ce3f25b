import { describe, expect, test } from 'vitest';
import { withJob, withVariable } from '../../../../src/task/modules/cron.ts';
import type { TaskModule, Verdict } from '../../../../src/task/module.ts';
import { Found, keyOf } from '../../../../src/task/query.ts';
import { moduleOf } from '../../../../src/task/table.ts';
import { isConnected, listens } from '../../../../src/task/modules/wait-for.ts';

/** What a module decides of a host that answers every question alike; the commands that it would run. */
async function decided(name: string, input: unknown, stdout: string, exitCode = 0): Promise<readonly unknown[]> {
  const module = moduleOf(name) as TaskModule;
  const params = module.schema.parse(input);
  const answers = (module.observe?.(params, {} as never) ?? []).map(
    (query) => [keyOf(query), { exitCode, stdout, stderr: '' }] as const,
  );
  const verdict: Verdict = module.plan(params, new Found(new Map(answers)), {} as never);
  if (verdict.kind === 'done') return [verdict.kind, verdict.result['msg'] ?? verdict.result['changed']];
  const commands: unknown[] = [];
  await verdict.apply({
    run: (argv: readonly string[], { stdin }: { stdin?: string } = {}) => {
      const words = argv[0] === 'sh' ? argv.slice(4) : argv;
      commands.push(stdin === undefined ? words.join(' ') : [words.join(' '), stdin]);
      return Promise.resolve({ exitCode: 0, stdout: '', stderr: '' });
    },
  } as never);
  return [verdict.kind, ...commands];
}

const unit = (lines: Readonly<Record<string, string>>): string =>
  Object.entries({
    Manager: 'systemd',
    LoadState: 'loaded',
    ActiveState: 'active',
    UnitFileState: 'enabled',
    NeedDaemonReload: 'no',
    Enabled: '0',
    ...lines,
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');

describe('units', () => {
  test.each<readonly [string, object, Readonly<Record<string, string>>, readonly unknown[]]>([
    ['runs and starts with the host', { state: 'started', enabled: true }, {}, ['done', false]],
    ['is stopped', { state: 'started' }, { ActiveState: 'inactive' }, ['change', '5 systemctl --system start -- app']],
    [
      'is to be stopped',
      { state: 'stopped', enabled: false },
      {},
      ['change', '5 systemctl --system disable -- app 5 systemctl --system stop -- app'],
    ],
    ['has failed', { state: 'started' }, { ActiveState: 'failed' }, ['change', '5 systemctl --system start -- app']],
    ['is restarted at every run', { state: 'restarted' }, {}, ['change', '5 systemctl --system restart -- app']],
    [
      'is reloaded where it runs',
      { state: 'reloaded' },
      { ActiveState: 'inactive' },
      ['change', '5 systemctl --system start -- app'],
    ],
    [
      'is not there',
      { state: 'started' },
      { LoadState: 'not-found', UnitFileState: '' },
      ['done', 'Could not find the requested service app: host'],
    ],
    ['is masked already', { masked: true }, { LoadState: 'masked', UnitFileState: 'masked' }, ['done', false]],
    [
      'has a new file',
      { state: 'started', daemon_reload: true },
      { NeedDaemonReload: 'yes' },
      ['change', '3 systemctl --system daemon-reload'],
    ],
    ['has no new file', { state: 'started', daemon_reload: true }, {}, ['done', false]],
  ])('systemd: one that %s', async (_, params, facts, expected) => {
    expect(await decided('systemd', { name: 'app', ...params }, unit(facts))).toEqual(expected);
  });

  test('service works without systemd', async () => {
    const openrc = unit({ Manager: 'openrc', ActiveState: 'inactive', Enabled: '1' });
    expect(await decided('service', { name: 'app', state: 'started', enabled: true }, openrc)).toEqual([
      'change',
      '4 rc-update add app default 3 rc-service app start',
    ]);
  });
});

describe('users', () => {
  const account = 'passwd app:x:1001:1001:The App:/home/app:/bin/sh\nprimary app\ngroups app docker\nshadow $6$x\n';
  test.each<readonly [string, object, string, readonly unknown[]]>([
    ['is as wanted', { uid: 1001, shell: '/bin/sh', groups: 'docker', password: '$6$x' }, account, ['done', false]],
    ['has another shell', { shell: '/bin/bash' }, account, ['change', '5 usermod -s /bin/bash -- app']],
    [
      'is to be in one group more',
      { groups: ['adm'], append: true },
      account,
      ['change', '6 usermod -a -G adm -- app'],
    ],
    ['is in a group too many', { groups: ['adm'] }, account, ['change', '5 usermod -G adm -- app']],
    ['keeps its password', { password: '$6$y', update_password: 'on_create' }, account, ['done', false]],
    ['has another password', { password: '$6$y' }, account, ['change', ['chpasswd -e', 'app:$6$y\n']]],
    [
      'is new',
      { uid: 5, groups: ['a', 'b'], system: true, create_home: false },
      '',
      ['change', '9 useradd -u 5 -G a,b -M -r -- app'],
    ],
    ['is new, and its group is there', {}, 'own\n', ['change', '7 useradd -N -g app -m -- app']],
    ['goes', { state: 'absent', remove: true }, account, ['change', '4 userdel -r -- app']],
    ['is gone', { state: 'absent' }, 'own\n', ['done', false]],
  ])('one that %s', async (_, params, stdout, expected) => {
    expect(await decided('user', { name: 'app', ...params }, stdout)).toEqual(expected);
  });
});

describe('crontabs', () => {
  test.each(['no crontab for root', "crontab: can't open 'root': No such file or directory"])(
    'a user who has none has an empty one: %s',
    (stderr) => {
      const module = moduleOf('cron') as TaskModule;
      const params = module.schema.parse({ name: 'backup', job: 'run it', user: 'root' });
      const [query] = module.observe?.(params, {} as never) ?? [];
      if (query === undefined) throw new Error('cron asks nothing');
      const found = (said: string): Found =>
        new Found(new Map([[keyOf(query), { exitCode: 1, stdout: '', stderr: said }]]));
      expect(module.plan(params, found(stderr), {} as never)).toMatchObject({
        kind: 'change',
        diff: { before: '', after: '#Ansible: backup\n* * * * * run it\n' },
      });
      expect(module.plan(params, found('crontab: permission denied'), {} as never)).toMatchObject({
        kind: 'done',
        result: { failed: true, msg: 'crontab: permission denied' },
      });
    },
  );

  const params = (input: object) =>
    (moduleOf('cron') as TaskModule).schema.parse({ name: 'backup', job: 'run it', ...input }) as Parameters<
      typeof withJob
    >[1];
  const before = 'MAILTO=x\n0 1 * * * other\n#Ansible: backup\n5 5 * * * old\n7 * * * * last\n';
  test('an entry is replaced in its place, added at the end, and taken away with its name', () => {
    expect(withJob(before, params({ minute: 0, hour: 2 }))).toBe(before.replace('5 5 * * * old', '0 2 * * * run it'));
    expect(withJob('', params({ special_time: 'daily' }))).toBe('#Ansible: backup\n@daily run it\n');
    expect(withJob('x\n', params({ disabled: true }))).toBe('x\n#Ansible: backup\n#* * * * * run it\n');
    expect(withJob(before, params({ state: 'absent' }))).toBe('MAILTO=x\n0 1 * * * other\n7 * * * * last\n');
    expect(withJob('x\n', params({ state: 'absent' }))).toBe('x\n');
    expect(withJob('', params({ cron_file: 'app', user: 'root', weekday: '1-5' }))).toBe(
      '#Ansible: backup\n* * * * 1-5 root run it\n',
    );
  });

  test('a variable stands above all', () => {
    expect(withVariable(before, params({ name: 'PATH', job: '/bin', env: true }))).toBe(`PATH="/bin"\n${before}`);
    expect(withVariable(before, params({ name: 'MAILTO', job: 'y', env: true }))).toBe(
      before.replace('MAILTO=x', 'MAILTO="y"'),
    );
    expect(withVariable(before, params({ name: 'MAILTO', env: true, state: 'absent' }))).toBe(
      before.replace('MAILTO=x\n', ''),
    );
  });
});

test('docker: what a command makes or takes away decides whether it runs', async () => {
  const make = { cmd: 'network create app', creates: { network: 'app' } };
  expect(await decided('docker', make, 'there\n')).toEqual(['done', 'skipped, since network app exists']);
  await expect(decided('docker', make, '', 1)).rejects.toThrow('docker does not say whether it is there');
  expect((await decided('docker', { argv: ['system', 'df'] }, ''))[0]).toBe('act');
});

test('who listens and who is connected, by the tables of the kernel', () => {
  const head = '  sl  local_address rem_address   st tx_queue rx_queue\n';
  const line = (local: string, state: string) => `   0: ${local} 00000000:0000 ${state} 00000000:00000000\n`;
  const table = `${head}${line('00000000:1F90', '0A')}${line('0100007F:1F91', '0A')}${line('0A00000A:1F92', '0A')}${line('0A00000A:1F90', '01')}`;
  expect([8080, 8081, 8082, 8083].map((port) => listens(table, port))).toEqual([true, true, false, false]);
  expect([8080, 8081].map((port) => isConnected(table, port))).toEqual([true, false]);
});
