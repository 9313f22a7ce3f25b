import type { Duplex, Readable } from 'node:stream';
import type { Become } from '../model/host.ts';

export interface ExecOptions {
  /** Written to the command's stdin, which is then closed. May hold secrets: never logged. A stream is read as fast as the host takes it. */
  readonly stdin?: string | Buffer | Readable;
  /** Deadline for the whole command. */
  readonly timeoutMs?: number;
  /** Bytes of stdout and stderr each that are kept (the last ones of stderr, the first ones of stdout); default 16 MiB. */
  readonly maxOutputBytes?: number;
  /** Hears of stdout while the command runs: all of it so far, each time that there is more; give `maxOutputBytes` with it. */
  readonly onStdout?: (text: string) => void;
  /** Hears of both streams while the command runs, chunk by chunk. */
  readonly onOutput?: (chunk: Buffer, stream: 'stdout' | 'stderr') => void;
  /** Run as the connecting user even where the host has `become`. */
  readonly withoutBecome?: boolean;
  /** Run as this user, whatever the host's own `become` says. */
  readonly become?: Become;
  readonly signal?: AbortSignal;
}

/** A command that ended by itself. A non-zero exit is a result, not an error. */
export interface ExecResult {
  /** 128 + n for a command that a signal ended. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
  /** What login scripts, or whatever else comes before a command, had printed by then; undefined where it is nothing. */
  readonly noise?: string;
}

/** A command that goes on: the lock, `logs -f`, `events`. */
export interface RemoteProcess {
  readonly stdin: NodeJS.WritableStream;
  readonly stdout: NodeJS.ReadableStream;
  readonly stderr: NodeJS.ReadableStream;
  /** Its exit code; rejects with a RemoteError when the connection is lost. */
  readonly exited: Promise<number>;
  /** What was printed before the command began, and is in neither stream; the first of it where it is long. */
  readonly noise?: string;
  /** Closes stdin and the channel. The far side must end at the end of its stdin: sshd sends no signal. */
  close(): void;
}

/** Rows and columns. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** The terminal that a command is given: a person's own. */
export interface Terminal {
  /** Its kind, as `TERM` names it. */
  readonly kind: string;
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  /** Told of what goes there. */
  onOutput(chunk: Buffer): void;
  size(): TerminalSize;
  /** @returns what ends it */
  onResize(listen: (size: TerminalSize) => void): () => void;
  /** From now on every key goes to the command as it is typed. */
  enterRawMode(): void;
  /** Aborted when the command is to be left. */
  readonly signal: AbortSignal;
}

/**
 * One open connection to one host, with at most 8 commands on it at a time; the rest wait their turn.
 * Commands are argv arrays and are quoted here, once.
 */
export interface Remote {
  readonly host: string;
  /** @throws RemoteError when the connection is lost, the deadline passes or the channel is refused. */
  exec(argv: readonly string[], options?: ExecOptions): Promise<ExecResult>;
  spawn(argv: readonly string[], options?: Pick<ExecOptions, 'withoutBecome'>): Promise<RemoteProcess>;
  /**
   * Runs a command with a terminal of its own, until it ends. sudo asks there for itself. @returns its exit code
   * @throws RemoteError when the connection is lost, or the terminal's signal's reason
   */
  attach(argv: readonly string[], terminal: Terminal): Promise<number>;
  /** A TCP connection from the host to `address:port`, through the SSH connection. */
  openTcp(port: number, address?: string): Promise<Duplex>;
  /** Resolves, with the reason where there is one, when the connection has ended; never rejects. */
  readonly closed: Promise<RemoteError | undefined>;
  close(): Promise<void>;
}

export type RemoteErrorKind =
  | 'unreachable' // name lookup, refused, no route, connect deadline
  | 'host_key_unknown'
  | 'host_key_changed'
  | 'host_key_revoked'
  | 'auth_failed'
  | 'handshake_failed'
  | 'connection_lost'
  | 'timeout' // a command's deadline
  | 'channel_refused'
  | 'forwarding_refused' // sshd forwards no TCP connection to that port
  | 'become_failed' // sudo refused, or its password is wrong
  | 'config'; // ssh_config or key file that cannot be used

/** Everything that can go wrong between here and a remote command, worded for the operator. */
export class RemoteError extends Error {
  readonly host: string;
  readonly kind: RemoteErrorKind;
  /** What to type or change; may be several lines. */
  readonly hint: string | undefined;

  constructor(host: string, kind: RemoteErrorKind, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'RemoteError';
    this.host = host;
    this.kind = kind;
    this.hint = options.hint;
  }
}
