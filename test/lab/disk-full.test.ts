import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { snapshot, statesOn } from '../support/containers.ts';
import { writePlaybook } from '../support/playbooks.ts';
import { runRollout, startRollout } from '../support/rollout.ts';
import { serversUp, soon } from './support/by-hand.ts';
import { describeOnLab } from './support/lab-test.ts';

const host = 'h1';
const folder = '/var/lib/docker';
const fill = `${folder}/filled`;

// h1 keeps docker's data on a small disk of its own.
describeOnLab(
  'a disk that is full',
  (lab) => {
    let cwd: string;
    let health: string;
    const strategy = { canary: { hosts: 1, bake: '0s', min_requests: 0 }, min_available: 1, min_healthy_time: '0s' };
    const playbookFor = async (version: string, env: Readonly<Record<string, string>> = {}): Promise<string> => {
      const app = await lab().publish('shop/app', version, { APP_VERSION: version, ...env });
      return writePlaybook(lab(), { health, app, strategy });
    };
    const onHost = async (script: string): Promise<void> => {
      const { exitCode, stderr } = await lab().exec(host, ['sh', '-c', script]);
      if (exitCode !== 0) throw new Error(`${script}: ${stderr}`);
    };

    beforeAll(async () => {
      cwd = await mkdtemp(join(tmpdir(), 'rollout-disk-'));
      health = await lab().publish('shop/health', '1');
      await lab().stopDocker(host);
      await onHost(`mount -t tmpfs -o size=200m tmpfs ${folder}`);
      await lab().startDocker(host);
      const first = await runRollout([await playbookFor('1')], { script: inject('rolloutScript'), cwd });
      if (first.exitCode !== 0) throw new Error(`the first deployment: ${first.stderr}${first.stdout}`);
    });
    afterAll(() => rm(cwd, { recursive: true, force: true }));

    test('is known before a node is touched, with what is free, what is needed and what to type', async () => {
      const before = await snapshot(lab());
      await onHost(`dd if=/dev/zero of=${fill} bs=1M count=150 2>/dev/null`);
      try {
        const { exitCode, stderr } = await runRollout([await playbookFor('2')], {
          script: inject('rolloutScript'),
          cwd,
        });
        expect(stderr).toContain('1 host has no room left for docker; nothing was touched');
        expect(stderr).toMatch(/h1: \/var\/lib\/docker has \d+ MB free, 100 MB are needed to put a node back/);
        expect(stderr).toContain('docker system df');
        expect(exitCode).toBe(4);
      } finally {
        await onHost(`rm -f ${fill}`);
      }
      expect(await snapshot(lab())).toEqual(before);
    });

    test('and fills up in the middle of an update: what served before serves again, in rotation', async () => {
      const crashing = await playbookFor('crashes', { APP_FAULT: 'crash' });
      const running = startRollout([crashing, '--output', 'json'], { script: inject('rolloutScript'), cwd });
      await running.event(
        (event) =>
          event.type === 'op_finished' &&
          event.host === host &&
          event.op.kind === 'start' &&
          event.op.service === 'app',
      );
      await onHost(
        `dd if=/dev/zero of=${fill} bs=64k 2>/dev/null; dd if=/dev/zero of=${fill}.rest bs=1 2>/dev/null; true`,
      );
      const { exitCode, stderr, events } = await running.finished;
      try {
        expect({ exitCode, stderr }).toMatchObject({ exitCode: 5 });
        expect(events.find(({ type }) => type === 'node_restored')).toMatchObject({ host, serving: true });
        await expect.poll(() => serversUp(lab()), soon).toEqual(lab().hosts);
        const answer: unknown = await (await fetch(lab().frontendUrl)).json();
        expect(answer).toMatchObject({ version: '1' });
      } finally {
        await onHost(`rm -f ${fill} ${fill}.rest`);
      }
      // With room again the next run puts right what could not be written.
      const next = await runRollout([await playbookFor('1')], { script: inject('rolloutScript'), cwd });
      expect({ exitCode: next.exitCode, stderr: next.stderr }).toMatchObject({ exitCode: 0 });
      expect(await statesOn(lab(), host)).toEqual(expect.arrayContaining(['app running', 'health running']));
    });
  },
  { hosts: 2 },
);
