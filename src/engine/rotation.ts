import {
  describeServer,
  isHeldOut,
  isIdle,
  isUp,
  restartedBalancer,
  serverNames,
  serversUp,
  sessionsOf,
  unreadable,
  type BalancerView,
} from '../balancer/view.ts';
import type { BalancerWatch } from '../balancer/watch.ts';
import { startStep, stopStep, updateStep } from '../docker/docker.ts';
import type { PoolCount } from '../events/event.ts';
import { formatDuration } from '../model/duration.ts';
import type { Op } from '../plan/plan.ts';
import type { RunContext } from './context.ts';
import type { Node } from './node.ts';
import { OpError } from './op-error.ts';
import { WaitNotice } from './wait.ts';

type OpOf<Kind extends Op['kind']> = Extract<Op, { kind: Kind }>;

/** The health container has nothing to finish: it only answers checks. */
const gateGraceMs = 5000;

/**
 * Takes the node out of rotation and waits until no balancer holds a session of it, twice running; `givenUp` ends the
 * wait.
 */
export async function drain(op: OpOf<'drain'>, node: Node, context: RunContext, givenUp: AbortSignal): Promise<void> {
  const { watch, play } = node.tier;
  const startedMs = context.clock.now();
  const view = await watch?.fresh();
  const sessions = view === undefined ? 0 : sessionsOf(view, op.server);
  context.emit({ type: 'drain_started', host: node.name, server: op.server, sessions, ...poolOf(view) });
  const { container } = op;
  const signal = AbortSignal.any([context.interrupt.now, givenUp]);
  const stopping = container === undefined ? Promise.resolve() : closeGate(container, node);
  const waiting =
    watch === undefined ? fixedDrain(op, node, context, signal) : drained(watch, op, node, context, signal);
  // Both to their end, also when one fails: nothing may go on behind the back of what puts the node back.
  const [stopped, cut] = await Promise.allSettled([stopping, waiting]);
  if (stopped.status === 'rejected') throw stopped.reason;
  if (cut.status === 'rejected') throw cut.reason;
  context.emit({
    type: 'node_drained',
    host: node.name,
    durationMs: context.clock.now() - startedMs,
    sessionsCut: cut.value,
    ...poolOf(watch?.latest),
  });
  if (cut.value > 0) {
    const limit = formatDuration(play.strategy.drain.timeoutMs);
    context.emit({
      type: 'warning',
      host: node.name,
      message: `${cut.value} sessions were still open after ${limit} and are cut`,
    });
  }
}

/** With restart `no` a host that reboots half way does not come back into rotation by itself. */
async function closeGate(container: string, node: Node): Promise<void> {
  await node.session.docker.carryOut([updateStep(container, ['--restart', 'no']), stopStep(container, gateGraceMs)]);
}

/** Sessions cut. @throws OpError when the balancer goes on sending, or with `on_timeout: fail`. */
async function drained(
  watch: BalancerWatch,
  op: OpOf<'drain'>,
  node: Node,
  context: RunContext,
  signal: AbortSignal,
): Promise<number> {
  const { timeoutMs, onTimeout } = node.tier.play.strategy.drain;
  const notice = new WaitNotice(context, node.name, timeoutMs);
  let idleReadings = 0;
  let earlier = watch.latest;
  for (;;) {
    const view = await (idleReadings === 1 ? watch.again(signal) : watch.next(signal));
    const restarted = earlier === undefined ? undefined : restartedBalancer(earlier, view);
    earlier = view;
    if (restarted !== undefined) {
      idleReadings = 0;
      const message = `${restarted} was reloaded: sessions that its old process still has on ${op.server} cannot be seen, and are finished within stop_grace_period or cut`;
      context.emit({ type: 'warning', host: node.name, message });
    }
    idleReadings = isIdle(view, op.server) ? idleReadings + 1 : 0;
    if (idleReadings === 2) return 0;
    if (!notice.isOver) {
      notice.say(`${op.server} to drain: ${describeDrain(view, op.server)}`);
      continue;
    }
    const limit = formatDuration(timeoutMs);
    const trouble = unreadable(view);
    if (trouble !== undefined)
      throw new OpError(op, `not drained within ${limit}: the balancer cannot be read: ${trouble}`);
    if (isUp(view, op.server)) {
      throw new OpError(op, `still UP ${limit} after its health container was stopped`, {
        hint: `Does the balancer's check of ${op.server} ask the health container? Its interval and fall count must fit into drain.timeout.`,
      });
    }
    const open = sessionsOf(view, op.server);
    if (onTimeout === 'fail')
      throw new OpError(op, `${open} sessions still open after ${limit} (drain.on_timeout: fail)`);
    return open;
  }
}

/** Nobody can be asked: whoever checks the health container has `drain.timeout` to notice. */
async function fixedDrain(op: OpOf<'drain'>, node: Node, context: RunContext, signal: AbortSignal): Promise<number> {
  if (op.container === undefined) return 0;
  await context.clock.sleep(node.tier.play.strategy.drain.timeoutMs, signal);
  return 0;
}

/** Lets the node back in and waits until every balancer shows it exactly UP. */
export async function admit(op: OpOf<'admit'>, node: Node, context: RunContext): Promise<void> {
  const { watch, play } = node.tier;
  const startedMs = context.clock.now();
  if (op.container !== undefined) {
    const { docker } = node.session;
    await docker.carryOut([updateStep(op.container, ['--restart', op.policy]), startStep(op.container)]);
  }
  if (watch !== undefined) await admitted(watch, op, node, context, play.strategy.healthyDeadlineMs);
  const durationMs = context.clock.now() - startedMs;
  context.emit({ type: 'node_admitted', host: node.name, durationMs, ...poolOf(watch?.latest) });
}

async function admitted(
  watch: BalancerWatch,
  op: OpOf<'admit'>,
  node: Node,
  context: RunContext,
  limitMs: number,
): Promise<void> {
  const notice = new WaitNotice(context, node.name, limitMs);
  for (;;) {
    const view = await watch.next(context.interrupt.now);
    if (isUp(view, op.server)) return;
    if (isHeldOut(view, op.server)) {
      const message = `${op.server} is ${describeServer(view, op.server)}, set by an operator: it stays so, and is not waited for`;
      context.emit({ type: 'warning', host: node.name, message });
      return;
    }
    const state = unreadable(view) ?? describeServer(view, op.server);
    if (notice.isOver) throw new OpError(op, `not UP within ${formatDuration(limitMs)}: ${state}`);
    notice.say(`the balancer to show ${op.server} UP: ${state}`);
  }
}

/** How much of the pool serves, for those who watch. */
function poolOf(view: BalancerView | undefined): { readonly pool?: PoolCount } {
  if (view === undefined || unreadable(view) !== undefined) return {};
  return { pool: { up: serversUp(view).size, servers: serverNames(view).length } };
}

function describeDrain(view: BalancerView, server: string): string {
  const trouble = unreadable(view);
  if (trouble !== undefined) return `the balancer cannot be read: ${trouble}`;
  return `${describeServer(view, server)}, ${sessionsOf(view, server)} sessions open`;
}
