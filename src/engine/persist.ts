import { DockerError, type DockerErrorKind } from '../docker/errors.ts';
import type { Container } from '../docker/observed.ts';
import { formatDuration } from '../model/duration.ts';
import type { Op } from '../plan/plan.ts';
import { needsOthers, recoverOps, startAgain } from '../plan/progress.ts';
import type { RemoteError } from '../ssh/remote.ts';
import { absenceWords, isAbsence, readThroughAbsence } from './absence.ts';
import type { RunContext } from './context.ts';
import type { Node } from './node.ts';
import { OpError } from './op-error.ts';

/** How long a host may be away in the middle of its update before it counts as failed. */
const absenceLimitMs = 120_000;
/** A host that goes away more often than this in one op is not fit to be updated. */
const mostAbsences = 5;
/** Before it is tried a third time; twice as long before each further one. */
const againMs = 1000;
/** Before docker is asked again for what it has refused. */
const afterRefusalMs = [300, 1000] as const;

/**
 * Carries ops out, through lost connections, restarted daemons and reboots: waits for the host, reads it again, and
 * only then decides what is left to be done.
 */
export async function persist(
  ops: readonly [Op, ...Op[]],
  node: Node,
  context: RunContext,
  perform: (ops: readonly Op[]) => Promise<void>,
): Promise<void> {
  let left: readonly Op[] = ops;
  let refusals = 0;
  for (let absences = 0; ;) {
    try {
      if (node.wasAway && ops.some((op) => needsOthers(op, node.services)))
        await bringBack(ops[0], node, context, perform);
      await perform(left);
      return;
    } catch (error) {
      if (isRefusal(error, ops)) {
        const rest = await afterRefusal(ops, error, node, context);
        if (rest.length === 0) return;
        const waitMs = afterRefusalMs[refusals];
        if (waitMs === undefined || stands.has(error.kind) || context.interrupt.now.aborted) throw error;
        await context.clock.sleep(waitMs, context.interrupt.now);
        refusals += 1;
        left = rest;
        continue;
      }
      const passes = isAbsence(error) || (absences > 0 && isHalfMade(error, left));
      if (!passes || absences === mostAbsences || context.interrupt.now.aborted) throw error;
      if (absences > 0) await context.clock.sleep(againMs * 2 ** (absences - 1), context.interrupt.now);
      left = await comeBack(ops, error, node, context);
      absences += 1;
    }
  }
}

/** What is known to stay refused. A name or a port that is taken may be on its way to be free. */
const stands: ReadonlySet<DockerErrorKind> = new Set([
  'not_found',
  'not_removable', // the command itself has asked for half a minute
  'no_space',
  'permission_denied',
  'docker_missing',
  'not_docker',
]);

/** Docker has refused to change a container. */
function isRefusal(error: unknown, ops: readonly Op[]): error is DockerError {
  return error instanceof DockerError && !isAbsence(error) && ops.every(({ kind }) => changesOne.has(kind));
}

const changesOne: ReadonlySet<Op['kind']> = new Set([
  'set_restart',
  'update',
  'rename',
  'stop',
  'start',
  'unpause',
  'remove',
]);

/**
 * What docker says when it refuses differs between its versions, and it may have done what it refuses: the containers
 * tell. @returns what is left of the ops; none where all is as it was to be
 */
async function afterRefusal(
  ops: readonly [Op, ...Op[]],
  error: DockerError,
  node: Node,
  context: RunContext,
): Promise<readonly Op[]> {
  const rest = recoverOps(ops, await rereadContainers(ops[0], node, context));
  if (rest === 'unknown') throw error;
  return rest;
}

/** The create that was cut off goes on at the daemon: its name is taken already, and its container does not show yet. */
function isHalfMade(error: unknown, ops: readonly Op[]): error is DockerError {
  return error instanceof DockerError && error.kind === 'conflict' && ops.some(({ kind }) => kind === 'create');
}

/** @returns what is left of the ops. @throws OpError when the host stays away, or nothing can be known */
async function comeBack(
  ops: readonly [Op, ...Op[]],
  error: RemoteError | DockerError,
  node: Node,
  context: RunContext,
): Promise<readonly Op[]> {
  const why = error instanceof DockerError && error.kind === 'conflict' ? error.message : absenceWords(error);
  context.emit({ type: 'warning', host: node.name, message: `${why}; reading the host again` });
  node.wasAway = true;
  const left = recoverOps(ops, await rereadContainers(ops[0], node, context));
  if (left === 'unknown') throw new OpError(ops[0], `${why} while it ran; it may or may not have ended`);
  return left;
}

/** What ran may have stopped with the host or its daemon: it has to run before anything is judged or let in. */
async function bringBack(
  op: Op,
  node: Node,
  context: RunContext,
  perform: (ops: readonly Op[]) => Promise<void>,
): Promise<void> {
  const containers = await rereadContainers(op, node, context);
  await perform(startAgain(node, containers));
  node.wasAway = false;
}

async function rereadContainers(op: Op, node: Node, context: RunContext): Promise<ReadonlyMap<string, Container>> {
  const names = [
    ...node.observed.containers.keys(),
    ...node.services.flatMap((service) => node.order.containerNames(service)),
  ];
  try {
    const read = () => node.session.observe({ names, images: [] });
    return (await readThroughAbsence(node.session, context, absenceLimitMs, read)).containers;
  } catch (error) {
    if (!isAbsence(error)) throw error;
    throw new OpError(op, `the host did not come back within ${formatDuration(absenceLimitMs)}: ${error.message}`, {
      hint: error.hint,
      cause: error,
    });
  }
}
