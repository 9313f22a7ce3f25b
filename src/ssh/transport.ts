import type { Duplex } from 'node:stream';
import type { RemoteError, RemoteProcess, Terminal } from './remote.ts';

/** What a connection can do, before sudo, deadlines and output are added: SSH channels, or processes of this machine. */
export interface Transport {
  readonly host: string;
  /** The user that commands run as. */
  readonly user: string;
  /**
   * Starts a command once it is its turn; `argv` is asked for only then. `close()` gives the command up.
   * @throws RemoteError, or the signal's reason when it is aborted before the command has started.
   */
  start(argv: () => readonly string[], options: StartOptions): Promise<RemoteProcess>;
  /** Runs a command with a terminal of its own, until it ends. @throws RemoteError, or the reason of the terminal's signal */
  attach(argv: readonly string[], terminal: Terminal): Promise<number>;
  openTcp(port: number, address: string): Promise<Duplex>;
  readonly closed: Promise<RemoteError | undefined>;
  close(): Promise<void>;
}

export interface StartOptions {
  /** It ends when somebody closes it, not by itself. */
  readonly isLasting: boolean;
  readonly signal?: AbortSignal | undefined;
}
