import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { writePlaybook } from '../../support/playbooks.ts';
import { runRollout, type FinishedRollout } from '../../support/rollout.ts';
import { underLoad } from '../../support/under-load.ts';
import { soakSameRelease, verdicts } from '../soak/verdict.ts';
import { describeOnLab, emptyLab } from '../support/lab-test.ts';

describeOnLab('the verdict on real traffic', (lab) => {
  let cwd: string;
  const options = () => ({ script: inject('rolloutScript'), cwd });
  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'rollout-verdict-'));
  });
  beforeEach(() => emptyLab(lab()));
  afterAll(() => rm(cwd, { recursive: true, force: true }));

  const release = async (
    tag: string,
    variables: Readonly<Record<string, string>>,
    strategy: Readonly<Record<string, unknown>>,
  ): Promise<string> =>
    writePlaybook(lab(), {
      health: await lab().publish('shop/health', '1'),
      app: await lab().publish('shop/app', tag, { APP_VERSION: tag, ...variables }),
      strategy,
    });

  const everyone = { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0, min_healthy_time: '0s' };
  const rollOut = (playbook: string): Promise<FinishedRollout> => runRollout([playbook, '--output', 'json'], options());
  const resultsOf = ({ events }: FinishedRollout): unknown => {
    const end = events.at(-1);
    if (end?.type !== 'run_finished') return 'no end';
    return Object.fromEntries(Object.entries(end.hosts).map(([host, { result }]) => [host, result]));
  };

  test('a version that fails 3 % is caught over a fleet that itself fails 0.5 %: only the canary goes back', async () => {
    expect(await rollOut(await release('old', { APP_ERROR_PERCENT: '0.5' }, everyone))).toMatchObject({ exitCode: 0 });
    const playbook = await release('three', { APP_ERROR_PERCENT: '3' }, { canary: { bake: '30s' } });
    const { result } = await underLoad(lab().frontendUrl, () => rollOut(playbook), { thinkMs: 10 });
    expect(result.exitCode).toBe(5);
    expect(verdicts(result.events)).toEqual([
      expect.stringMatching(
        /^canary failed: \d+ of \d+ failed \([\d.]+ %\), peers 0\.\d+ %; at most 0\.2 % more is allowed/,
      ),
    ]);
    expect(resultsOf(result)).toEqual({
      h1: 'restored',
      ...Object.fromEntries(['h2', 'h3', 'h4', 'h5', 'h6'].map((host) => [host, 'untouched'])),
    });
  });

  test('a version that turns bad after 20 s is caught in fan-out or soak: every node that was updated goes back', async () => {
    expect(await rollOut(await release('good', {}, everyone))).toMatchObject({ exitCode: 0 });
    const playbook = await release(
      'late',
      { APP_ERROR_PERCENT: '20', APP_ERROR_AFTER_MS: '20000' },
      { canary: { bake: '3s' }, max_unavailable: 2, min_available: 3, soak: '3m' },
    );
    const { result } = await underLoad(lab().frontendUrl, () => rollOut(playbook), { thinkMs: 10 });
    expect(result.exitCode).toBe(5);
    expect(verdicts(result.events).slice(0, 1)).toEqual([expect.stringMatching(/^canary passed: /)]);
    expect(verdicts(result.events).at(-1)).toMatch(/^(fan-out|soak) failed: \d+ of \d+ failed/);
    expect(JSON.stringify(resultsOf(result))).not.toMatch(/updated|failed/);
    expect(resultsOf(result)).toMatchObject({ h1: 'restored', h2: 'restored' });
  });

  test('the same release comes through over a fleet that fails 1 % (short form of the series)', async () => {
    const lines: string[] = [];
    const isThrough = await soakSameRelease(lab(), { ...options(), runs: 2, say: (line) => lines.push(line) });
    expect({ isThrough, lines }).toMatchObject({ isThrough: true });
  });
});
