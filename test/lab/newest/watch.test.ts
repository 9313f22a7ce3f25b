import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import type { WatchEvent } from '../../../src/events/watch-event.ts';
import { startLoad } from '../../../src/sandbox/load.ts';
import { writePlaybook } from '../../support/playbooks.ts';
import { runRollout, startRollout, type RolloutOptions, type RunningRollout } from '../../support/rollout.ts';
import { describeOnLab } from '../support/lab-test.ts';

const everyMs = 2000;

describeOnLab(
  'a tag that is watched',
  (lab) => {
    let cwd: string;
    let playbook: string;
    let settings: RolloutOptions;

    const push = (version: string, env: Readonly<Record<string, string>> = {}): Promise<string> =>
      lab().publish('shop/app', 'dev', { APP_VERSION: version, ...env });
    const running = async (): Promise<readonly string[]> => {
      const format = '{{range .Config.Env}}{{println .}}{{end}}';
      const texts = lab().hosts.map((host) => lab().docker(host, ['inspect', '--format', format, 'app']));
      return (await Promise.all(texts)).map((text) => /^APP_VERSION=(.*)$/m.exec(text)?.[1] ?? '?');
    };
    const everywhere = (version: string): readonly string[] => lab().hosts.map(() => version);
    const ranTimes = (watch: RunningRollout, times: number): Promise<unknown> => {
      let seen = 0;
      return watch.event((event) => (event.type as string) === 'watch_ran' && (seen += 1) === times);
    };
    const verdicts = (watch: { readonly events: readonly unknown[] }): readonly string[] =>
      (watch.events as readonly WatchEvent[]).flatMap((event) =>
        event.type === 'watch_ran'
          ? [`${event.verdict}, exit ${event.exitCode}`]
          : event.type === 'watch_held'
            ? [`held: ${event.hold.reason}`]
            : [],
      );

    beforeAll(async () => {
      cwd = await mkdtemp(join(tmpdir(), 'rollout-watch-'));
      settings = { script: inject('rolloutScript'), cwd };
      const strategy = { canary: { hosts: 1, bake: '1s', min_requests: 0 }, max_unavailable: 2, min_available: 1 };
      playbook = await writePlaybook(lab(), {
        app: await push('1'),
        health: await lab().publish('shop/health', '1'),
        strategy,
        top: { registries: { [lab().registry]: { insecure: true } } },
      });
    });
    afterAll(() => rm(cwd, { recursive: true, force: true }));

    test('what is pushed is rolled out without a failed request; what is sent back is tried by nobody again; a registry that is down is no change', async () => {
      const first = await runRollout(['watch', playbook, '--once', '--output', 'json'], settings);
      expect(first.exitCode, first.stdout).toBe(0);
      expect(await running()).toEqual(everywhere('1'));

      const watch = startRollout(['watch', playbook, '--every', `${everyMs}ms`, '--output', 'json'], settings);
      const load = startLoad({ url: lab().frontendUrl, connections: 4, slowShare: 0, thinkMs: 10 });
      try {
        await push('2');
        await ranTimes(watch, 1);
        expect(await running()).toEqual(everywhere('2'));
        await push('3', { APP_FAULT: 'crash' });
        await ranTimes(watch, 2);
        expect(await running()).toEqual(everywhere('2'));

        const runs = (): Promise<number> => readdir(join(cwd, '.rollout/runs')).then(({ length }) => length);
        const before = await runs();
        await lab().stopRegistry();
        await watch.event((event) => (event.type as string) === 'watch_trouble');
        const stoppedMs = Date.now();
        await vi.waitFor(() => expect(Date.now() - stoppedMs).toBeGreaterThan(3 * everyMs), 60_000);
        await lab().startRegistry();
        await watch.event((event) => (event.type as string) === 'watch_recovered');
        expect([await runs(), await running()]).toEqual([before, everywhere('2')]);
      } finally {
        watch.process.kill('SIGINT');
      }
      const { failed, requests } = await load.stop();
      expect([(await watch.finished).exitCode, failed, requests > 0]).toEqual([0, 0, true]);
      expect(verdicts(watch)).toEqual(['done, exit 0', 'bad, exit 5']);

      const env = { ROLLOUT_STATE_DIR: join(cwd, 'another-controller') };
      const other = await runRollout(['watch', playbook, '--once', '--output', 'json'], { ...settings, env });
      expect([other.exitCode, ...verdicts(other), await running()]).toEqual([0, 'held: bad', everywhere('2')]);
    }, 300_000);
  },
  { hosts: 4 },
);
