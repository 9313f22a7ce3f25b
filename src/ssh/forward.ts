import type { Duplex } from 'node:stream';
import type { Connection } from './connection.ts';
import type { Target } from './target.ts';

/** A connection from a jump host to the next server. */
export function forwardTo(jump: Connection, target: Target, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    jump.client.forwardOut('127.0.0.1', 0, target.address, target.port, (error, stream) => {
      signal.removeEventListener('abort', abort);
      if (error !== undefined) reject(error);
      else if (signal.aborted) stream.destroy();
      else resolve(stream);
    });
  });
}

/** What sshd answers where its configuration forbids it; what cannot be connected to has another reason. */
const administrativelyProhibited = 1;

/** sshd forwards no TCP connection there: AllowTcpForwarding, PermitOpen and their like. */
export const isForwardingRefused = (error: unknown): boolean =>
  error instanceof Error && 'reason' in error && error.reason === administrativelyProhibited;

export const forwardingHint = (whose: string): string =>
  `Set AllowTcpForwarding yes (or local), and no PermitOpen against it, in ${whose} sshd_config.`;
