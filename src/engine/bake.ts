import type { EventBody } from '../events/event.ts';
import { DockerError } from '../docker/errors.ts';
import { formatDuration } from '../model/duration.ts';
import { LockedError } from '../ssh/lock.ts';
import { RemoteError } from '../ssh/remote.ts';
import { lostRotation } from '../plan/canary.ts';
import { afterLook, canLearnMore, lookAt, type Holds } from '../plan/holding.ts';
import { CheckRun } from './check-run.ts';
import type { RunContext } from './context.ts';
import type { Hold } from './hold.ts';
import { examineIntervalMs, Examination } from './examine.ts';
import type { Node, Tier } from './node.ts';
import type { Phase, TierTraffic } from './traffic.ts';
import type { Wait } from './heartbeat.ts';

/** Nodes that hold on real traffic before the run goes on. */
export interface Holding extends Holds {
  /** As the plan names it: `canary`, `stage 10%`, `zone eu`, `soak`. */
  readonly name: string;
  readonly phase: Phase;
  readonly nodes: readonly Node[];
  /** Where an operator may let it go on. */
  readonly hold: Hold;
  readonly traffic: TierTraffic;
}

export type Finding = Omit<Extract<EventBody, { type: 'bake_finished' }>, 'type' | 'play' | 'wave' | 'hosts'>;

/** Holds nodes on real traffic for the bake, and judges them against the rest of the fleet. Ends early at a failure. */
export async function bake(
  holding: Holding,
  tier: Tier,
  context: RunContext,
): Promise<Finding | { readonly verdict: 'interrupted' }> {
  const { play } = tier;
  const { name: wave, bakeMs, nodes } = holding;
  const hosts = nodes.map(({ name }) => name);
  context.emit({ type: 'bake_started', play: play.name, wave, hosts, bakeMs });
  const checks = new CheckRun(holding.phase === 'soak' ? 'soak' : 'bake', tier, context);
  checks.watch(nodes);
  try {
    const seen = await holdOrLose(holding, tier, checks, context);
    const finding = await checks.conclude(seen, { hasBalancer: tier.watch !== undefined });
    context.emit({ type: 'bake_finished', play: play.name, wave, hosts, ...finding });
    return finding;
  } catch (error) {
    if (context.interrupt.isRequested) return { verdict: 'interrupted' };
    throw error;
  } finally {
    checks.end();
  }
}

/** A canary that nobody can look at any more has not held. */
async function holdOrLose(holding: Holding, tier: Tier, checks: CheckRun, context: RunContext): Promise<Finding> {
  try {
    return await hold(holding, tier, checks, context);
  } catch (error) {
    const isHostTrouble = error instanceof RemoteError || error instanceof DockerError || error instanceof LockedError;
    if (!isHostTrouble || context.interrupt.isRequested) throw error;
    return { verdict: 'failed', reason: `${error.host} cannot be looked at: ${error.message}` };
  }
}

const baking = ({ phase, name }: Holding): string => {
  if (phase === 'soak') return 'the soak to end';
  return `${phase === 'canary' ? 'the canary' : name} to bake`;
};

async function hold(holding: Holding, tier: Tier, checks: CheckRun, context: RunContext): Promise<Finding> {
  const { watch, play } = tier;
  const { phase, bakeMs, bakeMaxMs, nodes, hold, traffic } = holding;
  const servers = nodes.map(({ server }) => server);
  using notice = context.heartbeat.wait(undefined, { message: baking(holding), limitMs: bakeMs });
  using examination = new Examination(nodes, context);
  await examination.begin();
  notice.restart();
  let isProlonged = false;
  for (;;) {
    const view = await watch?.next(context.interrupt.soon);
    if (checks.failure !== undefined) return { verdict: 'failed', reason: checks.failure };
    const trouble = await examination.look();
    if (trouble !== undefined) return { verdict: 'failed', reason: trouble };
    if (view === undefined) {
      if (hold.promotedBy !== undefined) return promoted(hold, notice, uncounted);
      if (notice.isOver)
        return { verdict: 'inconclusive', reason: `it held for ${formatDuration(bakeMs)}; ${uncounted}` };
      await context.clock.sleep(Math.min(examineIntervalMs, notice.remainingMs + 1), context.interrupt.soon);
      continue;
    }
    const lost = lostRotation(view, servers);
    if (lost !== undefined) return { verdict: 'failed', reason: `the balancer took ${lost} out of rotation` };
    const { elapsedMs } = notice;
    const look = lookAt(elapsedMs, holding, isProlonged);
    const verdict = traffic.look(phase, phase === 'canary' ? nodes : traffic.updated, view, look);
    const canLearn = canLearnMore(view, servers, traffic.comparison(phase));
    const next = afterLook({ ...verdict, look, elapsedMs, canLearn }, holding);
    if (next === 'end') return verdict;
    if (hold.promotedBy !== undefined) return promoted(hold, notice, verdict.reason);
    if (next === 'prolong') {
      isProlonged = true;
      notice.prolong(bakeMaxMs);
      const { reason } = verdict;
      context.emit({ type: 'bake_prolonged', play: play.name, wave: holding.name, bakeMs: bakeMaxMs, reason });
    }
    notice.say(`${baking(holding)}: ${verdict.reason}`);
  }
}

const uncounted = 'there is no balancer to count its requests';

/** Before its time, and so without a verdict of its own. */
function promoted({ promotedBy = '' }: Hold, notice: Wait, seen: string): Finding {
  return { verdict: 'promoted', reason: `by ${promotedBy} after ${formatDuration(notice.elapsedMs)}; ${seen}` };
}
