import type { HostResult, Outcome } from '../events/event.ts';

export interface Ending {
  readonly outcome: Outcome;
  readonly exitCode: number;
}

/** How a run ended, and its exit code, from how its hosts ended and what stopped it. */
export function endingOf(input: {
  results: Iterable<HostResult>;
  stoppedBy: 'interrupt' | 'pause' | 'failures' | undefined;
  /** Whether every node that was to be put back serves again. */
  isRestored: boolean;
}): Ending {
  const results = new Set(input.results);
  if (input.stoppedBy === 'interrupt') return { outcome: 'interrupted', exitCode: 130 };
  if (input.stoppedBy === 'pause') return { outcome: 'paused', exitCode: 7 };
  const isFailed = results.has('failed') || input.stoppedBy === 'failures';
  if (isFailed || (results.has('restored') && input.stoppedBy === undefined)) {
    // Neither left changed nor put back: as for hosts that cannot be reached, the same command may be tried again.
    if (!touching.some((result) => results.has(result))) return { outcome: 'failed', exitCode: 4 };
    const isRolledBack = input.isRestored && !results.has('updated') && !results.has('failed');
    return isRolledBack ? { outcome: 'rolled_back', exitCode: 5 } : { outcome: 'failed', exitCode: 3 };
  }
  if (results.has('updated')) return { outcome: 'changed', exitCode: results.has('unreachable') ? 3 : 0 };
  return { outcome: 'unchanged', exitCode: results.has('unreachable') ? 3 : 0 };
}

/** Results of hosts that a run has changed, whatever became of it. */
const touching = ['updated', 'restored', 'failed'] as const satisfies readonly HostResult[];
