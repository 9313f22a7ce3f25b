import type { Event } from '../../../src/events/event.ts';
import type { Fleet } from '../../support/fleet.ts';
import { writePlaybook } from '../../support/playbooks.ts';
import { runRollout } from '../../support/rollout.ts';
import { underLoad } from '../../support/under-load.ts';

export interface SameReleaseOptions {
  readonly script: string;
  readonly cwd: string;
  readonly runs: number;
  readonly say: (line: string) => void;
}

const strategy = { canary: { bake: '10s', bake_max: '1m' }, max_unavailable: 2, min_available: 3, soak: '5s' };

/**
 * The same release again and again, over a fleet that fails 1 % of its requests, under load: each run replaces every
 * container, and none has a reason to send it back. @returns whether all came through
 */
export async function soakSameRelease(fleet: Fleet, { script, cwd, runs, say }: SameReleaseOptions): Promise<boolean> {
  const images = {
    health: await fleet.publish('shop/health', '1'),
    app: await fleet.publish('shop/app', 'one-percent', { APP_VERSION: '1', APP_ERROR_PERCENT: '1' }),
  };
  const round = (name: string): Promise<string> =>
    // A variable that the program does not read: another container of the same release.
    writePlaybook(fleet, { ...images, appKeys: { environment: { ROUND: name } }, strategy });
  const everyone = { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0, min_healthy_time: '0s' };
  const first = await runRollout([await writePlaybook(fleet, { ...images, strategy: everyone })], { script, cwd });
  if (first.exitCode !== 0) throw new Error(`the first deployment ended with ${first.exitCode ?? ''}\n${first.stderr}`);

  const { result: through } = await underLoad(fleet.frontendUrl, async () => {
    let count = 0;
    for (let run = 1; run <= runs; run += 1) {
      const playbook = await round(String(run));
      const { exitCode, events } = await runRollout([playbook, '--output', 'json'], { script, cwd });
      if (exitCode === 0) count += 1;
      say(`run ${run}: exit ${exitCode ?? 'none'}; ${verdicts(events).join(' | ')}`);
    }
    return count;
  });
  say(`${through} of ${runs} runs of the same release came through, over a fleet that fails 1 % of its requests`);
  return through === runs;
}

/** What was said of the nodes, in order. */
export function verdicts(events: readonly Event[]): readonly string[] {
  return events.flatMap((event) => {
    if (event.type === 'bake_finished') return [`${event.wave ?? 'canary'} ${event.verdict}: ${event.reason}`];
    return event.type === 'fan_out_judged' ? [`fan-out ${event.verdict}: ${event.reason}`] : [];
  });
}
