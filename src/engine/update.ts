import type { OpText } from '../events/event.ts';
import { isUnchanged } from '../plan/reconcile.ts';
import type { RunContext } from './context.ts';
import { executeOps } from './execute.ts';
import { reportFailure } from './failure.ts';
import type { Node } from './node.ts';
import { noteNeighbours } from './neighbours.ts';
import { OpError } from './op-error.ts';
import { refreshNode } from './refresh.ts';
import { restoreNode } from './restore.ts';
import { sweepFiles } from './sweep.ts';
import { forgetTrafficPorts, noteTrafficPorts } from './traffic-ports.ts';

/** One node from what it runs to what the play wants; on failure back again. Never rejects but for an interrupt. */
export async function updateNode(node: Node, role: 'canary' | 'fan_out', context: RunContext): Promise<void> {
  using _wait = context.heartbeat.wait(node.name, { message: 'its update to go on', limitMs: 0 });
  const startedMs = context.clock.now();
  try {
    // What was planned in preflight may be minutes old.
    if (!node.isFresh()) await refreshNode(node, context, { isBrief: true });
    if (isUnchanged(node.plan)) {
      done(node, 'unchanged', startedMs, context);
      return;
    }
    announce(node, role, context);
    node.tasks.values.set('node', node.changing);
    if (node.plan.heal.length > 0) {
      await executeOps(node.plan.heal, node, context);
      node.wasHealed = true;
      await refreshNode(node, context);
    }
    node.before = node.observed.containers;
    const { before, during, after } = node.plan;
    await Promise.all([
      executeOps(before, node, context),
      noteNeighbours(node, context).then(() => noteTrafficPorts(node, context)),
    ]);
    await executeOps(during, node, context);
    await executeOps(after, node, context);
    await sweepFiles(node, [], context);
    done(node, 'updated', startedMs, context);
  } catch (error) {
    if (context.interrupt.now.aborted) throw error;
    const failure = OpError.from(reading, error);
    await reportFailure(node, failure, context);
    // Before it was changed there is nothing to put back.
    if (failure.step === reading) node.result = 'unreachable';
    forgetTrafficPorts(node);
    if (node.before !== undefined) await restoreNode(node, `${failure.step.text} failed`, context);
    node.durationMs = context.clock.now() - startedMs;
  }
}

function announce(node: Node, role: 'canary' | 'fan_out', context: RunContext): void {
  const { changes, heal, before, during, after } = node.plan;
  const said = changes.filter(({ kind }) => kind !== 'orphan');
  context.emit({
    type: 'node_started',
    host: node.name,
    play: node.tier.play.name,
    role,
    cause: said.map(({ service, cause }) => `${service}: ${cause}`).join('; ') || 'tasks',
    ops: heal.length + before.length + during.length + after.length,
  });
}

function done(node: Node, result: 'updated' | 'unchanged', startedMs: number, context: RunContext): void {
  const durationMs = context.clock.now() - startedMs;
  node.result = result;
  if (result === 'updated') node.durationMs = durationMs;
  context.emit({ type: 'node_done', host: node.name, play: node.tier.play.name, result, durationMs });
}

/** What was under way when no op was. */
const reading: OpText = { kind: 'read', text: 'read the host', cause: 'before it is changed' };
