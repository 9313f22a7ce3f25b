import type { BalancerView } from '../balancer/view.ts';
import type { Emit } from '../events/event.ts';
import { formatDuration } from '../model/duration.ts';
import { schedule } from '../plan/schedule.ts';
import type { RunContext } from './context.ts';
import type { Node, Tier } from './node.ts';
import { readAhead } from './refresh.ts';

export interface WindowOptions {
  readonly maxUnavailable: number;
  readonly minAvailable: number;
  /** Nodes that a failure has left out of rotation, from earlier windows of the same tier. */
  readonly leftOut: ReadonlySet<string>;
  /** A node that fails here keeps no place. */
  readonly toleratesFailures?: boolean;
  /** Asked before each start: a reason not to start any further node. */
  readonly stop: () => boolean;
  /** Nodes whose turn comes as soon as these have ended. */
  readonly following?: readonly Node[];
}

/** What is done with a node; the window listens to what it says. */
type Work = (node: Node, emit: Emit) => Promise<void>;

/**
 * Works through nodes as a sliding window: one starts as soon as another is back, if the balancers, read again right
 * then, still show enough nodes UP. Resolves when those that were started have ended.
 * @returns why pending nodes were not started at the progress deadline; undefined otherwise.
 */
export async function rollWindow(
  nodes: readonly Node[],
  tier: Tier,
  options: WindowOptions,
  work: Work,
  context: RunContext,
): Promise<string | undefined> {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const serverOf = (host: string): string => byName.get(host)?.server ?? host;
  const pending = nodes.map(({ name }) => name);
  /** Under way, or left out by a failure. */
  const out = new Set(options.leftOut);
  let active = 0;
  const turn = new Turn();
  // While nodes are under way they speak for themselves.
  using progress = context.heartbeat.wait(undefined, { limitMs: tier.play.strategy.progressDeadlineMs });
  let broken: { readonly error: unknown } | undefined;

  const breakOff = (error: unknown): void => {
    broken ??= { error };
  };

  // While nodes wait for their balancer, those that take their places are read.
  let returning = 0;
  const readNext = (): void => {
    returning += 1;
    const next = pending.slice(returning - 1, returning).flatMap((name) => byName.get(name) ?? []);
    for (const node of pending.length > 0 ? next : (options.following ?? []).slice(0, options.maxUnavailable)) {
      readAhead(node).catch(breakOff);
    }
  };
  const emit: Emit = (event) => {
    context.emit(event);
    if (event.type === 'op_started' && event.op.kind === 'admit') readNext();
  };

  const start = (node: Node): void => {
    active += 1;
    out.add(node.name);
    void work(node, emit)
      .catch(breakOff)
      .finally(() => {
        active -= 1;
        returning = Math.max(0, returning - 1);
        if (node.result !== 'failed' || options.toleratesFailures === true) out.delete(node.name);
        progress.restart();
        turn.end();
      });
  };

  for (;;) {
    if (broken !== undefined || options.stop()) pending.length = 0;
    if (pending.length === 0) {
      if (active === 0) break;
      await turn.ended();
      continue;
    }
    const isFull = out.size >= options.maxUnavailable;
    if (isFull && active > 0) {
      await turn.ended();
      continue;
    }
    const view: BalancerView | undefined = await tier.watch?.fresh();
    // A request to stop may have come while the balancer was read.
    if (options.stop()) continue;
    const decision = schedule({ pending, out, serverOf, servers: tier.servers, ...options }, view);
    if (decision.start.length > 0) progress.hush();
    pending.splice(0, decision.start.length);
    for (const host of decision.start) {
      const node = byName.get(host);
      if (node !== undefined) start(node);
    }
    if (decision.start.length > 0) continue;
    const reason = decision.blocked ?? 'no place';
    progress.say(`the next node: ${reason}`);
    if (progress.isOver && active === 0)
      return `no node could start for ${formatDuration(progress.elapsedMs)}: ${reason}`;
    await Promise.race([nextChance(tier, context), turn.ended()]);
  }
  if (broken !== undefined) throw broken.error;
  return undefined;
}

/** Lets the window wait for any of its nodes: a race of them all would cost every node at every turn. */
class Turn {
  #end: () => void = () => undefined;
  #ended: Promise<void> | undefined;

  /** Resolves when the next node ends. */
  ended(): Promise<void> {
    return (this.#ended ??= new Promise((resolve) => (this.#end = resolve)));
  }

  end(): void {
    this.#end();
    this.#ended = undefined;
  }
}

const chanceIntervalMs = 200;

async function nextChance({ watch }: Tier, context: RunContext): Promise<void> {
  if (watch === undefined) return context.clock.sleep(chanceIntervalMs);
  await watch.next();
}
