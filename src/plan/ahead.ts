import type { NodePlan, Op } from './plan.ts';

type Create = Extract<Op, { kind: 'create' }>;

/**
 * The containers of a node's update that may be created before its turn, in their order: those for which everything is
 * there already. Behind a task, a resource that is to be made, or anything that a start may change, nothing is; neither
 * where the node is to be healed first. A tag without a digest may mean something else by then.
 */
export function createsAhead({
  heal,
  before,
  during,
}: Pick<NodePlan, 'heal' | 'before' | 'during'>): readonly Create[] {
  if (heal.length > 0) return [];
  const ops = [...before, ...during];
  const end = ops.findIndex(({ kind }) => !leavesAsItIs.has(kind));
  return ops.slice(0, end === -1 ? undefined : end).filter(isReady);
}

/** What does not change what a container is created from. */
const leavesAsItIs: ReadonlySet<Op['kind']> = new Set<Op['kind']>([
  'create',
  'drain',
  'remove',
  'rename',
  'set_restart',
  'stop',
  'update',
]);

function isReady(op: Op): op is Create {
  return op.kind === 'create' && op.namesUntilThen === undefined && op.service.image.digest !== undefined;
}
