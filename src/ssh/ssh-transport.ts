import { constants } from 'node:os';
import type { Duplex } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import { ChannelSlots, isRefusedChannel } from './channel-slots.ts';
import type { Connection } from './connection.ts';
import { quoteArgv } from '../shell/quote.ts';
import { RemoteError, type RemoteErrorKind, type RemoteProcess } from './remote.ts';
import type { StartOptions, Transport } from './transport.ts';

/** sshd's MaxSessions is 10 by default, and one is left for a person's own multiplexed ssh. */
const maxChannels = 8;
/** RFC 4254, section 5.1. */
const administrativelyProhibited = 1;

export interface SshTransportOptions {
  readonly host: string;
  readonly user: string;
  /** `10.0.0.1 port 22`, for errors. */
  readonly server: string;
}

/** Commands and TCP connections over one ssh2 connection that is logged in. */
export class SshTransport implements Transport {
  readonly host: string;
  readonly user: string;
  readonly closed: Promise<RemoteError | undefined>;
  readonly #connection: Connection;
  readonly #server: string;
  readonly #slots = new ChannelSlots(maxChannels);
  /** Told of a lost connection: a channel that nobody reads does not notice by itself. */
  readonly #open = new Set<() => void>();
  #lost: RemoteError | undefined;
  #isClosing = false;

  constructor(connection: Connection, { host, user, server }: SshTransportOptions) {
    this.host = host;
    this.user = user;
    this.#connection = connection;
    this.#server = server;
    this.closed = connection.ended.then(() => {
      // After ssh2 has handed on what it still held: a result that came in time counts.
      setImmediate(() => this.#open.forEach((settle) => settle()));
      return this.#isClosing ? undefined : this.#loss();
    });
  }

  async start(argv: () => readonly string[], options: StartOptions): Promise<RemoteProcess> {
    try {
      return await this.#slots.run(
        () => this.#exec(quoteArgv(argv())),
        (process) => process.exited,
        { ...options, abandon: (process) => process.close() },
      );
    } catch (error) {
      throw options.signal?.aborted === true ? error : this.#explainRefusal(error);
    }
  }

  openTcp(port: number, address: string): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      this.#assertOpen();
      this.#connection.client.forwardOut('127.0.0.1', 0, address, port, (error, channel) => {
        if (error !== undefined) {
          reject(this.#explainForward(error, port, address));
          return;
        }
        // A write to a channel that has just closed; who uses the stream sees it close.
        channel.on('error', () => undefined);
        resolve(channel);
      });
    });
  }

  close(): Promise<void> {
    this.#isClosing = true;
    this.#connection.close();
    return Promise.resolve();
  }

  #exec(command: string): Promise<RemoteProcess> {
    return new Promise((resolve, reject) => {
      this.#assertOpen();
      this.#connection.client.exec(command, (error, channel) => {
        if (error === undefined) resolve(this.#process(channel));
        else reject(error);
      });
    });
  }

  #process(channel: ClientChannel): RemoteProcess {
    const exited = new Promise<number>((resolve, reject) => {
      let exitCode: number | undefined;
      const settle = (): void => {
        this.#open.delete(settle);
        if (exitCode !== undefined) resolve(exitCode);
        // A null code is never success: the connection was lost, or the channel closed without a status.
        else
          reject(
            this.#loss() ??
              this.#error('connection_lost', `${this.#server} closed the channel without an exit status.`),
          );
      };
      this.#open.add(settle);
      channel.once('exit', (code: number | null, signalName?: string) => {
        exitCode = code ?? 128 + signalNumber(signalName);
      });
      channel.once('close', settle);
    });
    // Nobody need wait for it, nor for a write to a channel that has just closed.
    exited.catch(() => undefined);
    channel.on('error', () => undefined);
    return {
      stdin: channel.stdin,
      stdout: channel.stdout,
      stderr: channel.stderr,
      exited,
      close: () => {
        channel.end();
        channel.close();
        // ssh2 tells of the end only once everything before it has been read.
        channel.resume();
        channel.stderr.resume();
      },
    };
  }

  #assertOpen(): void {
    const loss = this.#loss();
    if (loss !== undefined) throw loss;
    if (this.#isClosing) throw this.#error('connection_lost', `the connection to ${this.#server} is closed.`);
  }

  /** Why the connection is gone, once it is. */
  #loss(): RemoteError | undefined {
    return this.#connection.isEnded ? (this.#lost ??= this.#lossReason()) : undefined;
  }

  #lossReason(): RemoteError {
    if (this.#isClosing) return this.#error('connection_lost', `the connection to ${this.#server} was closed.`);
    const { cause } = this.#connection;
    const code = cause !== undefined && 'code' in cause ? cause.code : undefined;
    const reason =
      cause === undefined || code === 'EPIPE' || code === 'ECONNRESET'
        ? 'the server closed it'
        : cause.message === 'Keepalive timeout'
          ? 'it no longer answers'
          : cause.message;
    return this.#error('connection_lost', `the connection to ${this.#server} was lost: ${reason}.`, cause);
  }

  #explainRefusal(cause: unknown): RemoteError {
    if (cause instanceof RemoteError) return cause;
    const loss = this.#loss();
    if (loss !== undefined) return loss;
    const message = cause instanceof Error ? cause.message : String(cause);
    if (isRefusedChannel(cause)) {
      return this.#error(
        'channel_refused',
        `${this.#server} opens no further session on this connection: ${message}.`,
        cause,
        'Set MaxSessions 10 (its default) in its sshd_config; one session holds the lock for as long as the run goes on.',
      );
    }
    // ssh2's word for a socket that can no longer be written, before it tells of the end.
    if (/not connected/i.test(message)) return (this.#lost ??= this.#lossReason());
    return this.#error('channel_refused', `${this.#server} does not run commands: ${message}.`, cause);
  }

  #explainForward(cause: Error, port: number, address: string): RemoteError {
    const loss = this.#loss();
    if (loss !== undefined) return loss;
    if ('reason' in cause && cause.reason === administrativelyProhibited) {
      return this.#error(
        'channel_refused',
        `${this.#server} does not allow TCP forwarding to ${address} port ${port}.`,
        cause,
        'Set AllowTcpForwarding yes (or local), and no PermitOpen against it, in its sshd_config.',
      );
    }
    return this.#error(
      'channel_refused',
      `nothing answers at ${address} port ${port}, as seen from ${this.#server} (${cause.message}).`,
      cause,
    );
  }

  #error(kind: RemoteErrorKind, message: string, cause?: unknown, hint?: string): RemoteError {
    return new RemoteError(this.host, kind, message, {
      ...(cause === undefined ? {} : { cause }),
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

function signalNumber(name: string | undefined): number {
  const signals: Readonly<Record<string, number>> = constants.signals;
  return signals[name ?? ''] ?? 0;
}
