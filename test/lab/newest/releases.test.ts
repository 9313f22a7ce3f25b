import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import type { EventOf } from '../../../src/events/event.ts';
import { writePlaybook } from '../../support/playbooks.ts';
import { gatedReleases, releaseStory, tellRelease } from '../../support/release-story.ts';
import { runRollout, type FinishedRollout } from '../../support/rollout.ts';
import { describeOnLab, emptyLab } from '../support/lab-test.ts';
import { hostAddress } from '../support/layout.ts';

describeOnLab(
  'a release on real hosts, with a real registry',
  (lab) => {
    let folder: string;
    const run = (cwd: string, ...args: readonly string[]): Promise<FinishedRollout> =>
      runRollout([...args, '--output', 'json'], { script: inject('rolloutScript'), cwd });

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'rollout-releases-'));
    });
    beforeEach(() => emptyLab(lab()));
    afterAll(() => rm(folder, { recursive: true, force: true }));

    test.each([
      ['with the controller’s folder', false],
      ['with the controller’s folder deleted before every command', true],
    ])(
      'the manual’s release goes its whole way, %s, and every host has exactly its digests',
      async (_, forgets) => {
        const cwd = await mkdtemp(join(folder, 'project-'));
        const addresses = Object.fromEntries(
          lab().hosts.map((host) => [host, hostAddress(lab().settings.network, host)]),
        );
        const told = await tellRelease({
          fleet: lab(),
          cwd,
          rollout: (...args) => run(cwd, ...args),
          ...{ forgets, isPlain: true, addresses },
        });
        expect(told).toEqual({
          story: releaseStory,
          gate: gatedReleases.map((line, index) => `${line}: build-${index < 2 ? 1 : 2}`),
          release: [expect.stringMatching(/^app=\S+\/shop\/app@sha256:/), expect.stringMatching(/^health=\S+@sha256:/)],
          production: { h2: told.release, h3: told.release },
        });
      },
      400_000,
    );

    /** The containers of every host, by their own ids. */
    const containers = (): Promise<readonly string[]> =>
      Promise.all(
        lab().hosts.map(async (host) => {
          const lines = await lab().docker(host, ['ps', '--all', '--format', '{{.Names}} {{.State}}', '--no-trunc']);
          const image = await lab().docker(host, ['inspect', '--format', '{{.Image}}', 'app']);
          return `${host}: ${lines.trim().split('\n').sort().join(', ')}; ${image.trim()}`;
        }),
      );

    const gated = async (version: string, gate: object, services: object = {}): Promise<string> => {
      const app = await lab().publish('shop/app', version);
      const image = await lab().publish('shop/smoke', '1');
      const smoke = Object.fromEntries(Object.entries(services).map(([name, keys]) => [name, { image, ...keys }]));
      const health = await lab().publish('shop/health', '1');
      const ports = { health: ['8081:8080'], app: ['8080:8080'] };
      return writePlaybook(lab(), {
        ...{ app, health },
        strategy: { canary: { hosts: 1, bake: '0s' }, max_unavailable: 1, min_available: 1 },
        top: { registries: { [lab().registry]: { insecure: true } } },
        play: {
          gate,
          services: {
            health: { image: health, ports: ports.health, restart: 'always' },
            app: { image: app, ports: ports.app, restart: 'always', stop_grace_period: '10s' },
            ...smoke,
          },
        },
      });
    };

    test('a gate that fails, a command or a container on the canary, sends the canary back, and nobody else starts; one that passes lets all go on', async () => {
      const command = (code: string): object => ({ command: [process.execPath, '-e', code] });
      const first = await run(folder, await gated('1', command('0')));
      expect([first.exitCode, first.stderr]).toEqual([0, '']);
      const before = await containers();

      const service = { service: 'smoke', timeout: '30s' };
      const gates = [
        [command('console.log("the basket is empty"); process.exit(1)'), {}, /^the basket is empty$/],
        // The test program: it writes a few lines, and exits with 1.
        [service, { smoke: { environment: { APP_FAULT: 'crash' } } }, /\S/],
      ] as const;
      for (const [gate, services, words] of gates) {
        const failed = await run(folder, await gated('2', gate, services));
        const [answer] = failed.events.filter(
          (event): event is EventOf<'gate_finished'> => event.type === 'gate_finished',
        );
        expect(answer).toMatchObject({ ok: false, exitCode: 1, message: 'exit code 1', hosts: ['h1'] });
        expect(answer?.output.length).toBeGreaterThan(0);
        expect(answer?.output.at(-1)).toMatch(words);
        const turns = failed.events.flatMap((event) =>
          event.type === 'node_started' || event.type === 'node_restored' ? [`${event.type} ${event.host}`] : [],
        );
        expect([failed.exitCode, turns]).toEqual([5, ['node_started h1', 'node_started h1', 'node_restored h1']]);
        expect(failed.events.at(-1)).toMatchObject({
          outcome: 'rolled_back',
          hosts: { h1: { result: 'restored' }, h2: { result: 'untouched' }, h3: { result: 'untouched' } },
        });
        expect(await containers()).toEqual(before);
      }

      // It asks the canary's own port, from the canary.
      const asks = { smoke: { entrypoint: ['/app', '--check', '/ready'], network_mode: 'host' } };
      const passed = await run(folder, await gated('2', service, asks));
      const [answer] = passed.events.filter(
        (event): event is EventOf<'gate_finished'> => event.type === 'gate_finished',
      );
      expect([passed.exitCode, answer?.ok, answer?.output.at(-1)]).toEqual([
        0,
        true,
        expect.stringMatching(/\/ready answered 200$/),
      ]);
      expect((await containers()).every((line) => !line.includes('smoke'))).toBe(true);
    }, 400_000);
  },
  { hosts: 3 },
);
