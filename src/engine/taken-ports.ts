import pLimit from 'p-limit';
import { DockerError } from '../docker/errors.ts';
import { groupAlike } from '../model/alike.ts';
import { newPorts, takenPortErrors } from '../plan/taken-ports.ts';
import { RemoteError } from '../ssh/remote.ts';
import { exitCodes } from '../events/exit-code.ts';
import { RunRefused, type RunContext } from './context.ts';
import type { Node, Tier } from './node.ts';

/**
 * Who has a port that a service is about to take is known before its node leaves rotation. A host is asked only where
 * there is such a port. @throws RunRefused naming every holder
 */
export async function refuseTakenPorts(tiers: readonly Tier[], context: RunContext): Promise<void> {
  const limit = pLimit(context.forks);
  const nodes = tiers.flatMap((tier) => tier.nodes);
  const found = await Promise.all(nodes.map((node) => limit(() => takenOn(node, context))));
  const errors = groupAlike(found.flat());
  if (errors.length > 0) throw new RunRefused(exitCodes.usage, 'the plan cannot be carried out', errors);
}

async function takenOn(node: Node, context: RunContext): Promise<readonly { host: string; text: string }[]> {
  const { plan, services, observed, name: host } = node;
  const wanted = newPorts(plan, services, observed.containers);
  if (wanted.length === 0) return [];
  try {
    const taken = await node.session.docker.takenPorts();
    return takenPortErrors(plan, wanted, taken).map((text) => ({ host, text }));
  } catch (error) {
    if (!(error instanceof DockerError || error instanceof RemoteError)) throw error;
    // Its start will say the same, later: that is no reason to refuse the run.
    const message = `whether its ports are free could not be read: ${error.message}`;
    context.emit({ type: 'warning', host, message });
    return [];
  }
}
