import type { HostResult, Outcome } from '../events/event.ts';
import { exitCodes, type ExitCode } from '../events/exit-code.ts';

export interface Ending {
  readonly outcome: Outcome;
  readonly exitCode: ExitCode;
}

/** How a run ended, and its exit code, from how its hosts ended and what stopped it. */
export function endingOf(input: {
  results: Iterable<HostResult>;
  stoppedBy: 'interrupt' | 'pause' | 'failures' | undefined;
  /** Whether every node that was to be put back serves again. */
  isRestored: boolean;
}): Ending {
  const results = new Set(input.results);
  if (input.stoppedBy === 'interrupt') return { outcome: 'interrupted', exitCode: exitCodes.interrupted };
  if (input.stoppedBy === 'pause') return { outcome: 'paused', exitCode: exitCodes.paused };
  const isFailed = results.has('failed') || input.stoppedBy === 'failures';
  if (isFailed || (results.has('restored') && input.stoppedBy === undefined)) {
    // Neither left changed nor put back: as for hosts that cannot be reached, the same command may be tried again.
    if (!touching.some((result) => results.has(result))) return { outcome: 'failed', exitCode: exitCodes.unreachable };
    const isRolledBack = input.isRestored && !results.has('updated') && !results.has('failed');
    return isRolledBack
      ? { outcome: 'rolled_back', exitCode: exitCodes.rolledBack }
      : { outcome: 'failed', exitCode: exitCodes.failed };
  }
  if (results.has('updated'))
    return { outcome: 'changed', exitCode: results.has('unreachable') ? exitCodes.failed : exitCodes.done };
  return { outcome: 'unchanged', exitCode: results.has('unreachable') ? exitCodes.failed : exitCodes.done };
}

/** Results of hosts that a run has changed, whatever became of it. */
const touching = ['updated', 'restored', 'failed'] as const satisfies readonly HostResult[];
