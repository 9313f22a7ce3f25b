import { planRestore } from '../plan/restore.ts';
import type { RunContext } from './context.ts';
import { executeOps } from './execute.ts';
import type { Node } from './node.ts';
import { refreshNode } from './refresh.ts';

/**
 * Puts a node back to the containers that it ran before this run, and into rotation if it was there. Never rejects but
 * for an interrupt; `node.result` and a node_restored event say how it went.
 */
export async function restoreNode(node: Node, cause: string, context: RunContext): Promise<void> {
  const startedMs = context.clock.now();
  const trouble = await putBack(node, cause, context);
  node.result = trouble === undefined ? 'restored' : 'failed';
  if (trouble !== undefined) node.message = trouble;
  context.emit({
    type: 'node_restored',
    host: node.name,
    durationMs: context.clock.now() - startedMs,
    serving: trouble === undefined,
    ...(trouble === undefined ? {} : { message: trouble }),
  });
}

/** @returns why it does not serve what it served before; undefined where it does. */
async function putBack(node: Node, cause: string, context: RunContext): Promise<string | undefined> {
  try {
    await refreshNode(node, context);
    const { before, services, gate, server, observed } = node;
    if (before === undefined) return undefined;
    const { ops, lost } = planRestore({ services, gate, server, before, now: observed.containers, cause });
    await executeOps(ops, node, context);
    return lost.length > 0 ? lostMessage(node, lost) : undefined;
  } catch (error) {
    if (context.interrupt.now.aborted) throw error;
    return unrestoredMessage(node, error);
  }
}

function lostMessage(node: Node, lost: readonly string[]): string {
  return `${lost.join(', ')}: the container that ran before is gone, so it cannot be put back; see: ssh ${node.name} docker ps -a`;
}

function unrestoredMessage(node: Node, error: unknown): string {
  const why = error instanceof Error ? error.message : String(error);
  return `not put back (${why}); the old container is there as NAME or NAME.previous: the next run puts it back first, or by hand: ssh ${node.name} docker ps -a`;
}
