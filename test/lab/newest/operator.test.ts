import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { Examination } from '../../../src/api/doctor.ts';
import type { FleetStatus } from '../../../src/plan/status-model.ts';
import { containersOn } from '../../support/containers.ts';
import { manualLines } from '../../support/manual.ts';
import { deviceOf, onTerminal, settingsOf, type OnTerminal } from '../../support/on-terminal.ts';
import { writePlaybook } from '../../support/playbooks.ts';
import { runRollout, startRollout, type FinishedRollout, type RolloutOptions } from '../../support/rollout.ts';
import { describeOnLab } from '../support/lab-test.ts';

const run = promisify(execFile);
const token = 'very-secret-token';
const restored = { before: expect.any(String) as string, isRestored: true };

describeOnLab(
  'the operator’s commands on real hosts',
  (lab) => {
    let settings: RolloutOptions;
    let playbook: string;
    const rollout = (...args: readonly string[]): Promise<FinishedRollout> => runRollout(args, settings);
    const statusOf = async (): Promise<FleetStatus['plays'][number]> => {
      const { stdout, stderr } = await rollout('status', playbook, '--output', 'json');
      const [play] = (JSON.parse(stdout) as FleetStatus).plays;
      if (play === undefined) throw new Error(`status shows no play: ${stdout}${stderr}`);
      return play;
    };

    beforeAll(async () => {
      const cwd = await mkdtemp(join(tmpdir(), 'rollout-operator-'));
      settings = { script: inject('rolloutScript'), cwd, env: { TOKEN: token } };
      const chatter = 'i=0; while true; do i=$((i+1)); echo line $i of ${HOSTNAME:-?}; sleep 0.05; done';
      playbook = await writePlaybook(lab(), {
        app: await lab().publish('shop/app', '1'),
        health: await lab().publish('shop/health', '1'),
        strategy: { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0 },
        top: {
          registries: { [lab().registry]: { insecure: true } },
          secrets: { token: { env: 'TOKEN' } },
          vars: { round: '1' },
        },
        more: [
          {
            name: 'chatter',
            hosts: 'web',
            load_balancer: { type: 'none' },
            strategy: { canary: { hosts: 0 }, max_unavailable: '100%', min_healthy_time: '0s' },
            services: {
              chatter: {
                image: await lab().publish('shop/chatter', '1'),
                entrypoint: ['/bin/sh', '-c', chatter.replaceAll('$', '$$')],
                hostname: '{{ inventory_hostname }}',
                environment: { ROUND: '{{ round }}' },
                restart: 'always',
                stop_grace_period: '1s',
              },
            },
          },
        ],
      });
      const { exitCode, stdout, stderr } = await rollout(playbook, '--output', 'plain');
      if (exitCode !== 0) throw new Error(`${stdout}${stderr}`);
    });
    afterAll(() => rm(settings.cwd, { recursive: true, force: true }));

    test('status: as wanted with exit code 0; a container changed by hand and one that is stopped are seen, with 10', async () => {
      expect((await rollout('status', playbook, '--exit-code')).exitCode).toBe(0);
      expect((await statusOf()).hosts.map(({ host, asWanted }) => [host, asWanted])).toEqual([
        ['h1', true],
        ['h2', true],
        ['h3', true],
      ]);
      await lab().docker('h2', ['stop', 'app']);
      await lab().docker('h3', ['update', '--restart', 'no', 'app']);
      const { exitCode, stdout } = await rollout('status', playbook, '--exit-code');
      expect({ exitCode, stdout }).toMatchObject({
        exitCode: 10,
        stdout: expect.stringMatching(/✓ h1[^]*✗ h2[^]*app .*exited[^]*✗ h3[^]*~ [^\n]*restart/) as string,
      });
      await rollout(playbook, '--output', 'plain');
      expect((await rollout('status', playbook, '--exit-code')).exitCode).toBe(0);
    });

    test('doctor: nothing to say of a fleet in order; --drain takes a node out and back; a stopped docker is exit code 4', async () => {
      const doctor = async (...args: readonly string[]) => {
        const { exitCode, stdout } = await rollout('doctor', playbook, '--output', 'json', ...args);
        const { findings, drain } = JSON.parse(stdout) as Examination;
        return { exitCode, drained: drain?.host, errors: findings.filter(({ level }) => level === 'error') };
      };
      expect(await doctor()).toEqual({ exitCode: 0, drained: undefined, errors: [] });
      const before = await containersOn(lab(), 'h3');
      expect(await doctor('--drain', 'h3')).toEqual({ exitCode: 0, drained: 'h3', errors: [] });
      const ids = (lines: readonly string[]) => lines.map((line) => line.split(' ').at(-1));
      expect(ids(await containersOn(lab(), 'h3'))).toEqual(ids(before));
      await lab().stopDocker('h2');
      expect(await doctor()).toMatchObject({ exitCode: 4, errors: [{ area: 'docker', host: 'h2' }] });
      await lab().startDocker('h2');
    });

    test('doctor sees what a login script prints, in the answer to its one command', async () => {
      const edit = (text: string) => lab().exec('h1', ['sh', '-c', text]);
      await edit('cp /root/.bashrc /root/.bashrc.kept 2>/dev/null; echo "echo Welcome back" >/root/.bashrc');
      const { exitCode, stdout } = await rollout('doctor', playbook, '--output', 'json');
      await edit('rm /root/.bashrc; mv /root/.bashrc.kept /root/.bashrc 2>/dev/null; true');
      const { findings } = JSON.parse(stdout) as Examination;
      expect({ exitCode, said: findings.map(({ area, host, message }) => [area, host, message]) }).toEqual({
        exitCode: 0,
        said: [['shell', 'h1', expect.stringMatching(/^a login script prints "Welcome back" in sessions/)]],
      });
    });

    test('logs -f goes on where a container is replaced and where a connection is cut: no line is lost, none comes twice', async () => {
      await rollout(playbook, '--output', 'plain');
      const following = startRollout(['logs', '-f', playbook, 'chatter', '--tail', '0'], settings);
      const heard = hearing(following.process.stdout);
      await heard.until(() => ['h1', 'h2', 'h3'].every((host) => heard.numbersOf(host).length > 5));

      await lab().exec('h2', ['pkill', '-f', '^sshd-session: ']);
      const replaced = await rollout(playbook, '--output', 'plain', '-l', 'h1', '-e', 'round=2');
      expect(replaced.exitCode, replaced.stdout + replaced.stderr).toBe(0);
      const last = lastNumberOf(await lab().docker('h1', ['logs', '--tail', '1', 'chatter.previous']));
      const before = heard.numbersOf('h2').length;
      await heard.until(() => heard.numbersOf('h1').includes(1) && heard.numbersOf('h2').length > before + 20);
      following.process.kill('SIGINT');
      const { exitCode, stderr } = await following.finished;

      expect({ exitCode, h2: linesAbout('h2', stderr) }).toEqual({
        exitCode: 0,
        h2: [
          expect.stringMatching(/^h2: the connection to \S+ port 22 was lost: the server closed it\.$/) as string,
          'h2: chatter is heard again.',
        ],
      });
      // The new container on h1 begins to count again, after the last line of the old one.
      expect(['h1', 'h2', 'h3'].map((host) => jumpsIn(heard.numbersOf(host)))).toEqual([[[last, 1]], [], []]);
    });

    test('exec: equal outputs once, in containers too, the worst exit code, secrets masked', async () => {
      const exec = async (...words: readonly string[]) => {
        const { exitCode, stdout, stderr } = await rollout('exec', ...words);
        return { exitCode, stdout, stderr };
      };
      expect(await exec(playbook, 'all', '--', `echo ready ${token}; exit 3`)).toEqual({
        exitCode: 3,
        stdout: 'h1…h3: exit code 3\n    ready [secret token]\n',
        stderr: '',
      });
      expect(await exec(playbook, 'all', '--', 'case $(hostname) in h2) exit 5;; esac; echo ready')).toEqual({
        exitCode: 5,
        stdout: 'h1, h3:\n    ready\nh2: exit code 5\n',
        stderr: '',
      });
      expect(await exec('-s', 'chatter', playbook, 'h1,h2', '--', 'hostname')).toEqual({
        exitCode: 0,
        stdout: 'h1 (chatter):\n    h1\nh2 (chatter):\n    h2\n',
        stderr: '',
      });
      expect(await exec('-s', 'app', playbook, 'all', '--', `echo $APP_VERSION ${token}; exit 4`)).toEqual({
        exitCode: 4,
        stdout: 'h1…h3 (app): exit code 4\n    1 [secret token]\n',
        stderr: '',
      });
    });

    test('exec -s: in a container that is stopped, restarting, paused or gone it did not run, and that is exit code 4', async () => {
      await lab().docker('h1', ['stop', 'app']);
      await lab().docker('h2', ['pause', 'app']);
      await lab().docker('h3', ['rename', 'app', 'away']);
      expect(await rollout('exec', '-s', 'app', playbook, 'all', '--', 'true')).toMatchObject({
        exitCode: 4,
        stdout: [
          'h1 (app): did not run',
          '    the container app does not run.',
          'h2 (app): did not run',
          '    the container app is paused.',
          'h3 (app): did not run',
          '    there is no container app here.',
          '',
        ].join('\n'),
      });
      await lab().docker('h1', ['start', 'app']);
      await lab().docker('h2', ['unpause', 'app']);
      await lab().docker('h3', ['rename', 'away', 'app']);
    });

    /** On a terminal of 100 by 40; before and after it stands how the terminal is set. */
    const execHere = (...words: readonly string[]): OnTerminal => {
      const command = [process.execPath, settings.script, 'exec', '-it', ...words].join(' ');
      const script = `export TOKEN=${token}; stty rows 40 cols 100; tty; stty -g; ${command}; code=$?; stty -g; exit $code`;
      return onTerminal(['sh', '-c', script], settings.cwd);
    };

    test.each([
      ['on a host', [], 'stty', 5],
      ['in a container', ['-s', 'app'], 'busybox stty', 7],
    ] as const)(
      'exec -it %s: its size, Ctrl-C for the command alone, its exit code',
      async (_, service, stty, code) => {
        const terminal = execHere(...service, playbook, 'h1', '--', 'sh');
        await terminal.said('# ');
        terminal.type(`${stty} size\r`);
        await terminal.said('\n40 100\n');
        await run('stty', ['-F', deviceOf(terminal), 'rows', '20', 'cols', '60']);
        await expect
          .poll(() => {
            terminal.type(`${stty} size\r`);
            return terminal.text();
          })
          .toContain('\n20 60\n');
        // What is typed is printed as well, and so it stands there in two halves.
        terminal.type(`sh -c 'trap "echo cau""ght; exit 9" INT; echo be""gun; while :; do sleep 1; done'\r`);
        await terminal.said('begun\n');
        terminal.type('\u0003');
        await terminal.said('caught\n');
        terminal.type('echo ended with $?\r');
        await terminal.said('ended with 9\n');
        terminal.type(`exit ${code}\r`);
        expect(await terminal.exited).toBe(code);
        expect(settingsOf(terminal)).toEqual(restored);
      },
    );

    test('each exec line of the manual, as it stands there', async () => {
      await mkdir(join(settings.cwd, 'playbooks'));
      await copyFile(playbook, join(settings.cwd, 'playbooks/prod.yaml'));
      const lines = manualLines().filter(({ isWhole, words }) => isWhole && words[0] === 'exec');
      const ends = await Promise.all(
        lines.map(async ({ words, text }) => {
          const [, option = ''] = words;
          if (option !== '-it') return [text, (await rollout(...words)).exitCode];
          const terminal = execHere(...words.slice(2));
          await terminal.said('# ');
          terminal.type('exit 6\r');
          return [text, await terminal.exited];
        }),
      );
      expect(Object.fromEntries(ends)).toEqual({
        'exec playbooks/prod.yaml all -- uptime': 0,
        "exec playbooks/prod.yaml 'web:!h3' -- 'df -h / | tail -1'": 0,
        'exec -s app playbooks/prod.yaml all -- cat /etc/hostname': 0,
        'exec -it playbooks/prod.yaml h1 -- bash': 6,
        'exec -it -s app playbooks/prod.yaml h1 -- sh': 6,
      });
    });

    test('exec -it: a host that is lost and a signal from outside give the terminal back, with the cursor and the screen', async () => {
      const lost = execHere(playbook, 'h2', '--', 'sh');
      await lost.said('# ');
      lost.type("printf '\\033[?1049h\\033[?25lhidden\\n'\r");
      await lost.said('hidden\n');
      await lab().hostDown('h2');
      expect(await lost.exited).toBe(4);
      expect(lost.text()).toContain('rollout: h2: the connection to');
      expect(lost.raw()).toContain('\u001b[?1049l\u001b[?25h');
      expect(settingsOf(lost)).toEqual(restored);
      await lab().hostUp('h2');

      const killed = execHere(playbook, 'h1', '--', 'sh');
      await killed.said('# ');
      const { stdout } = await run('ps', ['-t', deviceOf(killed).replace('/dev/', ''), '-o', 'pid=,args=']);
      const pid = /^\s*(\d+) \S*node\S* \S+ exec -it/m.exec(stdout)?.[1] ?? '';
      process.kill(Number(pid), 'SIGTERM');
      expect(await killed.exited).toBe(130);
      expect(killed.text()).toContain('the terminal was left at SIGTERM');
      expect(settingsOf(killed)).toEqual(restored);
    });
  },
  { hosts: 3 },
);

/** What the chatter of the hosts has said so far. */
function hearing(stdout: Readable | null) {
  let printed = '';
  let check: () => void = () => undefined;
  stdout?.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
    check();
  });
  return {
    numbersOf: (host: string): readonly number[] =>
      [...printed.matchAll(new RegExp(`line (\\d+) of ${host}$`, 'gm'))].map(([, number]) => Number(number)),
    until: (holds: () => boolean): Promise<void> =>
      new Promise((resolve) => {
        check = () => holds() && resolve();
        check();
      }),
  };
}

/** Where the numbers do not go on by one. */
const jumpsIn = (numbers: readonly number[]): readonly (readonly [before: number | undefined, number: number])[] =>
  numbers.flatMap((number, at) =>
    at === 0 || number === (numbers[at - 1] ?? 0) + 1 ? [] : [[numbers[at - 1], number]],
  );

const lastNumberOf = (log: string): number => Number(/line (\d+) of/.exec(log)?.[1]);

const linesAbout = (host: string, text: string): readonly string[] =>
  text.split('\n').filter((line) => line.startsWith(`${host}: `));
