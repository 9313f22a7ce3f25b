import type { Container } from '../docker/observed.ts';
import type { Op } from './plan.ts';

/**
 * Whether what an op is for already holds on a host that was read again after its connection broke in the middle:
 * true: go on with the next one; false: do it (again); `unknown`: it may have run and must not run twice.
 */
export function opHolds(op: Op, containers: ReadonlyMap<string, Container>): boolean | 'unknown' {
  switch (op.kind) {
    case 'create':
      return containers.has(op.container);
    case 'start':
      return containers.get(op.container)?.state.running === true;
    case 'stop':
      return containers.get(op.container)?.state.running === false;
    case 'rename':
      // The ops before it have made sure that the new name was free.
      return containers.has(op.to) && !containers.has(op.container);
    case 'remove':
      return !containers.has(op.container);
    case 'task':
      return 'unknown';
    // Doing these again does no harm.
    case 'pull':
    case 'create_network':
    case 'create_volume':
    case 'drain':
    case 'admit':
    case 'await':
    case 'verify':
    case 'set_restart':
    case 'update':
      return false;
  }
}
