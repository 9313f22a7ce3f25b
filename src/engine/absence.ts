import { DockerError } from '../docker/errors.ts';
import { RemoteError } from '../ssh/remote.ts';
import type { RunContext } from './context.ts';
import type { HostSession } from './session.ts';

/** The host or its daemon is away for now, and may come back: nothing is known of what a command did. */
export function isAbsence(error: unknown): error is RemoteError | DockerError {
  if (error instanceof DockerError) return error.kind === 'daemon_down' || error.kind === 'unreadable';
  return error instanceof RemoteError && (error.kind === 'connection_lost' || error.kind === 'unreachable');
}

export function absenceWords(error: RemoteError | DockerError): string {
  if (error instanceof RemoteError) return `the connection was lost (${error.message})`;
  return error.kind === 'unreadable'
    ? `docker does not say what the host has (${error.message})`
    : `the docker daemon is away (${error.message})`;
}

/** How often a daemon that is away is asked again. */
const daemonRetryMs = 500;

/**
 * Reads a host, through lost connections and restarted daemons, and says meanwhile what it waits for.
 * @throws RemoteError or DockerError when it is not back within `limitMs`; whatever else `read` throws
 */
export async function readThroughAbsence<T>(
  session: HostSession,
  context: RunContext,
  limitMs: number,
  read: () => Promise<T>,
): Promise<T> {
  using notice = context.heartbeat.wait(session.host.name, { limitMs });
  let isAway = false;
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (!isAbsence(error)) throw error;
      if (!isAway) notice.restart();
      isAway = true;
      if (notice.isOver) throw error;
      if (error instanceof RemoteError) await session.reconnect(context, notice.remainingMs);
      else {
        notice.say(`the host to come back: ${absenceWords(error)}`);
        await context.clock.sleep(daemonRetryMs, context.interrupt.now);
      }
    }
  }
}
