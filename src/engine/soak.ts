import { consequenceOf } from '../plan/holding.ts';
import type { Wave } from '../plan/waves.ts';
import type { Verdict } from '../plan/canary.ts';
import { bake, type Holding } from './bake.ts';
import type { RunContext } from './context.ts';
import type { Holds } from './hold.ts';
import type { Node, Tier } from './node.ts';
import { hasParked } from './rollback.ts';
import { askedStop, type Failures, type Stop } from './stop.ts';
import type { TierTraffic } from './traffic.ts';
import { someOf } from '../model/alike.ts';

/** How long a wave holds, and what for. */
export function holdingOf({ name, role, bakeMs }: Wave, { play }: Tier): Omit<Holding, 'nodes' | 'hold' | 'traffic'> {
  const { bakeMaxMs } = play.strategy.canary;
  return { name, phase: role === 'canary' ? 'canary' : 'fanOut', bakeMs, bakeMaxMs: Math.max(bakeMs, bakeMaxMs) };
}

/** The updated nodes fail while others are updated: no one node is to blame, and all of them go back. */
export function failedOnTraffic(verdict: Verdict, tier: Tier, traffic: TierTraffic, context: RunContext): Failures {
  const { updated } = traffic;
  const hosts = updated.map(({ name }) => name);
  traffic.failed = verdict;
  context.emit({ type: 'fan_out_judged', play: tier.play.name, hosts, ...verdict });
  if (tier.play.strategy.onFailure === 'rollback') goBackTo(updated);
  return {
    kind: 'failures',
    isRestored: false,
    reason: `what was updated (${someOf(hosts)}) fails: ${verdict.reason}`,
  };
}

/** What the updated nodes did next to those that were still to come. */
export function concludeFanOut(tier: Tier, traffic: TierTraffic, context: RunContext): void {
  const verdict = traffic.failed === undefined ? traffic.conclusion('fanOut') : undefined;
  if (verdict === undefined) return;
  const hosts = traffic.updated.map(({ name }) => name);
  context.emit({ type: 'fan_out_judged', play: tier.play.name, hosts, ...verdict });
}

/** What the soak is called where waves have their names. */
export const soakName = 'soak';

/** All updated nodes once more after the last one, against what the fleet did before the run. */
export async function soak(
  tier: Tier,
  traffic: TierTraffic,
  holds: Holds,
  context: RunContext,
): Promise<Stop | undefined> {
  const { updated } = traffic;
  const { soakMs, canary, onFailure } = tier.play.strategy;
  if (soakMs === 0 || updated.length === 0) return undefined;
  const finding = await holds.during(`the soak of ${someOf(updated.map(({ name }) => name))}`, (hold) => {
    const times = { bakeMs: soakMs, bakeMaxMs: soakMs };
    return bake({ name: soakName, phase: 'soak', ...times, nodes: updated, hold, traffic }, tier, context);
  });
  if (finding.verdict === 'interrupted') return askedStop(context.interrupt);
  const { verdict, reason } = finding;
  const consequence = consequenceOf(verdict, canary, { isJudged: true, isManual: false });
  if (consequence === 'pause') return { kind: 'pause', reason: `the soak cannot be judged: ${reason}` };
  if (consequence !== 'fail') return undefined;
  if (onFailure === 'rollback') goBackTo(updated);
  return { kind: 'failures', isRestored: false, reason: `the soak failed: ${reason}` };
}

/** What the run that is resumed had updated goes back as well. */
export function goBackTo(nodes: readonly Node[]): void {
  for (const node of nodes.filter(hasParked))
    node.before ??= node.order.before(node.services, node.observed.containers);
}
