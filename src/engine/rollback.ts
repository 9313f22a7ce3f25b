import { exitCodes } from '../events/exit-code.ts';
import { assemblePlan } from '../plan/assemble.ts';
import type { Plan } from '../plan/plan.ts';
import { lastRun, undoRun, type NodeRollback } from '../plan/rollback.ts';
import { wavesOf } from '../plan/waves.ts';
import { RunRefused, type RunContext } from './context.ts';
import type { Node, Tier } from './node.ts';
import { restoreAll } from './settle.ts';
import { askedStop, type Stop } from './stop.ts';

/** A run that is to be undone. */
export interface Undo {
  readonly run: string;
  /** An interrupted rollback goes on: it may have been done. */
  readonly mayBeDone: boolean;
}

/** What a rollback is about to do. */
export interface Rollback {
  /** The run that is undone; undefined where no container tells of any. */
  readonly run: string | undefined;
  readonly plan: Plan;
  readonly ways: ReadonlyMap<Node, NodeRollback>;
}

/**
 * How one run is undone, the last one unless another is named: only what it has replaced goes back, on the hosts where
 * it has. @throws RunRefused where it cannot be undone as a whole
 */
export function planRollback(tiers: readonly Tier[], wanted: Undo | undefined): Rollback {
  const nodes = tiers.flatMap((tier) => tier.nodes);
  const run = wanted?.run ?? lastRun(nodes);
  const ways = new Map(run === undefined ? [] : nodes.map((node) => [node, undoRun(run, node)]));
  const lost = [...ways].filter(([, way]) => way.lost.length > 0);
  if (run !== undefined && lost.length > 0) {
    throw new RunRefused(exitCodes.usage, `run ${run} cannot be undone; nothing was touched`, [
      ...lost.map(
        ([{ name }, way]) => `${name}: what ran before as ${way.lost.join(', ')} is gone, a later run replaced it`,
      ),
      'go back to a composition with --to, or with --limit on the hosts where it can be undone',
    ]);
  }
  if (wanted?.mayBeDone === false && [...ways.values()].every(({ before }) => before === undefined))
    throw new RunRefused(exitCodes.usage, `no host has anything that run ${wanted.run} replaced; nothing was touched`, [
      `the last run that changed these hosts is ${lastRun(nodes) ?? 'unknown'}; 'rollout history' lists runs`,
    ]);
  return {
    run,
    ways,
    plan: assemblePlan(
      tiers.map((tier) => withWays(tier, ways)),
      wavesOfRollback,
    ),
  };
}

/** A play's nodes back to what the run has replaced on them. The others are left as they are. */
export async function rollBackTier(tier: Tier, rollback: Rollback, context: RunContext): Promise<Stop | undefined> {
  const going: Node[] = [];
  for (const node of tier.nodes) {
    node.before = rollback.ways.get(node)?.before;
    if (node.before === undefined) node.result = 'unchanged';
    else going.push(node);
  }
  const stop = (): boolean => context.interrupt.isRequested;
  const reason = (node: Node): string => rollback.ways.get(node)?.cause ?? 'rollback';
  const blocked = await restoreAll(going, tier, { reason, stop }, context);
  // Here it is the aim of the run, not the way back from one.
  for (const node of going) if (node.result === 'restored') node.result = 'updated';
  const failed = going.filter(({ result }) => result === 'failed');
  if (stop()) return askedStop(context.interrupt);
  if (blocked === undefined && failed.length === 0) return undefined;
  const words = blocked ?? `${failed.map(({ name }) => name).join(', ')} could not be rolled back`;
  return { kind: 'failures', isRestored: false, reason: words };
}

export function hasParked({ services, order, observed: { containers } }: Node): boolean {
  return services.some((service) => order.kept(service, containers) !== undefined);
}

function withWays(tier: Tier, ways: Rollback['ways']) {
  const nodes = tier.nodes.map((node) => ({
    name: node.name,
    zone: node.zone,
    services: node.services,
    plan: ways.get(node)?.plan ?? { ...node.plan, changes: [], heal: [], before: [], during: [], after: [] },
    isGoing: ways.get(node)?.before !== undefined,
  }));
  return { play: tier.play, unreachable: tier.unreachable, nodes };
}

function wavesOfRollback({ play, nodes }: ReturnType<typeof withWays>) {
  const parts = nodes.map(({ name, zone, isGoing }) => ({
    name,
    ...(zone === undefined ? {} : { zone }),
    isChanging: isGoing,
    isFinished: false,
  }));
  return wavesOf(play.strategy, parts, 'direct');
}
