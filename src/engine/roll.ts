import type { OpText } from '../events/event.ts';
import { amountOf } from '../model/strategy.ts';
import { canaryCount, maxUnavailable, minAvailable } from '../plan/limits.ts';
import { isUnchanged } from '../plan/reconcile.ts';
import { bake } from './bake.ts';
import type { RunContext } from './context.ts';
import { executeOps } from './execute.ts';
import { reportFailure } from './failure.ts';
import type { Node, Tier } from './node.ts';
import { OpError } from './op-error.ts';
import { refreshNode } from './refresh.ts';
import { restoreNode } from './restore.ts';
import { updateNode } from './update.ts';
import { rollWindow, type WindowOptions } from './window.ts';

/** Why a play did not go to its end. */
export type Stop = { readonly kind: 'interrupt' } | { readonly kind: 'pause'; readonly reason: string } | Failures;

interface Failures {
  readonly kind: 'failures';
  /** Whether every node that was to be put back serves again. */
  readonly isRestored: boolean;
  readonly reason: string;
}

/** Asks the operator whether the canary is good; undefined where nobody can be asked. */
export type Promote = ((question: string) => Promise<boolean>) | undefined;

export interface Promotion {
  readonly promote: Promote;
  /** Plays whose canary has been judged already, or that need none: a resumed run, a rollback. */
  readonly skipsCanary: (play: string) => boolean;
}

/** One play: what was left half way, the canary alone, its bake, then everyone else as a sliding window. */
export async function rollPlay(tier: Tier, promotion: Promotion, context: RunContext): Promise<Stop | undefined> {
  await healNodes(tier, context);
  const changing = tier.nodes.filter((node) => !isUnchanged(node.plan));
  const { canary } = tier.play.strategy;
  const canaries = promotion.skipsCanary(tier.play.name)
    ? []
    : changing.slice(0, canaryCount(tier.play.strategy, tier.nodes.length, changing.length));

  const others = changing.slice(canaries.length);
  const canaryStop = await updateAll(canaries, 'canary', tier, context, canary.bakeMs === 0 ? others : []);
  if (canaryStop !== undefined) return settle(canaryStop, tier, context);
  const baked = canaries.filter(({ result }) => result === 'updated');
  if (baked.length > 0 && canary.bakeMs > 0) {
    const stop = await judge(baked, tier, promotion, context);
    if (stop !== undefined) return settle(stop, tier, context);
    for (const node of others) node.forget();
  }

  const stop = await updateAll(others, 'fan_out', tier, context);
  return stop === undefined ? undefined : settle(stop, tier, context);
}

/** Nodes that an earlier run left out of rotation come back first, all at once: they take nothing away. */
async function healNodes(tier: Tier, context: RunContext): Promise<void> {
  const broken = tier.nodes.filter(({ plan }) => plan.heal.length > 0);
  await Promise.all(
    broken.map(async (node) => {
      try {
        await executeOps(node.plan.heal, node, context);
      } catch (error) {
        if (context.interrupt.now.aborted) throw error;
        // The update itself may be what mends it.
        const { message, step } = OpError.from({ kind: 'heal', text: 'heal', cause: '' }, error);
        context.emit({
          type: 'warning',
          host: node.name,
          message: `could not be put back first: ${step.text}: ${message}`,
        });
      }
      // A host that cannot be read now is read again when its turn comes.
      await refreshNode(node, context).catch((error: unknown) => {
        if (context.interrupt.now.aborted) throw error;
      });
    }),
  );
}

async function updateAll(
  nodes: readonly Node[],
  role: 'canary' | 'fan_out',
  tier: Tier,
  context: RunContext,
  following: readonly Node[] = [],
): Promise<Stop | undefined> {
  const goesOn = tier.play.strategy.onFailure === 'continue';
  const isOverBudget = (): boolean => !goesOn && failuresOf(tier, role) > failureBudget(tier, role);
  const blocked = await rollWindow(
    nodes,
    tier,
    { ...limitsOf(tier), following, stop: () => context.interrupt.isRequested || isOverBudget() },
    (node, emit) => updateNode(node, role, { ...context, emit }),
    context,
  );
  if (isOverBudget()) return { kind: 'failures', isRestored: false, reason: failureWords(tier) };
  if (context.interrupt.isRequested) return { kind: 'interrupt' };
  return blocked === undefined ? undefined : { kind: 'failures', isRestored: false, reason: blocked };
}

function limitsOf(tier: Tier): Pick<WindowOptions, 'maxUnavailable' | 'minAvailable' | 'leftOut'> {
  return {
    maxUnavailable: maxUnavailable(tier.play.strategy, tier.nodes.length),
    minAvailable: minAvailable(tier.play.strategy, tier.nodes.length),
    leftOut: new Set(tier.nodes.filter(({ result }) => result === 'failed').map(({ name }) => name)),
  };
}

function failuresOf({ failed, unreachable }: Tier, role: 'canary' | 'fan_out'): number {
  return role === 'canary' ? failed.size : failed.size + unreachable.length;
}

/** One bad canary is enough: what a budget for failures is meant to bear are hosts, not versions. */
function failureBudget({ play, nodes, unreachable }: Tier, role: 'canary' | 'fan_out'): number {
  return role === 'canary' ? 0 : amountOf(play.strategy.maxFailures, nodes.length + unreachable.length);
}

function failureWords({ nodes, failed: failedNodes }: Tier): string {
  const failed = nodes.filter((node) => failedNodes.has(node));
  return `${failed.map(({ name }) => name).join(', ')} failed`;
}

async function judge(
  canaries: readonly Node[],
  tier: Tier,
  { promote }: Promotion,
  context: RunContext,
): Promise<Stop | undefined> {
  const { canary } = tier.play.strategy;
  const names = canaries.map(({ name }) => name).join(', ');
  const finding = await bake(canaries, tier, context);
  switch (finding.verdict) {
    case 'interrupted':
      return { kind: 'interrupt' };
    case 'failed':
      await Promise.all(canaries.map((node) => reportFailure(node, new OpError(baking, finding.reason), context)));
      return { kind: 'failures', isRestored: false, reason: `the canary ${names} failed its bake: ${finding.reason}` };
    case 'passed':
    case 'inconclusive':
      if (canary.promote === 'auto') return undefined;
      if (
        finding.verdict === 'passed' &&
        (await promote?.(`Canary ${names}: ${finding.reason}. Go on with the others?`)) === true
      ) {
        return undefined;
      }
      // The answer may have been Ctrl-C.
      if (context.interrupt.isRequested) return { kind: 'interrupt' };
      return {
        kind: 'pause',
        reason: `the canary ${names} waits for promotion (${finding.verdict}: ${finding.reason})`,
      };
  }
}

const baking: OpText = { kind: 'bake', text: 'bake', cause: 'canary on real traffic' };

/** What is done with the nodes that a stopped run has changed. */
async function settle(stop: Stop, tier: Tier, context: RunContext): Promise<Stop> {
  if (stop.kind !== 'failures') return stop;
  const { onFailure } = tier.play.strategy;
  // A failed canary that is back already leaves nothing to put back, and nothing to say.
  if (onFailure !== 'rollback' || nodesToPutBack(tier).length > 0) {
    context.emit({ type: 'warning', message: `${stop.reason}: ${consequences[onFailure]}` });
  } else if (tier.failed.size === 0) {
    context.emit({ type: 'warning', message: `${stop.reason}; no node of play "${tier.play.name}" was changed` });
  }
  switch (onFailure) {
    case 'pause':
      return { kind: 'pause', reason: stop.reason };
    case 'continue':
      return stop;
    case 'rollback':
      return { ...stop, isRestored: await rollBackChanged(tier, stop.reason, context) };
  }
}

const consequences = {
  pause: 'the run pauses',
  continue: 'the run goes on all the same (on_failure: continue)',
  rollback: 'every node that this run has changed is put back',
} as const;

/** What the plays before a failed one changed goes back as well, the last play first: a release is whole or not at all. */
export async function rollBackEarlier(
  earlier: readonly Tier[],
  stop: Failures,
  context: RunContext,
): Promise<Failures> {
  let { isRestored } = stop;
  for (const tier of [...earlier].reverse()) {
    if (nodesToPutBack(tier).length === 0) continue;
    const message = `${stop.reason}: play "${tier.play.name}", which was done before, is put back as well`;
    context.emit({ type: 'warning', message });
    isRestored = (await rollBackChanged(tier, stop.reason, context)) && isRestored;
  }
  return { ...stop, isRestored };
}

/** Every node that this run changed, newest first, within the same limits. True when each of them serves again. */
async function rollBackChanged(tier: Tier, reason: string, context: RunContext): Promise<boolean> {
  // An interrupt does not end it half way: it is itself the way to a safe point.
  await restoreAll(nodesToPutBack(tier), tier, { reason, stop: () => false }, context);
  return tier.nodes.every(({ result }) => result !== 'failed' && result !== 'updated');
}

/**
 * What this run has changed, newest first. Last come those that could not be put back when they failed, as they may have
 * come to themselves by then; with no others before them they would only be tried twice in a row.
 */
function nodesToPutBack({ nodes }: Tier): readonly Node[] {
  const newestFirst = nodes.filter((node) => node.before !== undefined && node.result !== 'restored').reverse();
  const others = newestFirst.filter((node) => !node.isStranded);
  return others.length === 0 ? [] : [...others, ...newestFirst.filter((node) => node.isStranded)];
}

/** Puts nodes back as a sliding window, within the play's limits. @returns why some could not start, if so. */
export function restoreAll(
  nodes: readonly Node[],
  tier: Tier,
  { reason, stop }: { readonly reason: string; readonly stop: () => boolean },
  context: RunContext,
): Promise<string | undefined> {
  return rollWindow(
    nodes,
    tier,
    // One that cannot be put back must not keep the others from it: how many are UP is asked of the balancers.
    { ...limitsOf(tier), leftOut: new Set(), bearsFailures: true, stop },
    async (node) => {
      const { name } = tier.play;
      if (!node.isStranded)
        context.emit({ type: 'node_started', host: node.name, play: name, role: 'rollback', cause: reason, ops: 0 });
      await restoreNode(node, reason, context);
    },
    context,
  );
}
