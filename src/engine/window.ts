import type { BalancerView } from '../balancer/view.ts';
import { formatDuration } from '../model/duration.ts';
import { schedule } from '../plan/schedule.ts';
import type { RunContext } from './context.ts';
import type { Node, Tier } from './node.ts';
import { WaitNotice } from './wait.ts';

export interface WindowOptions {
  readonly maxUnavailable: number;
  readonly minAvailable: number;
  /** Nodes that a failure has left out of rotation, from earlier windows of the same tier. */
  readonly leftOut: ReadonlySet<string>;
  /** Asked before each start: a reason not to start any further node. */
  readonly stop: () => boolean;
}

/**
 * Works through nodes as a sliding window: one starts as soon as another is back, if the balancers, read again right
 * then, still show enough nodes UP. Resolves when those that were started have ended.
 * @returns why pending nodes were not started at the progress deadline; undefined otherwise.
 */
export async function rollWindow(
  nodes: readonly Node[],
  tier: Tier,
  options: WindowOptions,
  work: (node: Node) => Promise<void>,
  context: RunContext,
): Promise<string | undefined> {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const serverOf = (host: string): string => byName.get(host)?.server ?? host;
  const pending = nodes.map(({ name }) => name);
  const active = new Map<string, Promise<void>>();
  const leftOut = new Set(options.leftOut);
  let notice = progressNotice(tier, context);
  let broken: { readonly error: unknown } | undefined;

  const start = (node: Node): void => {
    const ended = work(node)
      .catch((error: unknown) => {
        broken ??= { error };
      })
      .finally(() => {
        active.delete(node.name);
        if (node.result === 'failed') leftOut.add(node.name);
        notice = progressNotice(tier, context);
      });
    active.set(node.name, ended);
  };

  for (;;) {
    if (broken !== undefined || options.stop()) pending.length = 0;
    if (pending.length === 0) {
      if (active.size === 0) break;
      await Promise.race(active.values());
      continue;
    }
    const isFull = active.size + leftOut.size >= options.maxUnavailable;
    if (isFull && active.size > 0) {
      await Promise.race(active.values());
      continue;
    }
    const view: BalancerView | undefined = await tier.watch?.fresh();
    // A request to stop may have come while the balancer was read.
    if (options.stop()) continue;
    const decision = schedule({ pending, out: new Set([...active.keys(), ...leftOut]), serverOf, ...options }, view);
    for (const host of decision.start) {
      const node = byName.get(pending.shift() ?? host);
      if (node !== undefined) start(node);
    }
    if (decision.start.length > 0) continue;
    const reason = decision.blocked ?? 'no place';
    notice.say(`the next node: ${reason}`);
    if (notice.isOver && active.size === 0)
      return `no node could start for ${formatDuration(notice.elapsedMs)}: ${reason}`;
    await Promise.race([nextChance(tier, context), ...active.values()]);
  }
  if (broken !== undefined) throw broken.error;
  return undefined;
}

function progressNotice(tier: Tier, context: RunContext): WaitNotice {
  return new WaitNotice(context, undefined, tier.play.strategy.progressDeadlineMs);
}

const chanceIntervalMs = 200;

async function nextChance({ watch }: Tier, context: RunContext): Promise<void> {
  if (watch === undefined) return context.clock.sleep(chanceIntervalMs);
  await watch.next();
}
