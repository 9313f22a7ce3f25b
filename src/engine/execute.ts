import { assertNever } from '../model/assert-never.ts';
import { changeTimeoutMs } from '../docker/docker.ts';
import type { Service } from '../model/service.ts';
import { describeOp } from '../plan/op-text.ts';
import type { Op } from '../plan/plan.ts';
import { sharedName, withModes } from '../service/shared.ts';
import { admit, drain } from './rotation.ts';
import type { RunContext } from './context.ts';
import type { Node } from './node.ts';
import { OpError } from './op-error.ts';
import { persist } from './persist.ts';
import { runTask } from './task.ts';
import { awaitCondition, verify } from './verify.ts';
import { whileSilent } from './wait.ts';

/** Carries out ops in order; decides nothing. @throws OpError at the first that fails. */
export async function executeOps(ops: readonly Op[], node: Node, context: RunContext): Promise<void> {
  for (const op of ops) {
    context.interrupt.now.throwIfAborted();
    await executeOp(op, node, context);
  }
}

async function executeOp(op: Op, node: Node, context: RunContext): Promise<void> {
  const host = node.name;
  const text = describeOp(op);
  const startedMs = context.clock.now();
  const durationMs = (): number => context.clock.now() - startedMs;
  context.emit({ type: 'op_started', host, op: text });
  try {
    const wait = { message: `${text.text}, which is under way`, limitMs: limitMsOf(op, node) };
    await whileSilent(context, host, wait, (heard) => persist(op, node, heard, (step) => perform(step, node, heard)));
    context.emit({ type: 'op_finished', host, op: text, ok: true, durationMs: durationMs() });
  } catch (error) {
    const failure = OpError.from(op, error);
    const { exitCode, message } = failure;
    context.emit({
      type: 'op_finished',
      host,
      op: text,
      ok: false,
      durationMs: durationMs(),
      message,
      ...(exitCode === undefined ? {} : { exitCode }),
    });
    throw failure;
  }
}

async function perform(op: Op, node: Node, context: RunContext): Promise<void> {
  await node.session.assertLocked();
  const { docker } = node.session;
  switch (op.kind) {
    case 'pull':
      return docker.pull(op.image);
    case 'create_network':
      return docker.createNetwork(op.network);
    case 'create_volume':
      return docker.createVolume(op.volume);
    case 'create':
      await docker.create(asNamedNow(op), op.container, node.labelsFor(op.service, context.run));
      return;
    case 'start':
      return docker.start(op.container);
    case 'stop':
      return docker.stop(op.container, op.graceMs);
    case 'set_restart':
      return docker.update(op.container, ['--restart', op.policy]);
    case 'update':
      return docker.update(op.container, op.args);
    case 'rename':
      return docker.rename(op.container, op.to);
    case 'remove':
      return docker.remove(op.container);
    case 'drain':
      return drain(op, node, context);
    case 'admit':
      return admit(op, node, context);
    case 'await':
      return awaitCondition(op, node, context);
    case 'verify':
      return verify(op, node, context);
    case 'task':
      return runTask(op.task, node);
    default:
      return assertNever(op);
  }
}

/** What it is to share with may still have another name: docker turns either into the same id. */
function asNamedNow({ service, namesUntilThen = {} }: Op & { readonly kind: 'create' }): Service {
  return withModes(service, (mode) => {
    const container = sharedName(mode, 'container');
    const now = container === undefined ? undefined : namesUntilThen[container];
    return now === undefined ? mode : `container:${now}`;
  });
}

/** How long an op may take, for whoever waits for it. */
function limitMsOf(op: Op, node: Node): number {
  const { strategy } = node.tier.play;
  switch (op.kind) {
    case 'drain':
      return strategy.drain.timeoutMs;
    case 'admit':
    case 'await':
    case 'verify':
      return strategy.healthyDeadlineMs;
    case 'stop':
      return op.graceMs;
    case 'task':
      return op.task.timeoutMs;
    default:
      return changeTimeoutMs;
  }
}
