import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { Event } from '../../../src/events/event.ts';
import { snapshot, statesOn } from '../../support/containers.ts';
import { writePlaybook } from '../../support/playbooks.ts';
import { runRollout, type FinishedRollout } from '../../support/rollout.ts';
import { underLoad } from '../../support/under-load.ts';
import { serversUp, soon } from '../support/by-hand.ts';
import { describeOnLab } from '../support/lab-test.ts';

// A migration that the app waits for: it notes in a volume that it has run, and ends with the code that it is told.
describeOnLab(
  'a job with service_completed_successfully',
  (lab) => {
    let cwd: string;
    let health: string;
    const quick = { min_healthy_time: '0s', canary: { hosts: 1, bake: '0s', min_requests: 0 } };
    const strategy = { ...quick, max_unavailable: 1, min_available: 1 };
    const playbook = async (version: string, exitCode = 0, over: object = {}): Promise<string> => {
      const image = await lab().publish('shop/app', version, { APP_VERSION: version });
      const services = {
        health: { image: health, ports: ['8081:8080'], restart: 'always' },
        app: {
          image,
          ports: ['8080:8080'],
          restart: 'always',
          volumes: ['notes:/notes'],
          depends_on: { migrate: { condition: 'service_completed_successfully' } },
          probe: { http: { port: 8080, path: '/ready' }, interval: '100ms' },
        },
        migrate: {
          image,
          entrypoint: ['sh', '-c', `echo "${version} ran" >>/notes/runs; exit ${exitCode}`],
          volumes: ['notes:/notes'],
        },
      };
      return writePlaybook(lab(), {
        health,
        app: image,
        strategy: { ...strategy, ...over },
        play: { services, volumes: { notes: {} } },
      });
    };
    const rollout = (file: string, output = 'json'): Promise<FinishedRollout> =>
      runRollout([file, '--output', output], { script: inject('rolloutScript'), cwd });
    const runsOf = async (host: string): Promise<readonly string[]> =>
      (await lab().docker(host, ['exec', 'app', 'cat', '/notes/runs'])).trim().split('\n');

    beforeAll(async () => {
      cwd = await mkdtemp(join(tmpdir(), 'rollout-jobs-'));
      health = await lab().publish('shop/health', '1');
    });
    afterAll(() => rm(cwd, { recursive: true, force: true }));

    test('runs to its end before the app starts, once for a version, and a failed one leaves every node in rotation', async () => {
      const everyone = { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0 };
      const first = await rollout(await playbook('1', 0, everyone));
      expect({ exitCode: first.exitCode, stderr: first.stderr }).toEqual({ exitCode: 0, stderr: '' });
      for (const host of lab().hosts) {
        expect(await statesOn(lab(), host)).toEqual(['app running', 'health running', 'migrate exited']);
        expect(await runsOf(host)).toEqual(['1 ran']);
      }
      await expect.poll(() => serversUp(lab()), soon).toEqual([...lab().hosts]);

      // Unchanged: not run again, by a plan or a run.
      const before = await snapshot(lab());
      const again = await rollout(await playbook('1'), 'plain');
      expect(again.exitCode).toBe(0);
      expect(again.stdout).toContain('nothing to do');
      expect(await snapshot(lab())).toEqual(before);

      // Changed: once on each node, before that node leaves rotation; no request is lost.
      const second = await playbook('2');
      const { result, report } = await underLoad(lab().frontendUrl, () => rollout(second));
      expect({ exitCode: result.exitCode, stderr: result.stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(report).toMatchObject({ failed: 0, failures: [] });
      for (const host of lab().hosts) {
        expect(await runsOf(host)).toEqual(['1 ran', '2 ran']);
        expect(orderOn(result.events, host)).toEqual([
          'start migrate',
          'await migrate',
          'drain',
          'await migrate',
          'start app',
        ]);
      }

      // Failing: the canary's alone, told with its code and what it wrote; nobody leaves, nothing of before is gone.
      const serving = await versions();
      const third = await playbook('3', 7);
      const failing = await underLoad(lab().frontendUrl, () => rollout(third));
      expect(failing.result.exitCode).toBe(5);
      expect(failing.report).toMatchObject({ failed: 0, failures: [] });
      expect(failing.result.events.filter(({ type }) => type === 'drain_started')).toEqual([]);
      expect(failing.result.events.find(({ type }) => type === 'node_failed')).toMatchObject({
        host: 'h1',
        failure: { message: expect.stringContaining('migrate exited with code 7') as string },
      });
      expect(await versions()).toEqual(serving);
      expect(await runsOf('h1')).toEqual(['1 ran', '2 ran', '3 ran']);
      expect(await runsOf('h2')).toEqual(['1 ran', '2 ran']);

      // What is wanted again is what is there.
      const back = await rollout(await playbook('2'));
      expect(back.events.at(-1)).toMatchObject({ type: 'run_finished', exitCode: 0, outcome: 'unchanged' });
      expect(await runsOf('h1')).toEqual(['1 ran', '2 ran', '3 ran']);
    });

    const versions = async (): Promise<readonly string[]> =>
      Promise.all(
        lab().hosts.map((host) => lab().docker(host, ['inspect', '--format', '{{.Id}} {{.Config.Image}}', 'app'])),
      );
  },
  { hosts: 2 },
);

/** What began on a host, in order: of the job, of the app, and the way out of rotation. */
function orderOn(events: readonly Event[], host: string): readonly string[] {
  return events.flatMap((event) => {
    if (event.type !== 'op_started' || event.host !== host) return [];
    const { op } = event;
    if (op.kind === 'drain') return ['drain'];
    if (op.kind !== 'start' && op.kind !== 'await') return [];
    return op.service === 'health' ? [] : [`${op.kind} ${op.service ?? ''}`];
  });
}
