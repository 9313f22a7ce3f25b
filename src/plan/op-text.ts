import { assertNever } from '../model/assert-never.ts';
import { formatImageRef, type ImageRef } from '../model/image.ts';
import type { OpText } from '../events/event.ts';
import type { Op } from './plan.ts';

/** An op in the words that plan, log and report share. */
export function describeOp(op: Op): OpText {
  const service = 'service' in op ? { service: typeof op.service === 'string' ? op.service : op.service.name } : {};
  const isForJob = op.kind === 'await' && op.condition === 'service_completed_successfully';
  return { kind: op.kind, text: opText(op), cause: op.cause, ...service, ...(isForJob ? { job: op.container } : {}) };
}

function opText(op: Op): string {
  switch (op.kind) {
    case 'pull':
      return `pull ${formatImageRef(op.image)}`;
    case 'create_network':
      return `create network ${op.network.name}`;
    case 'create_volume':
      return `create volume ${op.volume.name}`;
    case 'drain':
      return op.container === undefined
        ? `wait until ${op.server} is drained`
        : `stop ${op.container}, drain ${op.server}`;
    case 'admit':
      return op.container === undefined
        ? `wait until ${op.server} serves`
        : `start ${op.container}, admit ${op.server}`;
    case 'create':
      return `create ${op.container} from ${formatImageRef(withShortDigest(op.service.image))}`;
    case 'start':
      return `start ${op.container}`;
    case 'stop':
      return `stop ${op.container}`;
    case 'set_restart':
      return `set ${op.container} to restart ${op.policy}`;
    case 'update':
      return `update ${op.container}: ${op.args.join(' ')}`;
    case 'unpause':
      return `unpause ${op.container}`;
    case 'rename':
      return `rename ${op.container} to ${op.to}`;
    case 'remove':
      return `remove ${op.container}`;
    case 'await':
      return op.condition === 'service_healthy'
        ? `wait until ${op.container} is healthy`
        : `wait until ${op.container} has completed`;
    case 'verify':
      return `verify ${op.container}`;
    case 'settle':
      return 'wait until what ran beside it runs again';
    case 'task':
      return `task ${op.task.name}`;
    default:
      return assertNever(op);
  }
}

/** `sha256:` and the first 12 digits, as docker prints ids. */
export function shortDigest(digest: string | undefined): string {
  return digest === undefined ? 'unknown' : digest.slice(0, 'sha256:'.length + 12);
}

function withShortDigest(image: ImageRef): ImageRef {
  return image.digest === undefined ? image : { ...image, digest: shortDigest(image.digest) };
}
