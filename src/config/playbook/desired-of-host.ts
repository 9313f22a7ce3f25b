import type { Facts, Host } from '../../model/host.ts';
import type { Play } from '../../model/play.ts';
import { ConfigError } from '../../model/problem.ts';
import type { HostDesired } from '../../model/service.ts';
import { sortProblems } from '../text/problems.ts';
import type { BuiltPlay } from './play.ts';
import { sharedProblems, type Placed } from './unique.ts';

/**
 * What a play wants of one of its hosts, seen together with what the plays before it want of the same host.
 * @throws ConfigError with everything that is wrong for this host
 */
export function desiredOfHost(
  built: ReadonlyMap<Play, BuiltPlay>,
  play: Play,
  host: Host,
  facts: Facts | undefined,
): HostDesired {
  const found = built.get(play);
  const member = found?.members.get(host.name);
  if (found === undefined || member === undefined) throw new Error(`${host.name} is not a host of ${play.name}`);
  const { desired, placed } = found.desired.for(member, facts);
  const earlier = [...built.values()].slice(0, [...built.keys()].indexOf(play));
  const placedEarlier = earlier.flatMap((other) => placedOf(other, host, facts));
  const problems = sharedProblems([...placedEarlier, placed]);
  if (problems.length > 0) throw new ConfigError(sortProblems(problems));
  const isGateMadeEarlier = placedEarlier.some(({ services }) =>
    services.some(({ service }) => service.containerName === desired.borrowedGate),
  );
  return isGateMadeEarlier ? { ...desired, isGateMadeEarlier } : desired;
}

/** What another play of the host puts there; what is wrong with that is said when that play is read. */
function placedOf({ desired, members }: BuiltPlay, host: Host, facts: Facts | undefined): readonly Placed[] {
  const member = members.get(host.name);
  if (member === undefined) return [];
  try {
    return [desired.for(member, facts).placed];
  } catch (error) {
    if (error instanceof ConfigError) return [];
    throw error;
  }
}
