import { maxUnavailable, minAvailable } from '../plan/limits.ts';
import { byZone } from '../plan/waves.ts';
import type { RunContext } from './context.ts';
import type { Node, Tier } from './node.ts';
import { restoreNode } from './restore.ts';
import type { Failures, Stop } from './stop.ts';
import { rollWindow } from './window.ts';

/** What is done with the nodes that a stopped run has changed. */
export async function settle(stop: Stop, tier: Tier, context: RunContext): Promise<Stop> {
  if (stop.kind !== 'failures') return stop;
  const { strategy } = tier.play;
  const { onFailure } = strategy;
  // A failed canary that is back already leaves nothing to put back, and nothing to say.
  if (onFailure !== 'rollback' || nodesToPutBack(tier).length > 0) {
    const consequence =
      onFailure === 'continue' && strategy.zones !== undefined ? staysInZone : consequences[onFailure];
    context.emit({ type: 'warning', message: `${stop.reason}: ${consequence}` });
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
  continue: 'what is updated stays as it is (on_failure: continue)',
  rollback: 'every node that this run has changed is put back',
} as const;
const staysInZone = 'a failure stays in its zone, so the zones after it are left alone';

/** With `continue`, where nothing more of the play is to come. */
export function sayItStays({ reason }: Failures, context: RunContext): void {
  context.emit({ type: 'warning', message: `${reason}: ${consequences.continue}` });
}

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
  const nodes = nodesToPutBack(tier);
  const stranded = nodes.filter(({ isStranded }) => isStranded);
  // An interrupt does not end it half way: it is itself the way to a safe point.
  const options = { reason, stop: () => false };
  await restoreAll(
    nodes.filter((node) => !stranded.includes(node)),
    tier,
    options,
    context,
  );
  await restoreAll(stranded, tier, options, context);
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

/** Puts nodes back as a sliding window, zone by zone, within the play's limits. @returns why some could not start, if so. */
export async function restoreAll(
  nodes: readonly Node[],
  tier: Tier,
  { reason, stop }: { readonly reason: string | ((node: Node) => string); readonly stop: () => boolean },
  context: RunContext,
): Promise<string | undefined> {
  const { play } = tier;
  const sizes = byZone(tier.nodes);
  let blocked: string | undefined;
  for (const [zone, members] of byZone(nodes)) {
    blocked ??= await rollWindow(
      members,
      tier,
      {
        maxUnavailable: maxUnavailable(play.strategy, sizes.get(zone)?.length ?? tier.nodes.length),
        minAvailable: minAvailable(play.strategy, play.hostCount),
        // One that cannot be put back must not keep the others from it: how many are UP is asked of the balancers.
        leftOut: new Set(),
        toleratesFailures: true,
        stop,
      },
      async (node) => {
        const cause = typeof reason === 'string' ? reason : reason(node);
        if (!node.isStranded)
          context.emit({
            type: 'node_started',
            host: node.name,
            play: play.name,
            role: 'rollback',
            cause,
            ops: 0,
          });
        await restoreNode(node, cause, context);
      },
      context,
    );
  }
  return blocked;
}
