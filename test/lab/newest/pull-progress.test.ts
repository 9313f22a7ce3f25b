import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import type { EventOf } from '../../../src/events/event.ts';
import { writePlaybook } from '../../support/playbooks.ts';
import { runRollout, startRollout, type RunningRollout } from '../../support/rollout.ts';
import { login, startGuardedRegistry } from '../support/guarded-registry.ts';
import { publishImage } from '../support/image.ts';
import { describeOnLab } from '../support/lab-test.ts';
import { startSlowRegistry } from '../support/slow-registry.ts';
import { tarOf } from '../support/tar.ts';

const layerOf = (name: string, bytes: number): Buffer =>
  tarOf([{ kind: 'file', path: name, mode: 0o644, bytes: randomBytes(bytes) }]);

describeOnLab('images that take long', (lab) => {
  let cwd: string;
  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'rollout-pulls-'));
  });
  afterAll(() => rm(cwd, { recursive: true, force: true }));

  test('bytes grow on each host, and end as the bytes of the layers that its manifest names', async () => {
    const { settings } = lab();
    const layers = [1, 4, 8].map((megabytes) => layerOf(`data-${megabytes}`, megabytes * 1_000_000));
    const { layerBytes } = await publishImage(settings, 'shop/large', '1.0', {}, { layers });
    const health = await lab().publish('shop/health', '1.0');
    await using slow = await startSlowRegistry(settings, 1_000_000, 5056);
    const playbook = await writePlaybook(lab(), {
      file: 'pulls',
      app: `${slow.host}/shop/large:1.0`,
      health,
      strategy: { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0, min_healthy_time: '0s' },
      top: { registries: Object.fromEntries([slow.host, lab().registry].map((host) => [host, { insecure: true }])) },
    });
    const { exitCode, stderr, events } = await runRollout([playbook, '--output', 'json'], {
      script: inject('rolloutScript'),
      cwd,
    });
    expect([exitCode, stderr]).toEqual([0, '']);
    const told = events.filter((event): event is EventOf<'image_progress'> => event.type === 'image_progress');
    for (const host of lab().hosts) {
      const own = told.filter((event) => event.host === host);
      const known = own.filter(({ totalBytes }) => totalBytes !== undefined);
      const done = known.map(({ doneBytes = -1 }) => doneBytes);
      process.stderr.write(
        `${host}: ${done.join(' ')} of ${known.at(-1)?.totalBytes ?? '?'}, manifest ${layerBytes}\n`,
      );
      expect(done).toEqual([...done].sort((a, b) => a - b));
      // The largest layer alone comes for eight seconds: what is between the sums of whole layers is within one.
      expect(new Set(done).size).toBeGreaterThanOrEqual(6);
      // A host may have the layer of the program from another image.
      const total = known.at(-1)?.totalBytes ?? 0;
      expect(layerBytes - total).toBeGreaterThanOrEqual(0);
      expect(layerBytes - total).toBeLessThan(2_000_000);
      const times = own.map(({ at }) => at);
      for (const [index, at] of times.slice(1).entries()) expect(at - (times[index] ?? 0)).toBeGreaterThanOrEqual(990);
    }
  }, 200_000);

  /** What runs on a host for a pull: command lines, and folders of credentials. */
  const traces = async (host: string): Promise<string> => {
    const look = `for each in /proc/[0-9]*; do tr '\\0\\n' '  ' <"$each/cmdline" 2>/dev/null; echo; done | grep -E '^(script|docker .*pull) |^sh -c .* rollout-(bring|pull) ' | cut -c1-20
ls -d /run/rollout-pull.* /dev/shm/rollout-pull.*`;
    const { stdout } = await lab().exec(host, ['sh', '-c', `exec 2>/dev/null; ${look}`]);
    return stdout;
  };
  const sessions = async (host: string): Promise<readonly string[]> => {
    const look = `for each in /proc/[0-9]*; do grep -aq '^sshd[^ ]*: .*@notty' "$each/cmdline" && echo "\${each#/proc/}"; done`;
    return (await lab().exec(host, ['sh', '-c', `exec 2>/dev/null; ${look}`])).stdout.split('\n').filter(Boolean);
  };
  const ends: readonly (readonly [string, number | null, (run: RunningRollout) => unknown])[] = [
    ['Ctrl-C', 130, (run) => run.process.kill('SIGINT')],
    [
      'a second Ctrl-C',
      130,
      async (run) => {
        run.process.kill('SIGINT');
        await Promise.race([run.event(({ type }) => type === 'warning'), run.finished]);
        run.process.kill('SIGINT');
      },
    ],
    ['SIGKILL of the controller', null, (run) => run.process.kill('SIGKILL')],
    [
      'connections that are cut',
      4,
      () => Promise.all(lab().hosts.map(async (host) => lab().exec(host, ['kill', '-9', ...(await sessions(host))]))),
    ],
  ];
  test.each([
    ['without a login', false],
    ['with a login', true],
  ])(
    'nothing of a pull is left on a host after whatever ended its run, %s',
    async (_, hasLogin) => {
      const { settings } = lab();
      await publishImage(settings, 'shop/huge', '1.0', {}, { layers: [layerOf('data', 60_000_000)] });
      const health = await lab().publish('shop/health', '1.0');
      const guarded = hasLogin ? await startGuardedRegistry(lab(), 'htpasswd', 5632) : undefined;
      await using slow = await startSlowRegistry(settings, 1_000_000, 5057, guarded?.host);
      const account = hasLogin ? { username: login.username, password: { secret: 'registry' } } : {};
      const playbook = await writePlaybook(lab(), {
        file: `left-${hasLogin}`,
        app: `${slow.host}/shop/huge:1.0`,
        health,
        strategy: { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0, min_healthy_time: '0s' },
        top: {
          registries: { [slow.host]: { insecure: true, ...account }, [lab().registry]: { insecure: true } },
          ...(hasLogin ? { secrets: { registry: { env: 'REGISTRY_PASSWORD' } } } : {}),
        },
      });
      for (const [name, wanted, end] of ends) {
        const env = { REGISTRY_PASSWORD: login.password };
        const run = startRollout([playbook, '--output', 'json'], { script: inject('rolloutScript'), cwd, env });
        for (const host of lab().hosts) {
          await run.event(
            (event) => event.type === 'image_progress' && event.host === host && (event.doneBytes ?? 0) > 0,
          );
          expect(await traces(host)).toMatch(/^script -qefc [^]*^docker /m);
          expect((await traces(host)).includes('/rollout-pull.')).toBe(hasLogin);
        }
        await end(run);
        const { exitCode, events } = await run.finished;
        expect([name, exitCode]).toEqual([name, wanted]);
        expect(events.filter((event) => event.type === 'image_pulled' && event.image.includes('huge'))).toEqual([]);
        for (const host of lab().hosts)
          await vi.waitFor(async () => expect([name, await traces(host)]).toEqual([name, '']), 30_000);
      }
      await guarded?.close();
    },
    200_000,
  );
});
