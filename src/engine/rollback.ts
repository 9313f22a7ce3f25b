import { lineupOf } from '../plan/lineup.ts';
import { parkedContainers } from '../plan/restore.ts';
import type { RunContext } from './context.ts';
import type { Node, Tier } from './node.ts';
import { restoreAll } from './settle.ts';
import { askedStop, type Stop } from './stop.ts';

/** A play's nodes back to their parked previous containers. Those that have none are left as they are. */
export async function rollBackTier(tier: Tier, context: RunContext): Promise<Stop | undefined> {
  const going = tier.nodes.filter(hasParked);
  for (const node of tier.nodes) if (!hasParked(node)) node.result = 'unchanged';
  for (const node of going) node.before = parkedContainers(node.services, node.observed.containers);
  const stop = (): boolean => context.interrupt.isRequested;
  const blocked = await restoreAll(going, tier, { reason: 'rollback to the previous containers', stop }, context);
  // Here it is the aim of the run, not the way back from one.
  for (const node of going) if (node.result === 'restored') node.result = 'updated';
  const failed = going.filter(({ result }) => result === 'failed');
  if (stop()) return askedStop(context.interrupt);
  if (blocked === undefined && failed.length === 0) return undefined;
  const reason = blocked ?? `${failed.map(({ name }) => name).join(', ')} could not be rolled back`;
  return { kind: 'failures', isRestored: false, reason };
}

export function hasParked({ services, observed: { containers } }: Node): boolean {
  return services.some(({ containerName }) => lineupOf(containerName, containers).previous !== undefined);
}
