import { count } from '../model/count.ts';
import {
  describeServer,
  heldOutBy,
  isIdle,
  isUncounted,
  isUp,
  restartedBalancer,
  sessionsElsewhere,
  sessionsOf,
  statesOf,
  unreadable,
  withoutTraffic,
  type BalancerView,
} from '../balancer/view.ts';
import type { BalancerWatch } from '../balancer/watch.ts';
import type { PoolCount } from '../events/event.ts';
import { formatDuration } from '../model/duration.ts';
import type { Op } from '../plan/plan.ts';
import { elsewhereWarning } from './balancer.ts';
import type { RunContext } from './context.ts';
import { poolCount } from './gauge.ts';
import type { Node } from './node.ts';
import { OpError } from './op-error.ts';
import { readBack } from './read-back.ts';
import { awaitTrafficPorts } from './traffic-ports.ts';
import { wayOutOf, type DrainWait } from './way-out.ts';

type OpOf<Kind extends Op['kind']> = Extract<Op, { kind: Kind }>;

/** Who kept nodes out of rotation when this run began with them. */
const heldBefore = new WeakMap<Node, ReturnType<typeof heldOutBy>>();

/**
 * Takes the node out of rotation and waits until no balancer holds a session of it, twice in a row; `givenUp` ends the
 * wait.
 */
export async function drain(op: OpOf<'drain'>, node: Node, context: RunContext, givenUp: AbortSignal): Promise<void> {
  const { watch, play } = node.tier;
  const startedMs = context.clock.now();
  const view = await watch?.fresh();
  const sessions = view === undefined ? 0 : sessionsOf(view, op.server);
  if (view !== undefined) heldBefore.set(node, heldOutBy(view, op.server));
  context.emit({ type: 'drain_started', host: node.name, server: op.server, sessions, ...poolOf(view, node) });
  const wayOut = new AbortController();
  const signal = AbortSignal.any([context.interrupt.now, givenUp, wayOut.signal]);
  const waiting = waitForDrain(op, node, context, signal);
  const leaving = wayOutOf(node)
    .leave(op, node, context)
    .then(() => seeIfLate(op, waiting, node, context))
    .catch((error: unknown) => {
      wayOut.abort(error);
      throw error;
    });
  // Both to their end, also when one fails: nothing may go on behind the back of what puts the node back.
  const [left, cut] = await Promise.allSettled([leaving, waiting]);
  if (left.status === 'rejected') throw left.reason;
  if (cut.status === 'rejected') throw cut.reason;
  context.emit({
    type: 'node_drained',
    host: node.name,
    durationMs: context.clock.now() - startedMs,
    sessionsCut: cut.value,
    ...poolOf(watch?.latest, node),
  });
  if (cut.value > 0) {
    const limit = formatDuration(play.strategy.drain.timeoutMs);
    context.emit({
      type: 'warning',
      host: node.name,
      message: `${count(cut.value, 'session')} still open after ${limit}, cut off`,
    });
  }
}

/** A balancer that has turned to a node, or away from it, within that time shows that its container did as it was told. */
const lookAfterMs = 2000;

/** Looks at the container of an op where the balancer takes its time: docker may have reported what it has not done. */
async function seeIfLate(
  op: OpOf<'drain' | 'admit'>,
  waiting: Promise<unknown>,
  node: Node,
  context: RunContext,
): Promise<void> {
  if (op.container === undefined || wayOutOf(node).drain === undefined) return;
  if (node.tier.watch !== undefined) {
    const settled = new AbortController();
    const end = (): void => settled.abort();
    void waiting.then(end, end);
    const isLate = await context.clock
      .sleep(lookAfterMs, AbortSignal.any([settled.signal, context.interrupt.now]))
      .then(() => true)
      .catch(() => false);
    if (!isLate) return;
  }
  await readBack([op], node, context);
}

/** Sessions cut. */
async function waitForDrain(op: OpOf<'drain'>, node: Node, context: RunContext, signal: AbortSignal): Promise<number> {
  const { watch } = node.tier;
  const { drain: wait } = wayOutOf(node);
  if (wait === undefined) return 0;
  if (watch !== undefined) return drained(watch, op, node, wait, context, signal);
  const unseenMs = wait.unseenMs(op, node);
  if (unseenMs > 0) await context.clock.sleep(unseenMs, signal);
  return 0;
}

/** Sessions cut. @throws OpError when the balancer goes on sending, or with `on_timeout: fail`. */
async function drained(
  watch: BalancerWatch,
  op: OpOf<'drain'>,
  node: Node,
  { whenStillUp }: DrainWait,
  context: RunContext,
  signal: AbortSignal,
): Promise<number> {
  const { timeoutMs, onTimeout } = node.tier.play.strategy.drain;
  using notice = context.heartbeat.wait(node.name, { limitMs: timeoutMs });
  let idleReadings = 0;
  let earlier = watch.latest;
  let hasWarned = false;
  for (;;) {
    const view = await (idleReadings === 1 ? watch.again(signal) : watch.next(signal));
    const restarted = earlier === undefined ? undefined : restartedBalancer(earlier, view);
    earlier = view;
    if (restarted !== undefined) {
      idleReadings = 0;
      const message = `${restarted} was reloaded: sessions that its old process still has on ${op.server} cannot be seen, and are finished within stop_grace_period or cut`;
      context.emit({ type: 'warning', host: node.name, message });
    }
    const elsewhere = hasWarned ? [] : sessionsElsewhere(view, op.server);
    if (elsewhere.length > 0) {
      hasWarned = true;
      context.emit({ type: 'warning', host: node.name, message: elsewhereWarning(op.server, elsewhere) });
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
      throw new OpError(op, `still UP ${limit} after ${whenStillUp.after}`, { hint: whenStillUp.hint(op.server) });
    }
    if (isUncounted(view, op.server)) return undrained(view, op, node, context);
    const open = sessionsOf(view, op.server);
    if (onTimeout === 'fail')
      throw new OpError(op, `${count(open, 'session')} still open after ${limit} (drain.on_timeout: fail)`);
    return open;
  }
}

/** The balancer does not count sessions and never said `drained`. @throws OpError with `on_timeout: fail` */
function undrained(view: BalancerView, op: OpOf<'drain'>, node: Node, context: RunContext): number {
  const { timeoutMs, onTimeout } = node.tier.play.strategy.drain;
  const message = `not known to be drained after ${formatDuration(timeoutMs)}: ${describeServer(view, op.server)}`;
  const hint = 'Its answer must end with drained, or have a count, as in down 0.';
  if (onTimeout === 'fail') throw new OpError(op, `${message} (drain.on_timeout: fail)`, { hint });
  context.emit({
    type: 'warning',
    host: node.name,
    message: `${op.server} is ${message}; requests that it still has are cut. ${hint}`,
  });
  return 0;
}

/** Lets the node back in and waits until every balancer shows it exactly UP. */
export async function admit(op: OpOf<'admit'>, node: Node, context: RunContext): Promise<void> {
  const { watch, play } = node.tier;
  const startedMs = context.clock.now();
  await awaitTrafficPorts(op, node, context);
  await wayOutOf(node).enter(op, node, context);
  const given = new AbortController();
  const signal = AbortSignal.any([context.interrupt.now, given.signal]);
  const waiting =
    watch === undefined
      ? Promise.resolve()
      : admitted(watch, op, node, context, play.strategy.healthyDeadlineMs, signal);
  const seeing = seeIfLate(op, waiting, node, context).catch((error: unknown) => {
    given.abort(error);
    throw error;
  });
  const [seen, served] = await Promise.allSettled([seeing, waiting]);
  if (seen.status === 'rejected') throw seen.reason;
  if (served.status === 'rejected') throw served.reason;
  const durationMs = context.clock.now() - startedMs;
  context.emit({ type: 'node_admitted', host: node.name, durationMs, ...poolOf(watch?.latest, node) });
}

async function admitted(
  watch: BalancerWatch,
  op: OpOf<'admit'>,
  node: Node,
  context: RunContext,
  limitMs: number,
  signal: AbortSignal,
): Promise<void> {
  using notice = context.heartbeat.wait(node.name, { limitMs: limitMs });
  for (;;) {
    const view = await watch.next(signal);
    if (isAdmitted(view, op.server)) {
      const idle = withoutTraffic(view, op.server);
      const message = `${op.server} gets no requests: ${idle.join(', ')}`;
      if (idle.length > 0) context.emit({ type: 'warning', host: node.name, message });
      return;
    }
    const holder = heldOutBy(view, op.server);
    // An agent check that was content before is waited for: it may look at what has just been started.
    if (holder === 'operator' || (holder === 'agent' && heldBefore.get(node) === 'agent')) {
      const who = holder === 'operator' ? 'an operator' : 'its agent check';
      const message = `${op.server} is ${describeServer(view, op.server)}, set by ${who}: it stays so, and is not waited for`;
      context.emit({ type: 'warning', host: node.name, message });
      return;
    }
    const dark = unreadable(view);
    const state = dark ?? describeServer(view, op.server);
    const trouble = dark === undefined ? 'not_up' : undefined;
    if (notice.isOver) throw new OpError(op, `not UP within ${formatDuration(limitMs)}: ${state}`, { trouble });
    notice.say(`the balancer to show ${op.server} UP: ${state}`);
  }
}

/** UP wherever it is listed; a server without a check has no other state to wait for. */
function isAdmitted(view: BalancerView, server: string): boolean {
  const states = statesOf(view, server);
  return states.length > 0 && states.every(({ status }) => status === 'up' || status === 'no_check');
}

/** How much of the pool serves, for those who watch. */
function poolOf(view: BalancerView | undefined, { tier }: Node): { readonly pool?: PoolCount } {
  return view === undefined || unreadable(view) !== undefined ? {} : { pool: poolCount(view, tier.servers) };
}

function describeDrain(view: BalancerView, server: string): string {
  const trouble = unreadable(view);
  if (trouble !== undefined) return `the balancer cannot be read: ${trouble}`;
  const open = isUncounted(view, server)
    ? 'no count of its sessions'
    : `${count(sessionsOf(view, server), 'session')} open`;
  return `${describeServer(view, server)}, ${open}`;
}
