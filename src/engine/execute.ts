import { DockerError } from '../docker/errors.ts';
import { assertNever } from '../model/assert-never.ts';
import { describeOp } from '../plan/op-text.ts';
import type { Op } from '../plan/plan.ts';
import { opHolds } from '../plan/progress.ts';
import { RemoteError } from '../ssh/remote.ts';
import { admit, drain } from './rotation.ts';
import type { RunContext } from './context.ts';
import type { Node } from './node.ts';
import { OpError } from './op-error.ts';
import { runTask } from './task.ts';
import { awaitCondition, verify } from './verify.ts';
import { withNotice, WaitNotice } from './wait.ts';

/** How long a host may be away in the middle of its update before it counts as failed. */
const absenceLimitMs = 120_000;
const daemonRetryMs = 500;

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
    await persist(op, node, context);
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

/** Through lost connections and restarted daemons: comes back, reads the host again, and only then decides. */
async function persist(op: Op, node: Node, context: RunContext): Promise<void> {
  const absence = new WaitNotice(context, node.name, absenceLimitMs);
  for (;;) {
    try {
      await perform(op, node, context);
      return;
    } catch (error) {
      if (!isAbsence(error) || absence.isOver || context.interrupt.now.aborted) throw error;
      context.emit({ type: 'warning', host: node.name, message: `${absenceWords(error)}; reading the host again` });
      const holds = opHolds(op, await rereadContainers(node, context, absence));
      if (holds === 'unknown')
        throw new OpError(op, `${absenceWords(error)} while it ran; it may or may not have ended`);
      if (holds) return;
    }
  }
}

async function rereadContainers(node: Node, context: RunContext, absence: WaitNotice) {
  for (;;) {
    try {
      await node.session.reconnect(context, absence.remainingMs);
      const { containers } = await node.session.observe(
        [
          ...node.observed.containers.keys(),
          ...node.services.flatMap(({ containerName: n }) => [n, `${n}.next`, `${n}.previous`]),
        ],
        [],
      );
      return containers;
    } catch (error) {
      if (!isAbsence(error) || absence.isOver) throw error;
      absence.say(`the host to come back: ${absenceWords(error)}`);
      await context.clock.sleep(daemonRetryMs, context.interrupt.now);
    }
  }
}

/** The host or its daemon is away for now: nothing is known of what the command did. */
function isAbsence(error: unknown): error is RemoteError | DockerError {
  if (error instanceof DockerError) return error.kind === 'daemon_down';
  return error instanceof RemoteError && (error.kind === 'connection_lost' || error.kind === 'unreachable');
}

function absenceWords(error: RemoteError | DockerError): string {
  return error instanceof DockerError ? 'the docker daemon went away' : `the connection was lost (${error.message})`;
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
      await docker.create(op.service, op.container, node.labelsFor(op.service, context.run));
      return;
    case 'start':
      return docker.start(op.container);
    case 'stop':
      return withNotice(
        context,
        node.name,
        { message: `${op.container} to stop`, limitMs: op.graceMs },
        docker.stop(op.container, op.graceMs),
      );
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
