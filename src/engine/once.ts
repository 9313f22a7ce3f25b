import type { Task } from '../model/task.ts';
import { taskOps } from '../plan/reconcile.ts';
import type { RunContext } from './context.ts';
import { executeOps } from './execute.ts';
import { reportFailure } from './failure.ts';
import type { Node, Tier } from './node.ts';
import { OpError } from './op-error.ts';
import type { Stop } from './stop.ts';

/** Tasks that a play has once: those ahead of its first node, and those behind its last. */
export async function runOnceTasks(
  tier: Tier,
  phase: 'before' | 'after',
  context: RunContext,
): Promise<Stop | undefined> {
  const node = tier.nodes.find(({ desired }) => listOf(desired, phase).length > 0);
  if (node === undefined) return undefined;
  node.tasks.values.set('node', node.changing);
  try {
    await executeOps(taskOps(phase, listOf(node.desired, phase), node.desired.handlers), node, context);
    return undefined;
  } catch (error) {
    context.interrupt.now.throwIfAborted();
    const failure = OpError.from({ kind: 'task', text: phase, cause: phase }, error);
    await reportFailure(node, failure, context);
    // Nothing of the node itself has been touched.
    if (phase === 'before') node.result = 'untouched';
    return {
      kind: 'failures',
      isRestored: phase === 'before',
      reason: `${failure.step.text} on ${node.name}: ${failure.message}`,
    };
  }
}

function listOf(desired: Node['desired'], phase: 'before' | 'after'): readonly Task[] {
  return desired[phase] ?? [];
}

export function hasOnceTasks({ nodes }: Tier, phase: 'before' | 'after'): boolean {
  return nodes.some(({ desired }) => listOf(desired, phase).length > 0);
}

/** A play may be about nothing but these. */
export function isOnlyOnce({ nodes }: Tier): boolean {
  return nodes.every(({ desired }) =>
    [desired.services, desired.preTasks, desired.tasks, desired.postTasks].every((list) => list.length === 0),
  );
}
