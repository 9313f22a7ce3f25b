import type { Container } from '../docker/observed.ts';
import { startStep } from '../docker/steps.ts';
import { formatDuration } from '../model/duration.ts';
import { neighboursOf, settling, type Neighbour } from '../plan/neighbours.ts';
import type { Op } from '../plan/plan.ts';
import { readThroughAbsence } from './absence.ts';
import type { RunContext } from './context.ts';
import type { Node } from './node.ts';
import { OpError } from './op-error.ts';
import { returnLimitMs } from './refresh.ts';

/** What ran on each node when this run began to work on it. */
const noted = new WeakMap<
  Node,
  { readonly neighbours: readonly Neighbour[]; readonly containers: readonly Container[] }
>();

const lookIntervalMs = 500;

/** Looks what runs on a node beside the play's own containers, where that is waited for later. */
export async function noteNeighbours(node: Node, context: RunContext): Promise<void> {
  noted.delete(node);
  if (!node.plan.during.some(({ kind }) => kind === 'settle')) return;
  const { session, tier, services, order } = node;
  const read = () => session.docker.inspect(session.containerNames);
  const found = await readThroughAbsence(session, context, returnLimitMs, read);
  const own = new Set([
    ...services.flatMap((service) => order.containerNames(service)),
    ...(tier.play.borrowedGate === undefined ? [] : [tier.play.borrowedGate]),
  ]);
  const neighbours = neighboursOf(found, own);
  noted.set(node, { neighbours, containers: neighbours.flatMap(({ name }) => found.get(name) ?? []) });
}

/** Their names, for whoever has to go on without this run. */
export function neighbourNames(node: Node): readonly string[] {
  return (noted.get(node)?.neighbours ?? []).map(({ name }) => name);
}

/** As they were then. */
export function neighbourContainers(node: Node): readonly Container[] {
  return noted.get(node)?.containers ?? [];
}

/**
 * Starts what does not come back by itself, and waits until all of it is healthy.
 * @throws OpError where something does not run again within `healthy_deadline`
 */
export async function settle(op: Extract<Op, { kind: 'settle' }>, node: Node, context: RunContext): Promise<void> {
  const before =
    op.containers === 'noted'
      ? (noted.get(node)?.neighbours ?? [])
      : op.containers.map((name): Neighbour => ({ name, isWell: true, isOurs: false }));
  if (before.length === 0) return;
  const { docker } = node.session;
  const names = before.map(({ name }) => name);
  const started = new Set<string>();
  const limitMs = node.tier.play.strategy.healthyDeadlineMs;
  using notice = context.heartbeat.wait(node.name, { limitMs });
  for (;;) {
    const { start, waiting, failed, gone } = settling(before, await docker.inspect(names), started);
    const [first] = failed;
    if (first !== undefined) throw new OpError(op, `${first}; it ran before`, { hint: hintFor(first) });
    if (start.length > 0) {
      await docker.carryOut(start.map(startStep));
      for (const name of start) started.add(name);
    } else if (waiting.length === 0) {
      for (const words of gone)
        context.emit({ type: 'warning', host: node.name, message: `ran before the work: ${words}` });
      return;
    }
    const [slowest = ''] = waiting;
    if (notice.isOver)
      throw new OpError(op, `not as before within ${formatDuration(limitMs)}: ${waiting.join('; ')}`, {
        hint: hintFor(slowest),
      });
    notice.say(`what ran before to run again: ${[...start.map((name) => `${name} starts`), ...waiting].join('; ')}`);
    await context.clock.sleep(lookIntervalMs, context.interrupt.now);
  }
}

function hintFor(words: string): string {
  const [name = ''] = words.split(' ');
  return `Look at it: docker logs ${name}. Until all that ran before runs again the node is not let in.`;
}
