import type { Event } from '../../../src/events/event.ts';
import type { Fleet } from '../../support/fleet.ts';
import type { LoadReport } from '../../../src/sandbox/load.ts';
import { underLoad } from '../../support/under-load.ts';
import { writePlaybook } from '../../support/playbooks.ts';
import { runRollout } from '../../support/rollout.ts';
import { startRecord, type BalancerRecord } from '../support/balancer-record.ts';

export interface RollingOptions {
  readonly script: string;
  readonly cwd: string;
  readonly runs: number;
  readonly say: (line: string) => void;
}

export interface RollingResult {
  readonly exitCode: number | null;
  readonly outcome: string;
  readonly load: LoadReport;
  readonly record: BalancerRecord;
  /** The canary was drained first, and no other node before its bake had ended. */
  readonly isCanaryFirst: boolean;
  readonly durationMs: number;
}

/** One rolling update of the whole fleet to an image, under load, with the balancer's own record beside it. */
export async function rollOnce(
  fleet: Fleet,
  playbook: string,
  { script, cwd }: Pick<RollingOptions, 'script' | 'cwd'>,
): Promise<RollingResult> {
  const record = await startRecord({ statsUrl: fleet.statsUrl });
  const startedMs = Date.now();
  const { result, report } = await underLoad(fleet.frontendUrl, () =>
    runRollout([playbook, '--output', 'json'], { script, cwd }),
  );
  const durationMs = Date.now() - startedMs;
  const ended = result.events.find((event) => event.type === 'run_finished');
  return {
    exitCode: result.exitCode,
    outcome: ended?.type === 'run_finished' ? ended.outcome : `no end: ${result.stderr}`,
    load: report,
    record: await record.stop(),
    isCanaryFirst: isCanaryFirst(result.events),
    durationMs,
  };
}

/** @returns whether every run was as it must be: 0 failed requests, canary first, never fewer UP than promised. */
export async function soakRolling(fleet: Fleet, options: RollingOptions): Promise<boolean> {
  const { runs, say } = options;
  const health = await fleet.publish('shop/health', '1');
  const minUp = 4;
  const strategy = { max_unavailable: 2, min_available: minUp };
  const first = await writePlaybook(fleet, {
    health,
    app: await fleet.publish('shop/app', '0', { APP_VERSION: '0' }),
    strategy,
  });
  const { exitCode } = await runRollout([first], options);
  if (exitCode !== 0) throw new Error(`the first deployment ended with ${exitCode}`);

  let failed = 0;
  let requests = 0;
  let wrong = 0;
  for (let run = 1; run <= runs; run += 1) {
    const app = await fleet.publish('shop/app', String(run), { APP_VERSION: String(run) });
    const result = await rollOnce(fleet, await writePlaybook(fleet, { health, app, strategy }), options);
    const { load, record, isCanaryFirst: canary, durationMs } = result;
    const minimumUp = record.minimumUp ?? 0;
    const isRight =
      result.exitCode === 0 && result.outcome === 'changed' && load.failed === 0 && canary && minimumUp >= minUp;
    failed += load.failed;
    requests += load.requests;
    wrong += isRight ? 0 : 1;
    say(
      `run ${run}: ${result.outcome}, exit ${result.exitCode ?? 'none'}, ${(durationMs / 1000).toFixed(1)} s, ` +
        `${load.requests} requests, ${load.failed} failed, canary ${canary ? 'first and alone' : 'NOT FIRST'}, ` +
        `fewest UP ${minimumUp} of ${fleet.hosts.length} (promised ${minUp}; ${record.samples} samples, longest gap ${record.longestGapMs} ms)`,
    );
    for (const failure of load.failures.slice(0, 5)) say(`  failed: ${JSON.stringify(failure)}`);
  }
  say(`${runs} runs, ${requests} requests, ${failed} failed, ${wrong} runs not as they must be`);
  return wrong === 0;
}

/** No second node is started before the canary's bake has ended. */
export function isCanaryFirst(events: readonly Event[]): boolean {
  const started = events.flatMap((event, index) => (event.type === 'node_started' ? [{ ...event, index }] : []));
  const baked = events.findIndex((event) => event.type === 'bake_finished');
  const [first, ...others] = started;
  return (
    first?.role === 'canary' && first.host === 'h1' && baked > first.index && others.every(({ index }) => index > baked)
  );
}
