import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import type { Event } from '../../../src/events/event.ts';
import { snapshot } from '../../support/containers.ts';
import { writePlaybook, type PlaybookParts } from '../../support/playbooks.ts';
import { runRollout, startRollout } from '../../support/rollout.ts';
import { underLoad } from '../../support/under-load.ts';
import { serversUp, soon } from '../support/by-hand.ts';
import { configureBalancer } from '../support/haproxy.ts';
import { describeOnLab, emptyLab } from '../support/lab-test.ts';
import { balancerAddress } from '../support/layout.ts';

const apiPort = 8088;

// What a real HAProxy shows as UP, and where its requests go. Two nodes, so that each of them is all that is left.
describeOnLab(
  'a balancer whose servers are UP without being capacity',
  (lab) => {
    let cwd: string;
    let health: string;
    const app = (version: string, env = {}) => lab().publish('shop/app', version, { APP_VERSION: version, ...env });
    const strategy = {
      canary: { hosts: 1, bake: '2s', bake_max: '4s', min_requests: 20 },
      max_unavailable: 1,
      min_available: 1,
      healthy_deadline: '8s',
      progress_deadline: '3s',
    };
    const playbook = (image: string, parts: Partial<PlaybookParts> = {}) =>
      writePlaybook(lab(), { health, app: image, ...parts, strategy: { ...strategy, ...parts.strategy } });
    const settings = () => ({ script: inject('rolloutScript'), cwd });
    const rollout = (file: string) => runRollout([file, '--output', 'json'], settings());
    const configure = (change: (config: string) => string) => configureBalancer(lab().settings, 1, change);
    const deployed = async (parts: Partial<PlaybookParts> = {}): Promise<void> => {
      const first = { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0 };
      const { exitCode, stderr } = await rollout(await playbook(await app('1'), { ...parts, strategy: first }));
      if (exitCode !== 0) throw new Error(stderr);
      await expect.poll(() => serversUp(lab()), soon).toEqual([...lab().hosts]);
    };

    beforeAll(async () => {
      cwd = await mkdtemp(join(tmpdir(), 'rollout-lab-balancer-'));
      health = await lab().publish('shop/health', '1');
    });
    beforeEach(async () => {
      await emptyLab(lab());
      await configure((config) => config);
      await deployed();
    });
    afterAll(() => rm(cwd, { recursive: true, force: true }));

    test('weight 0 before the run: nothing is touched, no request is lost', async () => {
      await lab().setWeight('h1', 0);
      const before = await snapshot(lab());
      const file = await playbook(await app('2'));
      const { result, report } = await underLoad(lab().frontendUrl, () => rollout(file));
      expect({ exitCode: result.exitCode, why: result.stderr.split('\n').slice(0, 2) }).toEqual({
        exitCode: 4,
        why: [
          'rollout: play "web tier": updating h2 would be downtime just now',
          '  0 other nodes get requests, at least 1 must (h1 is UP with weight 0) (min_available)',
        ],
      });
      expect(report).toMatchObject({ failed: 0, failures: [] });
      expect(await snapshot(lab())).toEqual(before);
    });

    test('weight 0 during the run: the other node stays, what was changed is put back, no request is lost', async () => {
      const file = await playbook(await app('2'));
      const { result, report } = await underLoad(lab().frontendUrl, async () => {
        const run = startRollout([file, '--output', 'json'], settings());
        await run.event(({ type }) => type === 'bake_started');
        await lab().setWeight('h1', 0);
        return run.finished;
      });
      expect(result.exitCode).toBe(5);
      expect(resultsOf(result.events)).toEqual({ h1: 'restored', h2: 'untouched' });
      expect(warningsOf(result.events)).toContainEqual(
        expect.stringMatching(
          /h2 cannot leave: 0 other nodes get requests, at least 1 must \(h1 is UP with weight 0\)/,
        ),
      );
      expect(report).toMatchObject({ failed: 0, failures: [] });
    });

    test('a sorry page is no capacity: with h2 as one, h1 cannot leave', async () => {
      await configure((config) => config.replace(/^( {2}server h2 .*)$/m, '$1 backup'));
      await expect.poll(() => serversUp(lab()), soon).toEqual(['h1', 'h2']);
      const file = await playbook(await app('2'), { play: { hosts: 'h1' } });
      const { result, report } = await underLoad(lab().frontendUrl, () => rollout(file));
      expect({ exitCode: result.exitCode, why: result.stderr.split('\n').slice(0, 2) }).toEqual({
        exitCode: 2,
        why: [
          'rollout: play "web tier": updating h1 would be downtime',
          '  0 other nodes get requests, at least 1 must (min_available)',
        ],
      });
      expect(report).toMatchObject({ failed: 0, failures: [] });
    });

    test('a backup node of the play takes over while the active one is updated: no request is lost', async () => {
      await configure((config) => config.replace(/^( {2}server h2 .*)$/m, '$1 backup'));
      await expect.poll(() => serversUp(lab()), soon).toEqual(['h1', 'h2']);
      const file = await playbook(await app('2'));
      const { result, report } = await underLoad(lab().frontendUrl, () => rollout(file));
      expect({ exitCode: result.exitCode, stderr: result.stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(resultsOf(result.events)).toEqual({ h1: 'updated', h2: 'updated' });
      expect(warningsOf(result.events)).toContain('h2 gets no requests: UP as a backup server at ' + page());
      expect(report).toMatchObject({ failed: 0, failures: [] });
    });

    test('a node in two backends leaves only when both have drained it: no request is lost through either', async () => {
      await withApiBackend();
      const apiUrl = `http://${balancerAddress(lab().settings.network, 1)}:${apiPort}`;
      const file = await playbook(await app('2'), {
        play: { load_balancer: { type: 'haproxy', stats: [lab().statsUrl], backend: ['web', 'api'] } },
      });
      const { result, report } = await underLoad(apiUrl, () => rollout(file));
      expect({ exitCode: result.exitCode, stderr: result.stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(report).toMatchObject({ failed: 0, failures: [] });
    });

    test('of a node in a backend that the play does not name, its sessions there are warned of', async () => {
      await withApiBackend();
      const apiUrl = `http://${balancerAddress(lab().settings.network, 1)}:${apiPort}`;
      const file = await playbook(await app('2'));
      const { result } = await underLoad(apiUrl, () => rollout(file));
      expect(warningsOf(result.events)).toContainEqual(
        expect.stringMatching(
          /^h1 has sessions that nobody waits for: \d+ in backend api; where that is the same service/,
        ),
      );
    });

    test.each([
      ['under load', true],
      ['with nobody there to notice it', false],
    ])(
      'a dead traffic port with option redispatch, %s: the canary goes back, no request is lost',
      async (_, isLoaded) => {
        const file = await playbook(await app('2'), {
          appKeys: { ports: ['9090:8080'], probe: { http: { port: 9090, path: '/ready' }, interval: '100ms' } },
        });
        const run = () => rollout(file);
        const { result, report } = isLoaded
          ? await underLoad(lab().frontendUrl, run)
          : { result: await run(), report: { failed: 0 } };
        expect(result.exitCode).toBe(5);
        expect(resultsOf(result.events)).toEqual({ h1: 'restored', h2: 'untouched' });
        expect(report.failed).toBe(0);
        expect(await serversUp(lab())).toEqual(['h1', 'h2']);
      },
    );

    test('a page with legends tells the port: where it is dead the canary goes back, whatever answered before', async () => {
      await configure((config) => config.replace('  stats uri /stats\n', '  stats uri /stats\n  stats show-legends\n'));
      const file = await playbook(await app('2'), {
        appKeys: {
          ports: ['9090:8080'],
          probe: { http: { port: 9090, path: '/ready' }, interval: '100ms' },
        },
      });
      const { exitCode, events } = await rollout(file);
      expect(exitCode).toBe(5);
      expect(events.find(({ type }) => type === 'node_failed')).toMatchObject({
        failure: {
          message: 'nothing answers at port 8080 of the host, where the balancer sends its requests (for 8.0 s)',
        },
      });
    });

    const page = (): string => lab().statsUrl.replace('http://', '');
    const withApiBackend = (): Promise<void> =>
      configure((config) => {
        const [, servers = ''] = /^backend web\n([\s\S]*?)\n\n/m.exec(config) ?? [];
        const address = balancerAddress(lab().settings.network, 1);
        return `${config}\nfrontend other\n  bind ${address}:${apiPort}\n  default_backend api\n\nbackend api\n${servers}\n`;
      });
  },
  { hosts: 2 },
);

function resultsOf(events: readonly Event[]): Readonly<Record<string, string>> {
  const last = events.at(-1);
  if (last?.type !== 'run_finished') return {};
  return Object.fromEntries(Object.entries(last.hosts).map(([host, { result }]) => [host, result]));
}

const warningsOf = (events: readonly Event[]): readonly string[] =>
  events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
