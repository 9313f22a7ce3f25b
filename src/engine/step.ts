import { removeStep, renameStep, startStep, stopStep, updateStep, type Step } from '../docker/steps.ts';
import type { Op } from '../plan/plan.ts';

type SimpleOp = Extract<Op, { kind: 'start' | 'stop' | 'set_restart' | 'update' | 'rename' | 'remove' }>;

/** The one docker command that an op is; undefined for an op that is more than that. */
export function stepOf(op: SimpleOp): Step;
export function stepOf(op: Op): Step | undefined;
export function stepOf(op: Op): Step | undefined {
  switch (op.kind) {
    case 'start':
      return startStep(op.container);
    case 'stop':
      return stopStep(op.container, op.graceMs);
    case 'set_restart':
      return updateStep(op.container, ['--restart', op.policy]);
    case 'update':
      return updateStep(op.container, op.args);
    case 'rename':
      return renameStep(op.container, op.to);
    case 'remove':
      return removeStep(op.container);
    default:
      return undefined;
  }
}
