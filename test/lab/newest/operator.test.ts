import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { Examination } from '../../../src/api/doctor.ts';
import type { FleetStatus } from '../../../src/plan/status-model.ts';
import { containersOn } from '../../support/containers.ts';
import { deviceOf, onTerminal, settingsOf, type OnTerminal } from '../../support/on-terminal.ts';
import { writePlaybook } from '../../support/playbooks.ts';
import { runRollout, type FinishedRollout, type RolloutOptions } from '../../support/rollout.ts';
import { describeOnLab } from '../support/lab-test.ts';

const run = promisify(execFile);
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
      settings = { script: inject('rolloutScript'), cwd };
      const chatter = 'i=0; while true; do i=$((i+1)); echo line $i of ${HOSTNAME:-?}; sleep 0.05; done';
      playbook = await writePlaybook(lab(), {
        app: await lab().publish('shop/app', '1'),
        health: await lab().publish('shop/health', '1'),
        strategy: { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0 },
        top: { registries: { [lab().registry]: { insecure: true } } },
        more: [
          {
            name: 'chatter',
            hosts: 'web',
            load_balancer: { type: 'none' },
            services: {
              chatter: {
                image: await lab().publish('shop/chatter', '1'),
                entrypoint: ['/bin/sh', '-c', chatter.replaceAll('$', '$$')],
                hostname: '{{ inventory_hostname }}',
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

    /** On a terminal of 100 by 40; before and after it stands how the terminal is set. */
    const execHere = (...words: readonly string[]): OnTerminal => {
      const command = [process.execPath, settings.script, 'exec', '-it', ...words].join(' ');
      const script = `stty rows 40 cols 100; tty; stty -g; ${command}; code=$?; stty -g; exit $code`;
      return onTerminal(['sh', '-c', script], settings.cwd);
    };

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
