import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import { ChannelSlots, isRefusedChannel } from './channel-slots.ts';
import type { Connection } from './connection.ts';
import { FramedOutput } from './framed-output.ts';
import { framedLine, frameMarks, type FrameKey } from '../shell/frame.ts';
import { printable } from './printable.ts';
import { forwardingHint, isForwardingRefused } from './forward.ts';
import { RemoteError, type RemoteErrorKind, type RemoteProcess, type Terminal } from './remote.ts';
import { openTerminal, runAtTerminal } from './ssh-terminal.ts';
import type { StartOptions, Transport } from './transport.ts';

/** sshd's MaxSessions is 10 by default, and one is left for a person's own multiplexed ssh. */
const maxChannels = 8;
/** How long a channel may stay open once its command has ended: something that was left behind may hold it. */
const channelEndMs = 2000;

export interface SshTransportOptions {
  readonly host: string;
  readonly user: string;
  /** `10.0.0.1 port 22`, for errors. */
  readonly server: string;
}

/** A command's process, and the end of its channel: that may come later, and holds the turn. */
interface ChannelProcess extends RemoteProcess {
  readonly closed: Promise<void>;
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
        () => this.#exec(argv()),
        (process) => process.closed,
        { ...options, abandon: (process) => process.close() },
      );
    } catch (error) {
      throw options.signal?.aborted === true ? error : this.#explainRefusal(error);
    }
  }

  async attach(argv: readonly string[], terminal: Terminal): Promise<number> {
    try {
      this.#assertOpen();
      const channel = await openTerminal(this.#connection.client, argv, terminal);
      const exitCode = await runAtTerminal(channel, terminal);
      if (exitCode !== undefined) return exitCode;
      throw (
        this.#loss() ?? this.#error('connection_lost', `${this.#server} closed the terminal without an exit status.`)
      );
    } catch (error) {
      throw terminal.signal.aborted ? error : this.#explainRefusal(error);
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

  #exec(argv: readonly string[]): Promise<ChannelProcess> {
    const key: FrameKey = [randomBytes(8).toString('hex'), randomBytes(8).toString('hex')];
    return new Promise((resolve, reject) => {
      this.#assertOpen();
      this.#connection.client.exec(framedLine(argv, key), (error, channel) => {
        if (error === undefined) resolve(this.#process(channel, key));
        else reject(error);
      });
    });
  }

  #process(channel: ClientChannel, key: FrameKey): ChannelProcess {
    const marks = frameMarks(key);
    const stdout = new FramedOutput(marks.stdout);
    const stderr = new FramedOutput(marks.stderr);
    channel.pipe(stdout);
    channel.stderr.pipe(stderr);
    let status: string | undefined;
    channel.once('exit', (code: number | null, signalName?: string) => {
      status = code === null ? `signal ${signalName ?? '?'}` : `exit code ${code}`;
    });
    const closed = new Promise<void>((resolve) => channel.once('close', () => resolve()));
    const read = new Promise<void>((resolve) => stdout.once('finish', () => resolve()));
    const exited = new Promise<number>((resolve, reject) => {
      const settle = (): void => {
        this.#open.delete(settle);
        // Whole, though its reader has not come to its end: it reads several in turn, or waits for its own reader.
        if (stdout.exitCode !== undefined) resolve(stdout.exitCode);
        // Without its end an answer is none, whatever status the channel has.
        else reject(this.#loss() ?? this.#explainEnd(stdout, stderr, status));
      };
      this.#open.add(settle);
      void Promise.all([closed, read]).then(() => setImmediate(settle));
      void stdout.complete.then((exitCode) => {
        this.#open.delete(settle);
        resolve(exitCode);
        const tooLate = setTimeout(() => abandon(channel, stdout, stderr), channelEndMs).unref();
        void closed.then(() => clearTimeout(tooLate));
      });
    });
    // Nobody need wait for it, nor for a write to a channel that has just closed.
    exited.catch(() => undefined);
    channel.on('error', () => undefined);
    const close = (): void => leave(channel, stdout, stderr);
    return {
      ...{ stdin: channel.stdin, stdout, stderr, exited, closed, close },
      get noise() {
        return `${stdout.noise}${stderr.noise}`;
      },
    };
  }

  /** A channel that ended before the command's own end: it was never run, or broken off. */
  #explainEnd(stdout: FramedOutput, stderr: FramedOutput, status: string | undefined): RemoteError {
    if (stdout.hasBegun) {
      const how = status === undefined ? 'without an exit status' : `with ${status}`;
      return this.#error('connection_lost', `${this.#server} broke off the command's answer, ${how}.`);
    }
    if (status === undefined)
      return this.#error('connection_lost', `${this.#server} closed the channel without an exit status.`);
    const said = printable(stdout.noise) || printable(stderr.noise);
    const words = said === '' ? 'printed nothing' : `printed ${JSON.stringify(said)}`;
    return this.#error(
      'channel_refused',
      `${this.#server} does not run commands: it ${words} instead, and ended with ${status}.`,
      undefined,
      `Its sshd gives a command to the user's login shell, which must run sh. Look for ForceCommand in its sshd_config or command= in authorized_keys, for exit or exec in the shell's start files (.bashrc), and at the user's shell: getent passwd ${this.user}`,
    );
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
    if (isForwardingRefused(cause)) {
      return this.#error(
        'forwarding_refused',
        `${this.#server} does not allow TCP forwarding to ${address} port ${port}.`,
        cause,
        forwardingHint('its'),
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

/** Closes a channel, whoever holds it at the other end, and whether or not somebody reads here. */
function leave(channel: ClientChannel, stdout: FramedOutput, stderr: FramedOutput): void {
  channel.end();
  channel.close();
  // ssh2 tells of the end only once everything before it has been read.
  stdout.resume();
  stderr.resume();
}

/** The same once the command has ended: nobody waits for what is left in the channel. */
function abandon(channel: ClientChannel, stdout: FramedOutput, stderr: FramedOutput): void {
  channel.end();
  channel.close();
  channel.unpipe(stdout).resume();
  channel.stderr.unpipe(stderr).resume();
  stderr.end();
}
