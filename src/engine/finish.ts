import type { HostResult, RunHosts } from '../events/event.ts';
import { endingOf, type Ending } from '../plan/outcome.ts';
import { isUnchanged } from '../plan/reconcile.ts';
import type { RunContext } from './context.ts';
import type { Node, Tier } from './node.ts';
import type { Stop } from './stop.ts';

/** How a run ended, and each of its hosts. */
export interface FinishedRun extends Ending {
  readonly hosts: RunHosts;
}

/** The work of a run up to its end; stopped in the middle it ends all the same, with what is known of each host. */
export async function untilEnd(
  tiers: readonly Tier[],
  context: RunContext,
  work: () => Promise<Stop | undefined>,
): Promise<FinishedRun> {
  try {
    return finish(tiers, await work(), context);
  } catch (error) {
    if (!context.interrupt.now.aborted) throw error;
    return finish(tiers, { kind: 'interrupt' }, context);
  }
}

function finish(tiers: readonly Tier[], stop: Stop | undefined, context: RunContext): FinishedRun {
  const hosts: Record<string, { result: HostResult; durationMs?: number; message?: string }> = {};
  for (const { nodes, unreachable } of tiers) {
    for (const host of unreachable) hosts[host] = { result: 'unreachable' };
    for (const node of nodes) {
      const { name, durationMs } = node;
      const settled = settle(node);
      const message = node.message ?? (settled === node.result ? undefined : halfWay[settled]);
      const earlier = hosts[name]?.result;
      if (earlier !== undefined && rank[earlier] >= rank[settled]) continue;
      hosts[name] = {
        result: settled,
        ...(durationMs === undefined ? {} : { durationMs }),
        ...(message === undefined ? {} : { message }),
      };
    }
  }
  const ending = endingOf({
    results: Object.values(hosts).map(({ result }) => result),
    stoppedBy: stop?.kind,
    isRestored: stop?.kind !== 'failures' || stop.isRestored,
  });
  context.interrupt.close();
  context.emit({
    type: 'run_finished',
    ...ending,
    durationMs: context.clock.now() - context.startedMs,
    hosts,
    ...(ending.outcome === 'interrupted' ? { next: context.resumeCommand } : {}),
  });
  return { ...ending, hosts };
}

/** A node that was stopped in its middle has no result of its own: it is neither as it was nor as wanted. */
function settle({ result, before, plan }: Node): HostResult {
  if (result !== 'untouched') return result;
  if (before !== undefined) return 'failed';
  return isUnchanged(plan) ? 'unchanged' : 'untouched';
}

const halfWay: Partial<Record<HostResult, string>> = { failed: 'stopped half way; the next run puts it right' };

/** Of a host's results in several plays, the one that an operator must hear of. */
const rank: Readonly<Record<HostResult, number>> = {
  untouched: 0,
  unchanged: 1,
  updated: 2,
  restored: 3,
  failed: 4,
  unreachable: 5,
};
