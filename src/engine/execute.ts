import { assertNever } from '../model/assert-never.ts';
import { changeTimeoutMs } from '../docker/steps.ts';
import { describeOp } from '../plan/op-text.ts';
import type { Op } from '../plan/plan.ts';
import { namesToReadBack, startsAgain } from '../plan/read-back.ts';
import { groupsOf, isSeenWithNext, stagesOf, type Group } from '../plan/stages.ts';
import { createContainer } from './create.ts';
import { settle } from './neighbours.ts';
import { admit, drain } from './rotation.ts';
import type { RunContext } from './context.ts';
import type { Node } from './node.ts';
import { OpReport } from './op-report.ts';
import { persist } from './persist.ts';
import { readBack } from './read-back.ts';
import { Sight } from './sight.ts';
import { stepOf } from './step.ts';
import { runTask } from './task.ts';
import { awaitCondition, verify } from './verify.ts';

/** Carries out ops, each when the plan lets it begin; decides nothing. @throws OpError at the first that fails. */
export async function executeOps(ops: readonly Op[], node: Node, context: RunContext): Promise<void> {
  const stages = stagesOf(ops);
  const sight = new Sight(node, context);
  for (const [index, stage] of stages.entries()) {
    try {
      await executeStage(stage, stages[index + 1]?.[0], node, context, sight);
    } finally {
      node.session.changedAtMs = context.clock.now();
    }
  }
  await sight.look();
}

/**
 * Lanes side by side, and all of them to their end: nothing may go on behind the back of what puts the node back.
 * `following` is the lane that comes after them.
 */
async function executeStage(
  lanes: readonly (readonly Op[])[],
  following: readonly Op[] | undefined,
  node: Node,
  context: RunContext,
  sight: Sight,
): Promise<void> {
  const givenUp = new AbortController();
  const failures: { readonly error: unknown }[] = [];
  const [after] = groupsOf(following ?? []);
  await Promise.all(
    lanes.map(async (lane) => {
      try {
        const groups = groupsOf(lane);
        for (const [index, group] of groups.entries()) {
          context.interrupt.now.throwIfAborted();
          if (givenUp.signal.aborted) return;
          const isSeenLater = isSeenWithNext(group, groups[index + 1] ?? after);
          await executeGroup(group, node, context, { givenUp: givenUp.signal, sight, isSeenLater });
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

interface Company {
  /** Aborted when what goes on beside it has failed. */
  readonly givenUp: AbortSignal;
  readonly sight: Sight;
  /** What it has done is looked at with what comes next. */
  readonly isSeenLater: boolean;
}

/** Ops that one command carries out, or a single one. */
async function executeGroup(ops: Group, node: Node, context: RunContext, company: Company): Promise<void> {
  const report = new OpReport(ops, node.name, context);
  const message = `${ops.map((op) => describeOp(op).text).join(', ')}, which is under way`;
  const limitMs = ops.reduce((sumMs, op) => sumMs + limitMsOf(op, node), 0);
  using _wait = context.heartbeat.wait(node.name, { message, limitMs });
  try {
    await persist(ops, node, context, async (left) => {
      // The host has been read again: what was done before is known, and may be undone by now.
      if (left !== ops) company.sight.forget();
      await perform(left, node, context, report, company);
    });
    report.finishAll();
  } catch (error) {
    throw report.fail(error);
  }
}

async function perform(
  ops: readonly Op[],
  node: Node,
  context: RunContext,
  report: OpReport,
  company: Company,
): Promise<void> {
  const { sight } = company;
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
  if (first !== undefined) report.reach(first);
  if (startsAgain(sight.unseen, ops)) await sight.look();
  await node.session.assertLocked();
  let done = 0;
  const onDone = (index: number): void => {
    done = index + 1;
    const next = ops[done];
    // The last one has ended when it has been seen to.
    if (next !== undefined) report.reach(next);
  };
  const look = company.isSeenLater ? [] : namesToReadBack([...sight.unseen, ...ops]);
  const found = await node.session.docker.carryOut(steps, { look, onDone }).catch(async (error: unknown) => {
    await sight.blame(error, ops.slice(0, done));
    throw error;
  });
  sight.leave(ops);
  if (!company.isSeenLater) await sight.look(found);
}

async function performOne(op: Op, node: Node, context: RunContext, { givenUp, sight }: Company): Promise<void> {
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
      return createContainer(op, node, context);
    case 'start':
    case 'stop':
    case 'set_restart':
    case 'update':
    case 'rename':
    case 'remove':
      await docker.carryOut([stepOf(op)]);
      return;
    case 'unpause':
      return docker.unpause(op.container);
    case 'drain':
      await drain(op, node, context, givenUp);
      // The balancer has turned away from it; its container is looked at with whatever comes next.
      sight.leave([op]);
      return;
    case 'admit':
      await sight.look();
      return admit(op, node, context);
    case 'await':
      await sight.look();
      return awaitCondition(op, node, context);
    case 'verify':
      await sight.look();
      return verify(op, node, context, sight.takeLatest(op.container));
    case 'settle':
      await sight.look();
      return settle(op, node, context);
    case 'task':
      await sight.look();
      return runTask(op.task, op.handlers ?? [], node, context);
    default:
      return assertNever(op);
  }
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
