import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { writePlaybook } from '../../support/playbooks.ts';
import { runRollout, type FinishedRollout } from '../../support/rollout.ts';
import { underLoad } from '../../support/under-load.ts';
import { serversUp, soon } from '../support/by-hand.ts';
import { configureBalancer } from '../support/haproxy.ts';
import { describeOnLab } from '../support/lab-test.ts';

const password = 'p@ss/1%:geheim';

// A page as an operator guards it: a login, a realm, no version, and no more than one backend.
describeOnLab(
  'a statistics page with stats auth, realm, scope and hide-version',
  (lab) => {
    let cwd: string;
    let health: string;
    const playbook = async (version: string, balancer: object, over: object = {}): Promise<string> => {
      const strategy = { canary: { hosts: 1, bake: '0s', min_requests: 0 }, max_unavailable: 1, min_available: 1 };
      return writePlaybook(lab(), {
        health,
        app: await lab().publish('shop/app', version, { APP_VERSION: version }),
        strategy: { ...strategy, min_healthy_time: '0s', ...over },
        play: { load_balancer: { type: 'haproxy', backend: 'web', ...balancer } },
      });
    };
    const rollout = (...args: readonly string[]): Promise<FinishedRollout> =>
      runRollout(args, { script: inject('rolloutScript'), cwd, env: { STATS_PASSWORD: password } });
    const inUrl = (secret: string): string => lab().statsUrl.replace('//', `//ops:${encodeURIComponent(secret)}@`);

    beforeAll(async () => {
      cwd = await mkdtemp(join(tmpdir(), 'rollout-stats-page-'));
      health = await lab().publish('shop/health', '1');
      const guarded = [
        '  stats uri /stats',
        `  stats auth ops:${password}`,
        '  stats auth other:x',
        '  stats realm "Keep out; it\'s mine"',
        '  stats hide-version',
        '  stats scope web',
      ].join('\n');
      await configureBalancer(lab().settings, 1, (config) => config.replace('  stats uri /stats', guarded));
      const everyone = { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0 };
      const first = await rollout(await playbook('1', { stats: inUrl(password) }, everyone));
      if (first.exitCode !== 0) throw new Error(first.stderr);
      await vi.waitFor(async () => expect(await serversUp(lab())).toEqual(lab().hosts), soon);
    });
    afterAll(() => rm(cwd, { recursive: true, force: true }));

    test('is read with a password in its address or under a key, which stands in no output, journal or report', async () => {
      const byKey = { stats: lab().statsUrl, username: 'ops', password };
      const outputs: string[] = [];
      for (const [version, balancer, output] of [
        ['2', { stats: inUrl(password) }, 'json'],
        ['3', byKey, 'plain'],
      ] as const) {
        const file = await playbook(version, balancer);
        const args = [file, '-vvv', '--output', output, '--report', `${version}.html`];
        const { result, report } = await underLoad(lab().frontendUrl, () => rollout(...args));
        expect({ exitCode: result.exitCode, stderr: result.stderr }).toEqual({ exitCode: 0, stderr: '' });
        expect(report).toMatchObject({ failed: 0, failures: [] });
        outputs.push(result.stdout, await readFile(join(cwd, `${version}.html`), 'utf8'));
      }
      for (const command of ['status', 'doctor']) {
        const { stdout, stderr } = await rollout(command, await playbook('3', byKey));
        outputs.push(stdout, stderr);
      }
      const runs = join(cwd, '.rollout/runs');
      for (const journal of (await readdir(runs)).filter((name) => name.endsWith('.jsonl')))
        outputs.push(await readFile(join(runs, journal), 'utf8'));
      const forms = [password, encodeURIComponent(password), Buffer.from(`ops:${password}`).toString('base64')];
      expect(forms.filter((form) => outputs.some((text) => text.includes(form)))).toEqual([]);
    });

    test('and a wrong one, none, or a backend out of scope, end the plan before a node is touched, without the password', async () => {
      for (const [balancer, message] of [
        [{ stats: inUrl('geheim99') }, 'answered 401 Unauthorized; the page does not let ops in with this password'],
        [{ stats: lab().statsUrl }, 'the page asks for a user and a password'],
        [{ stats: inUrl(password), backend: 'stats' }, 'no backend stats; there are web (where stats scope is set'],
      ] as const) {
        const { exitCode, stdout, stderr } = await rollout(await playbook('4', balancer), '--output', 'plain');
        expect({ isRefused: exitCode === 2 || exitCode === 4, stderr }).toEqual({
          isRefused: true,
          stderr: expect.stringContaining(message) as string,
        });
        expect(stdout + stderr).not.toMatch(/geheim/);
      }
      expect(await lab().docker('h1', ['inspect', '--format', '{{.Config.Image}}', 'app'])).toContain('shop/app');
      expect(await serversUp(lab())).toEqual(lab().hosts);
    });
  },
  { hosts: 2 },
);
