import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, inject, test, vi } from 'vitest';
import type { Event } from '../../../src/events/event.ts';
import { containersOn, statesOn } from '../../support/containers.ts';
import { writePlaybook } from '../../support/playbooks.ts';
import { runRollout, type FinishedRollout } from '../../support/rollout.ts';
import { underLoad } from '../../support/under-load.ts';
import { serversUp, soon } from '../support/by-hand.ts';
import { describeOnLab } from '../support/lab-test.ts';

const host = 'h1';

/** Stands before the real docker in the PATH. What /run/lie names is reported as done, so often, and not done. */
const wrapper = `#!/bin/sh
if [ -e /run/lie ] && read -r verb name times id </run/lie; then
  asked=
  for word; do case $word in "$name" | "--name=$name") asked=yes ;; esac; done
  if [ "$1" = "$verb" ] && [ -n "$asked" ] && [ "$times" -gt 0 ]; then
    echo "$verb $name $((times - 1)) $id" >/run/lie
    echo "$*" >>/run/lies
    [ -z "$id" ] || printf '%064d\\n' 7
    exit 0
  fi
fi
exec /usr/bin/docker "$@"
`;

// A program in docker's place says that it has done what it has not: on one host of two, under load.
describeOnLab(
  'a docker that reports as done what it has not done',
  (lab) => {
    let cwd: string;
    let health: string;
    const strategy = {
      canary: { hosts: 1, bake: '0s', min_requests: 0 },
      max_unavailable: 1,
      min_available: 1,
      min_healthy_time: '0s',
      drain: { timeout: '8s' },
    };
    let versions = 0;
    const nextVersion = (): string => String((versions += 1));
    const playbook = async (version: string, over: Readonly<Record<string, unknown>> = {}): Promise<string> => {
      const app = await lab().publish('shop/app', version, { APP_VERSION: version });
      return writePlaybook(lab(), { health, app, strategy: { ...strategy, ...over } });
    };
    const rollout = (file: string): Promise<FinishedRollout> =>
      runRollout([file, '--output', 'json'], { script: inject('rolloutScript'), cwd });
    const onHost = async (script: string): Promise<string> => {
      const { exitCode, stdout, stderr } = await lab().exec(host, ['sh', '-c', script]);
      if (exitCode !== 0) throw new Error(`${script}: ${stderr}`);
      return stdout;
    };
    const honest = (): Promise<string> => onHost('rm -f /usr/local/bin/docker /run/lie /run/lies');
    /** Verb, name, how often, and whether a create prints an id. */
    const lie = (words: string): Promise<string> =>
      onHost(
        `mkdir -p /usr/local/bin && cat >/usr/local/bin/docker <<'END'\n${wrapper}END\nchmod 755 /usr/local/bin/docker; ` +
          `echo '${words}' >/run/lie`,
      );

    beforeAll(async () => {
      cwd = await mkdtemp(join(tmpdir(), 'rollout-wrapper-'));
      health = await lab().publish('shop/health', '1');
      const first = await playbook('0', { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0 });
      const { exitCode, stderr } = await rollout(first);
      if (exitCode !== 0) throw new Error(`the first deployment: ${stderr}`);
      await vi.waitFor(async () => expect(await serversUp(lab())).toEqual(lab().hosts), soon);
    });
    beforeEach(honest);
    afterAll(async () => {
      await honest();
      await rm(cwd, { recursive: true, force: true });
    });

    test.each([
      ['a create that makes nothing', 'create app.next 99', /^create app\.next .*printed no container's id/],
      [
        'a create that prints an id and makes nothing',
        'create app.next 99 id',
        /^create app\.next .*app\.next is not there/,
      ],
      ['a stop that stops no app', 'stop app 99', /^stop app.*reported it as done, but app.previous still runs/],
      [
        'a stop that stops no health container',
        'stop health 99',
        /^stop health.*reported it as done, but health still runs/,
      ],
      ['a rename that does not park', 'rename app.previous 99', /^rename app.*/],
      [
        'a rename that brings no new one',
        'rename app.next 99',
        /^rename app.next to app.*docker reported it as done, but app is not there/,
      ],
      ['a start that starts no app', 'start app 1', /^start app.*reported it as done, but app was never started/],
      [
        'a start that starts no health container',
        'start health 1',
        /^start health.*reported it as done, but health does not run/,
      ],
    ])('%s: the node serves what it served, in rotation, and no request is lost', async (_, words, message) => {
      const before = await running();
      await lie(words);
      const file = await playbook(nextVersion());
      const { result, report } = await underLoad(lab().frontendUrl, () => rollout(file));
      expect({
        exitCode: result.exitCode,
        failed: failureOf(result.events),
        lies: await onHost('cat /run/lies'),
      }).toEqual({
        exitCode: 5,
        failed: expect.stringMatching(message) as string,
        lies: expect.stringMatching(new RegExp(`^${words.split(' ')[0]} `)) as string,
      });
      expect(report).toMatchObject({ failed: 0, failures: [] });
      expect(await serversUp(lab())).toEqual(['h1', 'h2']);
      // The very containers of before, and they start again at a reboot.
      expect(await running()).toEqual(before);

      await honest();
      const next = await rollout(file);
      expect({ exitCode: next.exitCode, stderr: next.stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(await statesOn(lab(), host)).toEqual(['app running', 'app.previous exited', 'health running']);
    });

    test('a start that starts nothing, on the way back too: exit 3, the node stays out, and what to type is said', async () => {
      await lie('start app 99');
      const file = await playbook(nextVersion());
      const { exitCode, events } = await rollout(file);
      expect(exitCode).toBe(3);
      expect(events.find(({ type }) => type === 'node_restored')).toMatchObject({
        host,
        serving: false,
        next: expect.stringContaining('docker start app') as string,
      });
      expect(await serversUp(lab())).toEqual(['h2']);

      await honest();
      expect((await rollout(file)).exitCode).toBe(0);
      await expect.poll(() => serversUp(lab()), soon).toEqual(['h1', 'h2']);
    });

    /** Names, state, policy and id of what runs, without the time of its start. */
    const running = async (): Promise<readonly string[]> =>
      (await containersOn(lab(), host))
        .map((line) => line.split(' '))
        .filter(([, state]) => state === 'running')
        .map(([name, state, policy, , , id]) => [name, state, policy, id].join(' '));
  },
  { hosts: 2 },
);

function failureOf(events: readonly Event[]): string {
  const failed = events.find((event) => event.type === 'node_failed');
  return failed === undefined ? 'nothing failed' : `${failed.failure.op.text}: ${failed.failure.message}`;
}
