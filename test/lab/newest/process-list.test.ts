import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { Event } from '../../../src/events/event.ts';
import { writePlaybook } from '../../support/playbooks.ts';
import { runRollout } from '../../support/rollout.ts';
import { leaksIn, secretValues, vaultText } from '../../support/secret-values.ts';
import { plainUser, plainUserId } from '../support/host-disk.ts';
import { compileTo } from '../support/compile.ts';
import { login, startGuardedRegistry, type GuardedRegistry } from '../support/guarded-registry.ts';
import { copyToHost, enterHost } from '../support/host.ts';
import { inventoryOf } from '../support/examples.ts';
import { describeOnLab } from '../support/lab-test.ts';
import { watchProcesses, type SeenProcesses } from '../support/process-watch.ts';
import { addSudoUsers } from '../support/sudo-users.ts';

// Secrets from every source on their way to everything that takes them, while the process lists of the hosts and of the
// controller are read every 5 ms.
describeOnLab(
  'the process lists during a run with secrets',
  (lab) => {
    let cwd: string;
    let program: string;
    let registry: GuardedRegistry;
    const vaultPassword = 'the-vault-password';
    const value = (name: string): string => secretValues[name] ?? '';

    beforeAll(async () => {
      cwd = await mkdtemp(join(tmpdir(), 'rollout-process-list-'));
      // Users of the hosts run it as well.
      program = join(cwd, 'processes');
      await compileTo(program, 'processes');
      registry = await startGuardedRegistry(lab(), 'htpasswd', 5630);
      for (const host of lab().hosts) {
        await copyToHost(lab().settings, host, program, '/usr/local/bin/processes');
        const rules = ['keeper ALL=(ALL:ALL) ALL'];
        await addSudoUsers(lab(), host, [{ name: 'keeper', password: value('dollars'), rules }]);
      }
    });
    afterAll(async () => {
      await registry.close();
      await rm(cwd, { recursive: true, force: true });
    });

    const vaulted = (name: string): string =>
      `!vault |\n${vaultText(value(name), vaultPassword).replaceAll(/^(?=.)/gm, '  ')}`;

    async function writeSources(): Promise<string[]> {
      const vars = join(cwd, 'group_vars');
      await mkdir(vars);
      await writeFile(
        join(vars, 'web.yaml'),
        `ansible_become_password: ${vaulted('dollars')}vaulted: ${vaulted('vaulted')}`,
      );
      const inventory = inventoryOf(lab().settings).replace(
        'ansible_user: root',
        'ansible_user: keeper\n    ansible_become: true',
      );
      await writeFile(join(cwd, 'inventory.yaml'), inventory);
      await writeFile(join(cwd, 'quotes'), value('quotes'), { mode: 0o600 });
      await writeFile(join(cwd, 'print'), `#!/bin/sh\ncat "$0.url"\n`);
      await chmod(join(cwd, 'print'), 0o700);
      await writeFile(join(cwd, 'print.url'), value('url'), { mode: 0o600 });
      await writeFile(join(cwd, 'vault'), `${vaultPassword}\n`, { mode: 0o600 });
      return ['-i', join(cwd, 'inventory.yaml'), '--vault-password-file', join(cwd, 'vault')];
    }

    async function playbookOf(version: string): Promise<string> {
      const images = [];
      for (const [name, tag] of [
        ['shop/health', '1'],
        ['shop/app', version],
      ] as const) {
        await lab().publish(name, tag, { APP_VERSION: tag });
        images.push(`${registry.host}/${name}:${tag}`);
      }
      const [health = '', app = ''] = images;
      const environment = { PLAIN: { secret: 'plain' }, VAULTED: '{{ vaulted }}' };
      const holdsBoth = 'test -n "$PLAIN" && test -n "$VAULTED"';
      return writePlaybook(lab(), {
        file: `list-${version}`,
        ...{ health, app },
        appKeys: { environment, secrets: [{ source: 'url', target: '/token' }] },
        strategy: { canary: { hosts: 1, bake: '0s', min_requests: 0 }, max_unavailable: 1, min_available: 0 },
        top: {
          registries: {
            [registry.host]: { username: login.username, password: { secret: 'plain' }, insecure: true },
          },
          secrets: {
            plain: { env: 'SECRET_PLAIN' },
            quotes: { file: join(cwd, 'quotes') },
            url: { command: [join(cwd, 'print')] },
          },
        },
        play: {
          before: [
            {
              name: 'migrate',
              service_run: { service: 'app', entrypoint: ['sh', '-c', holdsBoth] },
              environment: { QUOTES: { secret: 'quotes' } },
            },
          ],
          pre_tasks: [
            { name: 'shell', shell: holdsBoth, environment },
            { name: 'copy', copy: { content: { secret: 'quotes' }, dest: '/root/quotes', mode: '0600' } },
          ],
          post_tasks: [
            { name: 'exec', service_exec: { service: 'app', command: ['sh', '-c', holdsBoth] }, environment },
            {
              name: 'uri',
              uri: { url: 'http://127.0.0.1:8080/ready', headers: { 'x-token': { secret: 'quotes' } } },
            },
            {
              name: 'get_url',
              get_url: {
                url: 'http://127.0.0.1:8080/ready',
                dest: '/root/ready',
                force: true,
                url_username: 'deploy',
                url_password: { secret: 'url' },
              },
            },
          ],
        },
      });
    }

    test('show no secret of any source or kind, to nobody, and every other user’s environment is closed', async () => {
      expect(login.password).toBe(value('plain'));
      const args = await writeSources();
      const files = [await playbookOf('1'), await playbookOf('2')];
      const watchers = [
        ['controller, root', watchProcesses(program)],
        ['controller, nobody', watchProcesses(program, { userId: 65_534 })],
      ] as const;
      const onHosts = await Promise.all(
        lab().hosts.map(async (host) => {
          const within = await enterHost(lab().settings, host);
          const watch = watchProcesses('/usr/local/bin/processes', { within, userId: plainUserId });
          return [`${host}, ${plainUser}`, watch] as const;
        }),
      );
      // What the watchers are to find, were it there.
      for (const host of lab().hosts) await lab().exec(host, ['sh', '-c', 'sleep 1 # $1', `shown-on-${host}`]);
      const ends = [];
      for (const file of files) {
        const env = { SECRET_PLAIN: value('plain') };
        ends.push(
          await runRollout([file, ...args, '--output', 'json', '-vvv'], { script: inject('rolloutScript'), cwd, env }),
        );
      }
      const seen = new Map<string, SeenProcesses>();
      for (const [who, watch] of [...watchers, ...onHosts]) seen.set(who, await watch.stop());

      expect(ends.map(({ exitCode, stderr, events }) => ({ exitCode, stderr, failed: failuresIn(events) }))).toEqual(
        files.map(() => ({ exitCode: 0, stderr: '', failed: [] })),
      );
      const basic = Buffer.from(`${login.username}:${login.password}`).toString('base64').replace(/=+$/, '');
      for (const [who, { samples, processes, commandLines, environments }] of seen) {
        const hits = commandLines.filter((line) => leaksIn(line).length > 0 || line.includes(basic));
        const readable = environments.filter(({ environment }) => leaksIn(environment).length > 0);
        process.stderr.write(
          `${who}: ${samples} samples of ${processes} processes, ${commandLines.length} command lines, ${hits.length} hits; ` +
            `${environments.length} environments\n`,
        );
        expect({ who, hits }).toEqual({ who, hits: [] });
        const isRoot = who.endsWith('root');
        if (!isRoot) expect({ who, readable }).toEqual({ who, readable: [] });
        const shown = isRoot || who.startsWith('controller') ? lab().hosts : [who.split(',')[0] ?? ''];
        for (const host of shown) expect(commandLines.some((line) => line.includes(`shown-on-${host}`))).toBe(true);
      }
      // Those that were given one have it in their environment: the tool's own programs, containers, tasks. What carries
      // them there has none.
      const holders = seen
        .get('controller, root')
        ?.environments.filter(({ environment }) => leaksIn(environment).length > 0);
      const carriers = holders?.filter(({ commandLine }) => /^\S*(?:sshd|sudo|dockerd|containerd)\b/.test(commandLine));
      expect(carriers?.map(({ commandLine }) => commandLine)).toEqual([]);
      expect(holders?.length).toBeGreaterThan(0);
      // The watchers take a core.
    }, 600_000);
  },
  { hosts: 2 },
);

const failuresIn = (events: readonly Event[]): readonly string[] =>
  events.flatMap((event) => {
    if (event.type === 'node_failed') return [`${event.host}: ${event.failure.op.text}: ${event.failure.message}`];
    return event.type === 'run_finished' && event.error !== undefined ? [event.error.message] : [];
  });
