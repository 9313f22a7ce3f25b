import pLimit from 'p-limit';
import { DockerError } from '../docker/errors.ts';
import { exitCodes } from '../events/exit-code.ts';
import { groupAlike } from '../model/alike.ts';
import { isUnchanged } from '../plan/reconcile.ts';
import { hasAmpleRoom, lackOfRoom } from '../plan/room.ts';
import { RunRefused, type RunContext } from './context.ts';
import { isAbsence } from './absence.ts';
import type { Tier } from './node.ts';

/**
 * Docker's folder on every host that is to be changed has room for what an update and its way back write. Asked after the
 * pulls, which take most. @throws RunRefused, with every host that has not
 */
export async function requireRoom(tiers: readonly Tier[], context: RunContext): Promise<void> {
  const limit = pLimit(context.forks);
  const nodes = tiers.flatMap((tier) => tier.nodes).filter(({ plan }) => !isUnchanged(plan));
  const found = await Promise.all(
    nodes.map((node) =>
      limit(async () => {
        try {
          const room = await node.session.docker.room();
          node.hasAmpleRoom = hasAmpleRoom(room);
          return { host: node.name, text: lackOfRoom(room) };
        } catch (error) {
          // A host that is away, or whose docker fails, is waited for or told of when its turn comes.
          if (error instanceof DockerError || isAbsence(error)) return { host: node.name, text: undefined };
          throw error;
        }
      }),
    ),
  );
  const lacking = found.flatMap(({ host, text }) => (text === undefined ? [] : [{ host, text }]));
  if (lacking.length === 0) return;
  const hosts = new Set(lacking.map(({ host }) => host)).size;
  const message = `${hosts} ${hosts === 1 ? 'host has' : 'hosts have'} no room left for docker; nothing was touched`;
  throw new RunRefused(exitCodes.unreachable, message, groupAlike(lacking));
}
