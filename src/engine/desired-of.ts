import { Docker } from '../docker/docker.ts';
import type { Host } from '../model/host.ts';
import type { Play } from '../model/play.ts';
import { ConfigError } from '../model/problem.ts';
import type { HostDesired } from '../model/service.ts';
import type { FleetInput } from './fleet.ts';

/**
 * What a play wants of a host, for commands that only need names; the host is asked where a template needs its facts.
 * @throws RemoteError, DockerError, ConfigError
 */
export async function desiredOf(
  play: Play,
  host: Host,
  { playbook, connector }: Pick<FleetInput, 'playbook' | 'connector'>,
): Promise<HostDesired> {
  try {
    return playbook.desired(play, host, undefined);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
  }
  const remote = await connector.connect(host);
  try {
    return playbook.desired(play, host, (await new Docker(remote).survey()).facts);
  } finally {
    await remote.close();
  }
}
