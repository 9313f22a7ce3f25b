import type { Container } from '../docker/observed.ts';
import type { Service } from '../model/service.ts';
import { sharingOf } from '../service/shared.ts';
import { isOurs } from './containers.ts';
import { jobsOf } from './dependencies.ts';
import type { ReplacementOrder } from './order/order.ts';
import type { Op } from './plan.ts';
import { withoutProbe } from './unprobed.ts';

type Containers = ReadonlyMap<string, Container>;

/**
 * How ops that were carried out together go on, on a host that was read again after its connection or its daemon was
 * lost in the middle of them: those that still have to be done, none where all have come true already; `unknown` where
 * one may have run and must not run twice.
 */
export function recoverOps(ops: readonly Op[], containers: Containers): readonly Op[] | 'unknown' {
  if (ops.some(({ kind }) => kind === 'task')) return 'unknown';
  // Nobody else renames: one that has come true proves those before it. A stop or a start may be the host's own doing.
  const proof = ops.findLastIndex((op) => op.kind === 'rename' && holds(op, containers));
  return ops
    .slice(proof + 1)
    .filter((op) => !holds(op, containers))
    .flatMap((op) => [...clearWay(op, containers), op]);
}

function holds(op: Op, containers: Containers): boolean {
  switch (op.kind) {
    case 'start':
      return containers.get(op.container)?.state.running === true;
    case 'stop':
      return containers.get(op.container)?.state.running === false;
    case 'rename':
      // The ops before it have made sure that the new name was free.
      return containers.has(op.to) && !containers.has(op.container);
    case 'remove':
      return !containers.has(op.container);
    case 'unpause':
      return containers.has(op.container) && containers.get(op.container)?.state.status !== 'paused';
    // Doing these again does no harm.
    case 'create':
    case 'pull':
    case 'create_network':
    case 'create_volume':
    case 'drain':
    case 'admit':
    case 'await':
    case 'verify':
    case 'settle':
    case 'set_restart':
    case 'update':
    case 'task':
      return false;
  }
}

/** A container that was just being created may lack a network or a file: it is made anew. Somebody else's is not ours to remove. */
function clearWay(op: Op, containers: Containers): readonly Op[] {
  if (op.kind !== 'create' || !isOurs(containers.get(op.container))) return [];
  return [{ kind: 'remove', service: op.service.name, container: op.container, cause: 'it may be half made' }];
}

/** Ops that come when every service of the node should run, and the start of one that shares with another. */
export function needsOthers(op: Op, services: readonly Service[]): boolean {
  switch (op.kind) {
    case 'await':
    case 'verify':
    case 'settle':
    case 'admit':
      return true;
    case 'start':
      return services.some(({ containerName, spec }) => containerName === op.container && sharingOf(spec).length > 0);
    default:
      return false;
  }
}

/**
 * What has to be started on a node whose host or daemon went away in the middle of its update: containers that ran, or
 * that the update had started, and whose restart policy did not bring them back. Those that the update has still to
 * replace are left alone, and so is the gate.
 */
export function startAgain(
  { services, gate, order }: { services: readonly Service[]; gate: string | undefined; order: ReplacementOrder },
  containers: Containers,
): Op[] {
  const jobs = jobsOf(services);
  const cause = 'it stopped with its host or its daemon';
  return services
    .filter((service) => {
      const { name, containerName } = service;
      const isMidway = order.isMidway(service, containers);
      return name !== gate && !jobs.has(name) && !isMidway && containers.get(containerName)?.state.status === 'exited';
    })
    .flatMap((service): Op[] => [
      { kind: 'start', service: service.name, container: service.containerName, cause },
      { kind: 'verify', service: withoutProbe(service), container: service.containerName, cause },
    ]);
}
