import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { runRollout, type FinishedRollout } from '../../support/rollout.ts';
import { describeOnLab } from '../support/lab-test.ts';

// Modules that change the machine itself, carried out for real on a Debian with systemd as its first process.

/** An archive of packages on the host's own disk, so that apt installs without a network; and a service to start. */
const setUp = `
set -e
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*
rm -rf /var/lib/apt/lists/*
touch -d '2 days ago' /var/lib/apt/lists
mkdir -p /srv/repo /etc/cron.d
for each in rollout-hello:1.0 rollout-hello:1.1 rollout-tool:2.0; do
  name=\${each%:*} version=\${each#*:} root=$(mktemp -d)
  mkdir -p "$root/DEBIAN" "$root/usr/share/$name"
  chmod 755 "$root"
  echo "$version" > "$root/usr/share/$name/version"
  printf 'Package: %s\\nVersion: %s\\nArchitecture: all\\nMaintainer: nobody <nobody@example.com>\\nDescription: made by a test\\n' "$name" "$version" > "$root/DEBIAN/control"
  deb=/srv/repo/\${name}_\${version}_all.deb
  dpkg-deb --build "$root" "$deb" >/dev/null
  { dpkg-deb --field "$deb"; printf 'Filename: ./%s\\nSize: %s\\nSHA256: %s\\n\\n' "\${deb##*/}" "$(stat -c %s "$deb")" "$(sha256sum "$deb" | cut -d ' ' -f 1)"; } >> /srv/repo/Packages
done
echo 'deb [trusted=yes] file:/srv/repo ./' > /etc/apt/sources.list
printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' > /etc/systemd/system/rollout-demo.service
systemctl daemon-reload
`;

/** What stands on the host of all that the playbooks are about. */
const look = `
dpkg-query -W -f '\${Package} \${Version} \${db:Status-Status}\\n' rollout-hello rollout-tool 2>/dev/null
echo "unit $(systemctl is-active rollout-demo) $(systemctl is-enabled rollout-demo)"
getent passwd roland
id -nG roland 2>/dev/null
crontab -u root -l 2>/dev/null
cat /etc/cron.d/roland 2>/dev/null
true`;

const present = [
  { apt: { name: 'rollout-hello=1.0', update_cache: true, cache_valid_time: 3600 } },
  { package: { name: 'rollout-tool', state: 'present' } },
  { systemd: { name: 'rollout-demo', state: 'started', enabled: true } },
  { user: { name: 'roland', uid: 4711, shell: '/bin/sh', groups: ['daemon', 'mail'], comment: 'Roland it’s' } },
  { cron: { name: 'it’s nightly', hour: 3, minute: 0, job: "/bin/echo 'a b'", user: 'root' } },
  { cron: { name: 'file', special_time: 'daily', job: '/bin/true', user: 'roland', cron_file: 'roland' } },
];
const other = [
  { apt: { name: 'rollout-hello', state: 'latest' } },
  { service: { name: 'rollout-demo', state: 'stopped', enabled: false } },
  { user: { name: 'roland', groups: ['daemon'], shell: '/bin/bash' } },
  { cron: { name: 'it’s nightly', hour: 4, minute: 0, job: "/bin/echo 'a b'", user: 'root', disabled: true } },
];
const absent = [
  { apt: { name: ['rollout-hello', 'rollout-tool'], state: 'absent', purge: true } },
  { user: { name: 'roland', state: 'absent', remove: true } },
  { cron: { name: 'it’s nightly', state: 'absent', user: 'root' } },
  { cron: { name: 'file', state: 'absent', cron_file: 'roland' } },
];

describeOnLab(
  'modules of the machine itself',
  (lab) => {
    let cwd: string;
    // There is one host: nothing to compare it with.
    const strategy = { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0, min_healthy_time: '0s' };
    const host = (): string => lab().hosts[0] ?? '';
    const seen = async (): Promise<readonly string[]> =>
      (await lab().exec(host(), ['sh', '-c', look])).stdout.trim().split('\n');
    const playbook = async (tasks: readonly object[]): Promise<string> => {
      const file = join(cwd, 'machine.yaml');
      const play = { name: 'machine', hosts: host(), load_balancer: { type: 'none' }, strategy, tasks };
      await writeFile(file, JSON.stringify({ name: 'machine', inventory: lab().inventoryFile, plays: [play] }));
      return file;
    };
    const rollout = (...args: readonly string[]): Promise<FinishedRollout> =>
      runRollout(args, { script: inject('rolloutScript'), cwd });
    const statuses = ({ events }: FinishedRollout): readonly string[] =>
      events.flatMap((event) =>
        event.type === 'task_finished'
          ? [`${event.module}: ${event.status}${event.status === 'changed' ? '' : ` ${event.message ?? ''}`}`.trim()]
          : [],
      );

    /** A plan says so and changes nothing; a run changes each; after it a plan and a run find nothing to do. */
    const converges = async (tasks: readonly object[], after: readonly string[]): Promise<void> => {
      const file = await playbook(tasks);
      const before = await seen();
      const planned = await rollout('plan', file, '--detailed-exitcode');
      expect({ exitCode: planned.exitCode, stderr: planned.stderr }).toEqual({ exitCode: 10, stderr: '' });
      expect(await seen()).toEqual(before);
      const ran = await rollout('run', file, '--output', 'json');
      const changed = tasks.map((task) => `${Object.keys(task)[0] ?? ''}: changed`);
      expect([ran.exitCode, ran.stderr, ...statuses(ran)]).toEqual([0, '', ...changed]);
      expect(await seen()).toEqual(after);
      expect((await rollout('plan', file, '--detailed-exitcode')).exitCode).toBe(0);
      const again = await rollout('run', file, '--output', 'json');
      expect([again.exitCode, statuses(again).filter((status) => status.includes('changed'))]).toEqual([0, []]);
      expect(await seen()).toEqual(after);
    };

    beforeAll(async () => {
      cwd = await mkdtemp(join(tmpdir(), 'rollout-modules-'));
      expect((await lab().exec(host(), ['sh', '-c', setUp])).stderr).toBe('');
      // The crontab of Alpine: the root file system of the lab has no cron.
      const crontab = { copy: { src: '/usr/bin/busybox', dest: '/usr/local/bin/crontab', mode: '0755' } };
      const spool = { file: { path: '/var/spool/cron/crontabs', state: 'directory' } };
      expect(await rollout('run', await playbook([crontab, spool]))).toMatchObject({ exitCode: 0 });
    });
    afterAll(() => rm(cwd, { recursive: true, force: true }));

    test('are installed, started and made; changed; and removed: each once, and in a plan not at all', async () => {
      const cronFile = ['#Ansible: file', '@daily roland /bin/true'];
      await converges(present, [
        'rollout-hello 1.0 installed',
        'rollout-tool 2.0 installed',
        'unit active enabled',
        'roland:x:4711:4711:Roland it’s:/home/roland:/bin/sh',
        'roland daemon mail',
        '#Ansible: it’s nightly',
        "0 3 * * * /bin/echo 'a b'",
        ...cronFile,
      ]);
      await converges(other, [
        'rollout-hello 1.1 installed',
        'rollout-tool 2.0 installed',
        'unit inactive disabled',
        'roland:x:4711:4711:Roland it’s:/home/roland:/bin/bash',
        'roland daemon',
        '#Ansible: it’s nightly',
        "#0 4 * * * /bin/echo 'a b'",
        ...cronFile,
      ]);
      await converges(absent, ['unit inactive disabled']);
    });

    test('a package that is not there, a unit that fails, a group that is not there: each fails with what the host says', async () => {
      const failing = [
        { apt: { name: 'rollout-nowhere' }, ignore_errors: true },
        { apt: { name: 'rollout-hello=9.9' }, ignore_errors: true },
        { systemd: { name: 'rollout-no-unit', state: 'started' }, ignore_errors: true },
        { user: { name: 'roland', group: 'no-such-group' }, ignore_errors: true },
      ];
      const ran = await rollout('run', await playbook(failing), '--output', 'json');
      expect(ran.exitCode).toBe(0);
      expect(statuses(ran)).toEqual([
        expect.stringMatching(/^apt: ignored .*rollout-nowhere/s),
        expect.stringMatching(/^apt: ignored .*(9\.9|rollout-hello)/s),
        expect.stringMatching(/^systemd: ignored .*rollout-no-unit/s),
        expect.stringMatching(/^user: ignored .*no-such-group/s),
      ]);
    });
  },
  { hosts: 1 },
);
