import { connect as connectSocket, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { gatherWrites } from '../local/gather-writes.ts';
import ssh2, { type AuthenticationType } from 'ssh2';
import type { Authentication } from './auth.ts';
import { offeredAlgorithms } from './algorithms.ts';
import { Connection } from './connection.ts';
import { describeServer, type HostKeyCheck } from './host-key.ts';
import { RemoteError } from './remote.ts';
import type { Keepalive } from './settings-reader.ts';
import type { Target } from './target.ts';

/** A TCP connection without Nagle's delay from its first byte on; what is written in one turn goes together. Rejects with node's own error. */
export function dial(target: Target, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket({
      host: target.address,
      port: target.port,
      family: target.addressFamily,
      noDelay: true,
    });
    const abort = (): void => {
      socket.destroy();
      reject(toError(signal.reason));
    };
    const settle = (): void => signal.removeEventListener('abort', abort);
    socket.once('connect', () => {
      settle();
      socket.removeAllListeners('error');
      resolve(gatherWrites(socket));
    });
    socket.once('error', (error) => {
      settle();
      reject(error);
    });
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}

/** A failure that came before any command could have run. */
export class HandshakeError extends Error {
  readonly error: RemoteError;
  /** It may well go better a moment later. */
  readonly isTransient: boolean;

  constructor(error: RemoteError, isTransient: boolean) {
    super(error.message);
    this.error = error;
    this.isTransient = isTransient;
  }
}

/**
 * Speaks SSH on a connected stream until the user is logged in.
 * @throws HandshakeError
 */
export async function logIn(
  host: string,
  target: Target,
  stream: Duplex,
  authentication: Authentication,
  hostKey: HostKeyCheck,
  keepalive: Keepalive,
  signal: AbortSignal,
): Promise<Connection> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    const fail = (cause: unknown): void => {
      signal.removeEventListener('abort', abort);
      // Whatever comes after the first failure is only its echo.
      client.on('error', () => undefined);
      client.end();
      stream.destroy();
      reject(explainFailure(host, target, authentication, hostKey, cause));
    };
    const abort = (): void => fail(signal.reason);
    client.on('error', (error) => {
      // A key that could not sign (a wrong passphrase): ssh2 goes on with the next one.
      if (error.level !== 'agent') fail(error);
    });
    client.once('close', () => fail(new Error('Connection closed during the handshake')));
    client.once('ready', () => {
      signal.removeEventListener('abort', abort);
      client.removeAllListeners('error').removeAllListeners('close');
      resolve(new Connection(client, stream));
    });
    signal.addEventListener('abort', abort, { once: true });
    client.connect({
      sock: stream,
      username: target.user,
      algorithms: offeredAlgorithms(hostKey.knownKeyTypes),
      // Only a literal false refuses, and a Promise accepts: the answer goes through the callback.
      hostVerifier: (key: Buffer, verify: (accepted: boolean) => void): void => verify(hostKey.accepts(key)),
      authHandler: (accepted: AuthenticationType[] | null) => authentication.next(accepted),
      keepaliveInterval: keepalive.intervalMs,
      keepaliveCountMax: keepalive.countMax,
      // The deadline is the caller's, who stops it while a person types a passphrase.
      readyTimeout: 0,
    });
  });
}

function explainFailure(
  host: string,
  target: Target,
  authentication: Authentication,
  hostKey: HostKeyCheck,
  cause: unknown,
): HandshakeError {
  const error = toError(cause);
  if (error instanceof RemoteError) return new HandshakeError(error, false);
  if (hostKey.refusal !== undefined) return new HandshakeError(hostKey.refusal, false);
  const server = describeServer(target);
  const { message } = error;
  if ('level' in error && error.level === 'client-authentication')
    return refusedLogin(host, target, authentication, error);
  if (/too many authentication failures/i.test(message)) return refusedLogin(host, target, authentication, error);
  if (/no matching|handshake failed: no/i.test(message)) {
    return new HandshakeError(
      new RemoteError(host, 'handshake_failed', `${server} offers no algorithm that is safe: ${message}.`, {
        cause: error,
        hint: 'SHA-1 and CBC algorithms are not used. Bring the server’s sshd up to date, or look at its Ciphers, MACs, KexAlgorithms and HostKeyAlgorithms.',
      }),
      false,
    );
  }
  // Nothing was said yet, or only half: sshd drops connections so when too many are being set up at once.
  const isTransient = authentication.attempts === 0;
  return new HandshakeError(
    new RemoteError(
      host,
      'handshake_failed',
      /before handshake|closed during/.test(message)
        ? `${server} closed the connection ${authentication.attempts === 0 ? 'before the handshake' : 'during the login'}.`
        : `the SSH handshake with ${server} failed: ${message}.`,
      {
        cause: error,
        hint: 'Is it an SSH server, and does its log (MaxStartups, AllowUsers, hosts.deny, fail2ban) say why?',
      },
    ),
    isTransient,
  );
}

function refusedLogin(host: string, target: Target, authentication: Authentication, cause: Error): HandshakeError {
  const { message, hint } = authentication.explain();
  return new HandshakeError(
    new RemoteError(host, 'auth_failed', `${describeServer(target)} does not let ${target.user} in: ${message}`, {
      cause,
      hint,
    }),
    false,
  );
}

function toError(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value));
}
