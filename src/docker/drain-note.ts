import { Inspected } from '../service/inspected.ts';
import type { Container, Observed } from './observed.ts';

/**
 * What a run leaves on a host while a health container is stopped that is not its own: nobody else knows the restart
 * policy that draining has taken from it, nor what ran beside it. It is an empty volume whose labels say so: it outlives
 * the run and a reboot, and who may stop a container may make one.
 */
export interface DrainNote {
  /** Of the health container. */
  readonly id: string;
  /** When that one was started last, as docker says: one that was started since is not what the note is about. */
  readonly startedAt: string;
  /** Its own restart policy, as for `docker update --restart`. */
  readonly policy: string;
  /** Names of the containers that ran beside it. */
  readonly ran: readonly string[];
}

const labels = {
  id: 'rollout.drained',
  startedAt: 'rollout.drained-started-at',
  policy: 'rollout.drained-restart',
  ran: 'rollout.drained-beside',
} as const;

export const noteName = (container: string): string => `rollout.drained.${container}`;

/** How docker keeps it. */
export const noteLabels = ({ id, startedAt, policy, ran }: DrainNote): Readonly<Record<string, string>> => ({
  [labels.id]: id,
  [labels.startedAt]: startedAt,
  [labels.policy]: policy,
  [labels.ran]: ran.join(','),
});

const policies = /^(?:no|always|unless-stopped|on-failure(?::\d+)?)$/;
const names = /^[a-zA-Z0-9][\w.-]*$/;

/** The note about a container as it is now; undefined where there is none, or where it is about an earlier start of it. */
export function noteAbout(container: Container, { volumeDocuments }: Observed): DrainNote | undefined {
  const document = volumeDocuments?.get(noteName(container.name));
  if (document === undefined) return undefined;
  const said = new Inspected(document).textMap('Labels');
  const { [labels.id]: id = '', [labels.startedAt]: startedAt = '', [labels.policy]: policy = '' } = said;
  const isAbout = id === container.id && startedAt === container.state.startedAt;
  // Anybody may have made a volume of that name: what it says ends in commands.
  if (!isAbout || !policies.test(policy)) return undefined;
  const ran = (said[labels.ran] ?? '').split(',').filter((name) => names.test(name));
  return { id, startedAt, policy, ran };
}
