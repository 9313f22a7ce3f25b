import type { Op } from '../plan/plan.ts';
import { planWayBack } from '../plan/borrowed-gate.ts';
import { describeWhereabouts, typedByHand } from '../plan/by-hand.ts';
import { withoutWrites } from '../plan/scarce.ts';
import { DockerError } from '../docker/errors.ts';
import type { RunContext } from './context.ts';
import { executeOps } from './execute.ts';
import type { Node } from './node.ts';
import { OpError } from './op-error.ts';
import { refreshNode } from './refresh.ts';
import { sweepFiles } from './sweep.ts';
import { typedOn } from './typed.ts';

/** Why a node is not back, where its containers are, and what to type. */
interface Trouble {
  readonly message: string;
  readonly next: string;
}

/**
 * Puts a node back to the containers that it ran before this run, and into rotation if it was there. Never rejects but
 * for an interrupt; `node.result` and a node_restored event say how it went.
 */
export async function restoreNode(node: Node, cause: string, context: RunContext): Promise<void> {
  using _wait = context.heartbeat.wait(node.name, { message: 'its rollback to go on', limitMs: 0 });
  const startedMs = context.clock.now();
  const trouble = await putBack(node, cause, context);
  const isAgain = node.isStranded;
  node.isStranded = trouble !== undefined;
  node.result = trouble === undefined ? 'restored' : 'failed';
  if (trouble !== undefined) node.message = `not put back: ${trouble.message}`;
  // The version that failed leaves no secret behind. Where its containers are still there, so are their files.
  if (trouble === undefined) await sweepFiles(node, node.services, context);
  context.emit({
    type: 'node_restored',
    host: node.name,
    durationMs: context.clock.now() - startedMs,
    serving: trouble === undefined,
    ...trouble,
    ...(isAgain ? { again: true } : {}),
    ...(ranBefore(node) ? {} : { ranBefore: false }),
  });
}

/** The first deployment to a host puts it back to nothing. */
function ranBefore({ before, services }: Node): boolean {
  return services.some(({ containerName }) => before?.get(containerName)?.state.running === true);
}

/** @returns why it does not serve what it served before; undefined where it does. */
async function putBack(node: Node, cause: string, context: RunContext): Promise<Trouble | undefined> {
  try {
    await refreshNode(node, context);
  } catch (error) {
    if (context.interrupt.now.aborted) throw error;
    return awayTrouble(node, error);
  }
  const { ops, lost } = wayBackOf(node, cause);
  try {
    await executeOps(ops, node, context);
  } catch (error) {
    if (context.interrupt.now.aborted) throw error;
    if (!isOutOfRoom(error) || !(await serveWithoutWrites(node, cause, context)))
      return stuckTrouble(node, cause, error);
  }
  return lost.length > 0 ? lostTrouble(node, lost) : undefined;
}

function isOutOfRoom(error: unknown): boolean {
  return error instanceof OpError && error.cause instanceof DockerError && error.cause.kind === 'no_space';
}

/** On a full disk: what ran before starts, though its policy or even its name cannot be written. @returns whether it serves */
async function serveWithoutWrites(node: Node, cause: string, context: RunContext): Promise<boolean> {
  for (const without of ['policies', 'names'] as const) {
    try {
      await refreshNode(node, context);
      await executeOps(withoutWrites(wayBackOf(node, cause).ops, without), node, context);
      await node.refresh();
    } catch (error) {
      if (context.interrupt.now.aborted) throw error;
      continue;
    }
    const left = typedByHand(wayBackOf(node, cause).ops.filter(({ kind }) => kind !== 'drain' && kind !== 'admit'));
    const message = `the disk is full: it serves again, but not all could be written. Make room, then: ${typedOn(node.host, left)}`;
    if (left.length > 0) context.emit({ type: 'warning', host: node.name, message });
    return true;
  }
  return false;
}

function wayBackOf(node: Node, cause: string): { readonly ops: readonly Op[]; readonly lost: readonly string[] } {
  const { before, services, gate, borrowedGate, server, observed, order } = node;
  if (before === undefined) return { ops: [], lost: [] };
  return planWayBack(order, { services, gate, borrowedGate, server, before, now: observed.containers, cause });
}

function awayTrouble(node: Node, error: unknown): Trouble {
  return {
    message: `the host cannot be read: ${wordsOf(error)}`,
    next: `When ${node.name} is back, give the same command again: it first puts right what is half done there. To look: ${typedOn(node.host, [['docker', 'ps', '-a']])}`,
  };
}

/** It answers, but a step of the way back failed: what is left of that way is known exactly. */
async function stuckTrouble(node: Node, cause: string, error: unknown): Promise<Trouble> {
  try {
    await node.refresh();
  } catch {
    return awayTrouble(node, error);
  }
  const { services, gate, borrowedGate, before = new Map(), observed, order } = node;
  const where = describeWhereabouts({ services, gate, borrowedGate, order, before, now: observed.containers });
  const left = typedByHand(wayBackOf(node, cause).ops);
  return {
    message: `${wordsOf(error)}${where === '' ? '' : `; ${where}`}`,
    next:
      left.length === 0
        ? `Fix the cause and run the same command again. To look: ${typedOn(node.host, [['docker', 'ps', '-a']])}`
        : `Fix the cause, then: ${typedOn(node.host, left)}`,
  };
}

function lostTrouble(node: Node, lost: readonly string[]): Trouble {
  return {
    message: `${lost.join(', ')}: the container that ran before is gone`,
    next: `Run the playbook with a version that works: it is created again. To look: ${typedOn(node.host, [['docker', 'ps', '-a']])}`,
  };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
