import { assertNever } from '../model/assert-never.ts';
import { DockerError } from '../docker/errors.ts';
import type { Container } from '../docker/observed.ts';
import { changeTimeoutMs } from '../docker/steps.ts';
import type { Service } from '../model/service.ts';
import { describeOp } from '../plan/op-text.ts';
import type { Op } from '../plan/plan.ts';
import { namesToReadBack } from '../plan/read-back.ts';
import { groupsOf, stagesOf, type Group } from '../plan/stages.ts';
import { withCarried } from '../plan/volumes.ts';
import { sharedName, withModes } from '../service/shared.ts';
import { RemoteError } from '../ssh/remote.ts';
import { isAbsence } from './absence.ts';
import { settle } from './neighbours.ts';
import { admit, drain } from './rotation.ts';
import type { RunContext } from './context.ts';
import type { Node } from './node.ts';
import { OpReport } from './op-report.ts';
import { persist } from './persist.ts';
import { readBack } from './read-back.ts';
import { stepOf } from './step.ts';
import { runTask } from './task.ts';
import { awaitCondition, verify } from './verify.ts';

/** Carries out ops, each when the plan lets it begin; decides nothing. @throws OpError at the first that fails. */
export async function executeOps(ops: readonly Op[], node: Node, context: RunContext): Promise<void> {
  for (const stage of stagesOf(ops)) {
    try {
      await executeStage(stage, node, context);
    } finally {
      node.session.changedAtMs = context.clock.now();
    }
  }
}

/** Lanes side by side, and all of them to their end: nothing may go on behind the back of what puts the node back. */
async function executeStage(lanes: readonly (readonly Op[])[], node: Node, context: RunContext): Promise<void> {
  const givenUp = new AbortController();
  const failures: { readonly error: unknown }[] = [];
  await Promise.all(
    lanes.map(async (lane) => {
      try {
        for (const group of groupsOf(lane)) {
          context.interrupt.now.throwIfAborted();
          if (givenUp.signal.aborted) return;
          await executeGroup(group, node, context, givenUp.signal);
        }
      } catch (error) {
        failures.push({ error });
        givenUp.abort(new Error('not waited for any longer: what went on beside it has failed'));
      }
    }),
  );
  const [first] = failures;
  if (first !== undefined) throw first.error;
}

/** Ops that one command carries out, or a single one. `givenUp` is aborted when what goes on beside it has failed. */
async function executeGroup(ops: Group, node: Node, context: RunContext, givenUp: AbortSignal): Promise<void> {
  const report = new OpReport(ops, node.name, context);
  const message = `${ops.map((op) => describeOp(op).text).join(', ')}, which is under way`;
  const limitMs = ops.reduce((sumMs, op) => sumMs + limitMsOf(op, node), 0);
  using _wait = context.heartbeat.wait(node.name, { message, limitMs });
  try {
    await persist(ops, node, context, (left) => perform(left, node, context, { report, givenUp }));
    report.finishAll();
  } catch (error) {
    throw report.fail(error);
  }
}

interface Company {
  readonly report: OpReport;
  readonly givenUp: AbortSignal;
}

async function perform(ops: readonly Op[], node: Node, context: RunContext, company: Company): Promise<void> {
  const steps = ops.map(stepOf).filter((step) => step !== undefined);
  if (steps.length < ops.length) {
    for (const op of ops) {
      await performOne(op, node, context, company);
      // Rotation has seen to its own, before it waits for the balancer.
      if (op.kind !== 'drain' && op.kind !== 'admit') await readBack([op], node, context);
    }
    return;
  }
  const [first] = ops;
  if (first !== undefined) company.report.reach(first);
  await node.session.assertLocked();
  let done = 0;
  const onDone = (index: number): void => {
    done = index + 1;
    const next = ops[index + 1];
    // The last one has ended when it has been seen to.
    if (next !== undefined) company.report.reach(next);
  };
  const seen = await node.session.docker
    .carryOut(steps, { look: namesToReadBack(ops), onDone })
    .catch((error: unknown) => blameUntrue(ops.slice(0, done), error, node, context));
  await readBack(ops, node, context, seen);
}

/** What a step has refused may be for want of what one before it only claimed to have done: that one has failed then. */
async function blameUntrue(done: readonly Op[], error: unknown, node: Node, context: RunContext): Promise<never> {
  // A host or a daemon that is away is read again in any case.
  const isRefused = error instanceof DockerError && !isAbsence(error);
  const found = isRefused ? await lookAgain(namesToReadBack(done), node) : undefined;
  if (found !== undefined) await readBack(done, node, context, found);
  throw error;
}

/** Undefined where it cannot be looked at now: what docker has said stands then. */
async function lookAgain(names: readonly string[], node: Node): Promise<ReadonlyMap<string, Container> | undefined> {
  try {
    return await node.session.docker.inspect(names);
  } catch (error) {
    if (error instanceof DockerError || error instanceof RemoteError) return undefined;
    throw error;
  }
}

async function performOne(op: Op, node: Node, context: RunContext, { givenUp }: Company): Promise<void> {
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
      await docker.create(withCarried(asNamedNow(op), op.carried), op.container, node.labelsFor(op, context));
      return;
    case 'start':
    case 'stop':
    case 'set_restart':
    case 'update':
    case 'rename':
      await docker.carryOut([stepOf(op)]);
      return;
    case 'unpause':
      return docker.unpause(op.container);
    case 'remove':
      return docker.remove(op.container);
    case 'drain':
      return drain(op, node, context, givenUp);
    case 'admit':
      return admit(op, node, context);
    case 'await':
      return awaitCondition(op, node, context);
    case 'verify':
      return verify(op, node, context);
    case 'settle':
      return settle(op, node, context);
    case 'task':
      return runTask(op.task, op.handlers ?? [], node, context);
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
    case 'settle':
      return strategy.healthyDeadlineMs;
    case 'stop':
      return op.graceMs;
    case 'task':
      return op.task.timeoutMs;
    default:
      return changeTimeoutMs;
  }
}
