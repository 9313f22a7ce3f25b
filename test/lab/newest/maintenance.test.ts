import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { parseDocument, type Document } from 'yaml';
import type { Event } from '../../../src/events/event.ts';
import { containersOn } from '../../support/containers.ts';
import { quickStrategy, writePlaybook } from '../../support/playbooks.ts';
import { runRollout, type FinishedRollout } from '../../support/rollout.ts';
import { underLoad } from '../../support/under-load.ts';
import { startRecord } from '../support/balancer-record.ts';
import { serversUp, soon } from '../support/by-hand.ts';
import { describeOnLab } from '../support/lab-test.ts';

const root = join(import.meta.dirname, '..', '..', '..');

/** A package of the test's own: its newer version asks for a reboot, as a kernel's does. */
const packageScript = `
set -e
rm -rf /srv/repo /etc/apt/sources.list /etc/apt/sources.list.d/*
mkdir -p /srv/repo
cd /srv/repo
for version in 1.0 1.1; do
  mkdir -p build/DEBIAN
  printf 'Package: shop-tool\\nVersion: %s\\nArchitecture: all\\nMaintainer: test\\nDescription: test\\n' "$version" >build/DEBIAN/control
  rm -f build/DEBIAN/postinst
  if [ "$version" = 1.1 ]; then
    printf '#!/bin/sh\\ntouch /run/reboot-required\\n' >build/DEBIAN/postinst
    chmod 755 build/DEBIAN/postinst
  fi
  dpkg-deb --build build "shop-tool_$version.deb" >/dev/null
done
(cat build/DEBIAN/control
 echo "Filename: ./shop-tool_1.1.deb"
 echo "Size: $(stat -c %s shop-tool_1.1.deb)"
 echo "SHA256: $(sha256sum shop-tool_1.1.deb | cut -d' ' -f1)") >Packages
echo 'deb [trusted=yes] file:/srv/repo ./' >/etc/apt/sources.list
dpkg --install --force-downgrade shop-tool_1.0.deb >/dev/null
apt-get -q update >/dev/null
rm -f /run/reboot-required
`;

// The committed examples, fitted to a lab: packages that are patched, hosts that are rebooted, a migration that fails.
describeOnLab('maintenance of a real fleet', (lab) => {
  let cwd: string;
  let health: string;
  const rollout = (args: readonly string[], output = 'json'): Promise<FinishedRollout> =>
    runRollout([...args, '--output', output], {
      script: inject('rolloutScript'),
      cwd,
      env: { DB_PASSWORD: 'secret-of-the-database', REGISTRY_PASSWORD: 'secret-of-the-registry' },
    });
  const deploy = async (version: string): Promise<void> => {
    const app = await lab().publish('shop/app', version, { APP_VERSION: version });
    const strategy = { ...quickStrategy, canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0 };
    const { exitCode, stderr } = await rollout([await writePlaybook(lab(), { health, app, strategy })]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  };
  /** A committed example with this lab's hosts and balancer, and what a test has otherwise. */
  const example = async (name: string, change: (playbook: Document) => void): Promise<string> => {
    const playbook = parseDocument(await readFile(join(root, 'playbooks', `${name}.yaml`), 'utf8'));
    playbook.setIn(['inventory'], lab().inventoryFile);
    playbook.setIn(['plays', 0, 'load_balancer'], { type: 'haproxy', stats: [lab().statsUrl], backend: 'web' });
    change(playbook);
    const file = join(lab().dir, 'playbooks', `${name}.yaml`);
    await writeFile(file, playbook.toString());
    return file;
  };
  const maintenance = (rebootSeconds: number): Promise<string> =>
    example('maintenance', (playbook) => {
      playbook.deleteIn(['window']);
      const strategy = ['plays', 0, 'strategy'];
      playbook.setIn([...strategy, 'canary'], { bake: '2s', bake_max: '5s' });
      playbook.setIn([...strategy, 'max_unavailable'], 2);
      playbook.setIn(['plays', 0, 'tasks', 1, 'reboot', 'reboot_timeout'], rebootSeconds);
    });
  const onAll = (argv: readonly string[]): Promise<readonly string[]> =>
    Promise.all(
      lab().hosts.map(async (host) => {
        const { exitCode, stdout, stderr } = await lab().exec(host, argv);
        if (exitCode !== 0) throw new Error(`${host}: ${argv.join(' ')}: ${stderr}${stdout}`);
        return stdout.trim();
      }),
    );
  const versionOfTool = (): Promise<readonly string[]> =>
    onAll(['dpkg-query', '--show', '--showformat', '${Version}', 'shop-tool']);
  const bootIds = (): Promise<readonly string[]> => onAll(['cat', '/proc/sys/kernel/random/boot_id']);
  /** Name, state, policy, image and id of every container, without when it was started. */
  const containers = (): Promise<readonly (readonly string[])[]> =>
    Promise.all(
      lab().hosts.map(async (host) => (await containersOn(lab(), host)).map((line) => line.replace(/ \S+Z /, ' '))),
    );
  /** Under load, with hosts that come back when they reboot, and the balancer's own view of it. */
  const watched = async (args: readonly string[], dead: readonly string[] = [], output = 'json') => {
    const socketPath = lab().balancers[0]?.adminSocket ?? '';
    const record = await startRecord({ socketPath });
    const power = lab().keepOn(dead);
    const { result, report } = await underLoad(lab().frontendUrl, () => rollout(args, output));
    const boots = await power.stop();
    const { minimumUp } = await record.stop();
    const figures = { exitCode: result.exitCode, requests: report.ok + report.failed, failed: report.failed };
    process.stdout.write(`${JSON.stringify({ run: args[0], ...figures, minimumUp, boots })}\n`);
    return { ...result, report, minimumUp, boots };
  };
  const each = <T>(value: T): Readonly<Record<string, T>> =>
    Object.fromEntries(lab().hosts.map((host) => [host, value]));

  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'rollout-maintenance-'));
    health = await lab().publish('shop/health', '1');
    await deploy('1');
  });
  afterAll(() => rm(cwd, { recursive: true, force: true }));

  test('maintenance.yaml patches and reboots each of 6 hosts under load, and no request is lost', async () => {
    await onAll(['sh', '-c', packageScript]);
    const before = { boots: await bootIds(), containers: await containers() };
    const file = await maintenance(300);
    const { exitCode, stderr, report, minimumUp, boots, events } = await watched([file]);
    expect({ exitCode, stderr, failures: report.failures, boots }).toEqual({
      exitCode: 0,
      stderr: '',
      failures: [],
      boots: each(1),
    });
    expect(minimumUp).toBeGreaterThanOrEqual(4);
    expect(events.at(-1)).toMatchObject({ outcome: 'changed', hosts: each({ result: 'updated' }) });
    const now = await bootIds();
    expect(now.filter((id, index) => id === before.boots[index])).toEqual([]);
    expect(await versionOfTool()).toEqual(lab().hosts.map(() => '1.1'));
    expect(await containers()).toEqual(before.containers);
    await expect.poll(() => serversUp(lab()), soon).toEqual([...lab().hosts]);

    const again = await rollout([file]);
    expect(again.events.at(-1)).toMatchObject({ exitCode: 0, outcome: 'unchanged' });
  }, 400_000);

  test('migrate.yaml: a migration that fails drains nothing and is shown; one that succeeds runs once, ahead of all', async () => {
    const app = await lab().publish('shop/app', '2', { APP_VERSION: '2' });
    const migrate = (script: string): Promise<string> =>
      example('migrate', (playbook) => {
        for (const key of ['composition', 'vars_files']) playbook.deleteIn([key]);
        playbook.setIn(['vars'], { app_port: 8080, log_level: 'info' });
        const play = ['plays', 0];
        playbook.setIn([...play, 'strategy', 'canary'], { bake: '2s', bake_max: '5s' });
        playbook.setIn([...play, 'before', 0, 'service_run'], { service: 'app', entrypoint: ['sh', '-c', script] });
        playbook.setIn([...play, 'services', 'app', 'image'], app);
        playbook.setIn([...play, 'services', 'health', 'image'], health);
      });
    const before = await containers();
    const bad = await watched([await migrate('echo adds a column; echo no such table; exit 3')], [], 'plain');
    expect({ exitCode: bad.exitCode, failures: bad.report.failures, up: bad.minimumUp }).toEqual({
      exitCode: 4,
      failures: [],
      up: 6,
    });
    expect(bad.stdout).toContain('migrate the database | no such table');
    expect(bad.stdout).toContain('task migrate the database on h1: exited with 3');
    expect(bad.stdout).not.toContain('secret-of-the-database');
    expect(await containers()).toEqual(before);

    const good = await watched([await migrate('echo adds a column; [ -n "$DB_PASSWORD" ]')]);
    expect({ exitCode: good.exitCode, failures: good.report.failures }).toEqual({ exitCode: 0, failures: [] });
    expect(good.events.filter(isMigration)).toMatchObject([{ host: 'h1', status: 'changed' }]);
    const images = await onAll(['docker', 'inspect', '--format', '{{.Config.Image}}', 'app']);
    expect(images.filter((image) => !image.includes('shop/app'))).toEqual([]);
    expect(new Set(images).size).toBe(1);
  });

  test('run_once, delegate_to and become_user do on real hosts what they say', async () => {
    const tasks = [
      { name: 'once', shell: 'echo {{ inventory_hostname }} >>/srv/once', run_once: true },
      {
        name: 'at the first',
        shell: 'echo {{ inventory_hostname }} >>/srv/delegated',
        delegate_to: 'h1',
      },
      { name: 'who', command: 'id -un', become: true, become_user: 'deploy', register: 'who' },
      { name: 'is deploy', assert: { that: "who.stdout == 'deploy'" } },
      { name: 'a file', copy: { content: 'x', dest: '/tmp/of-deploy' }, become: true, become_user: 'deploy' },
      { name: 'owner', command: 'stat -c %U /tmp/of-deploy', register: 'owner' },
      { name: 'is deploy’s', assert: { that: "owner.stdout == 'deploy'" } },
    ];
    const file = join(lab().dir, 'playbooks', 'words.yaml');
    const play = {
      name: 'words',
      hosts: 'web',
      strategy: { max_unavailable: '100%', canary: { hosts: 0 } },
      pre_tasks: tasks,
    };
    await writeFile(file, JSON.stringify({ inventory: lab().inventoryFile, plays: [play] }));
    const { exitCode, stderr, events } = await rollout([file]);
    expect({ exitCode, stderr, failed: events.filter(({ type }) => type === 'node_failed') }).toEqual({
      exitCode: 0,
      stderr: '',
      failed: [],
    });
    const linesOf = async (host: string, path: string): Promise<readonly string[]> =>
      (await lab().exec(host, ['sh', '-c', `cat ${path} 2>/dev/null || true`])).stdout
        .split('\n')
        .filter((line) => line !== '');
    expect(await Promise.all(lab().hosts.map((host) => linesOf(host, '/srv/once')))).toEqual([
      ['h1'],
      [],
      [],
      [],
      [],
      [],
    ]);
    expect((await linesOf('h1', '/srv/delegated')).toSorted()).toEqual([...lab().hosts]);
    expect(await linesOf('h2', '/srv/delegated')).toEqual([]);
  });

  test('a host that does not come back: no other node is begun, the run pauses, and goes on when it is back', async () => {
    await onAll(['sh', '-c', packageScript]);
    const before = await containers();
    const file = await maintenance(60);
    const { exitCode, report, minimumUp, boots, stdout } = await watched([file], ['h1'], 'plain');
    expect({ exitCode, failures: report.failures, boots }).toEqual({
      exitCode: 7,
      failures: [],
      boots: each(0),
    });
    expect(minimumUp).toBe(5);
    expect(stdout).toContain('the host was not back within 60 s of its reboot');
    expect(stdout).toContain('When h1 is back, give the same command again');
    const [resume = ''] = /rollout resume \S+/.exec(stdout) ?? [];
    expect(resume).not.toBe('');

    await lab().hostUp('h1');
    const power = lab().keepOn();
    const next = await rollout(resume.split(' ').slice(1));
    await power.stop();
    expect(next.events.at(-1)).toMatchObject({ exitCode: 0 });
    expect(await versionOfTool()).toEqual(lab().hosts.map(() => '1.1'));
    expect(await containers()).toEqual(before);
    await expect.poll(() => serversUp(lab()), soon).toEqual([...lab().hosts]);
  }, 400_000);
});

function isMigration(event: Event): boolean {
  return event.type === 'task_finished' && event.task === 'migrate the database';
}
