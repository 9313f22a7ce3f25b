import pLimit from 'p-limit';
import { DockerError } from '../docker/errors.ts';
import type { Clock } from '../model/clock.ts';
import type { Host } from '../model/host.ts';
import type { Connector } from '../ssh/connect.ts';
import type { LockHolder } from '../ssh/lock.ts';
import { RemoteError } from '../ssh/remote.ts';
import { withHint } from './op-error.ts';
import { HostSession } from './session.ts';

/** What one host was asked for, or why it did not say. */
export type Look<T> = { readonly host: string } & ({ readonly found: T } | { readonly trouble: string });

/** How hosts are reached to be read, and no more: no lock is taken. */
export interface Looker {
  readonly connector: Connector;
  readonly holder: LockHolder;
  readonly clock: Clock;
  readonly forks: number;
}

/** Reads every host, each once, several at a time; one that cannot be read does not keep the others from it. */
export function lookAtAll<T>(
  hosts: readonly Host[],
  { connector, holder, clock, forks }: Looker,
  read: (session: HostSession) => Promise<T>,
): Promise<readonly Look<T>[]> {
  const limit = pLimit(forks);
  const unique = [...new Map(hosts.map((host) => [host.name, host])).values()];
  const lookAt = async (host: Host): Promise<Look<T>> => {
    let session: HostSession | undefined;
    try {
      session = await HostSession.open(host, connector, holder, clock);
      return { host: host.name, found: await read(session) };
    } catch (error) {
      if (error instanceof RemoteError || error instanceof DockerError)
        return { host: host.name, trouble: withHint(error) };
      throw error;
    } finally {
      await session?.close();
    }
  };
  return Promise.all(unique.map((host) => limit(() => lookAt(host))));
}
