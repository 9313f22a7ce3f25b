import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { constants } from 'node:os';
import type { Duplex, Readable, Writable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { RemoteError, type RemoteProcess, type Terminal } from './remote.ts';
import type { StartOptions, Transport } from './transport.ts';

/** How long processes have to end after SIGTERM. */
const killGraceMs = 1000;
/** How long the end of a connection waits for them. */
const closeLimitMs = 2000;

/** `ansible_connection: local`: this machine's own processes behind the same interface. */
export class LocalTransport implements Transport {
  readonly host: string;
  readonly user: string;
  readonly closed: Promise<RemoteError | undefined>;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #running = new Set<RemoteProcess>();
  #resolveClosed: (() => void) | undefined;

  constructor(host: string, user: string, env: Readonly<Record<string, string | undefined>>) {
    this.host = host;
    this.user = user;
    this.#env = env;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = () => resolve(undefined);
    });
  }

  async start(argv: () => readonly string[], { signal }: StartOptions): Promise<RemoteProcess> {
    signal?.throwIfAborted();
    const [command = '', ...args] = argv();
    // A group of its own: a command's children end with it.
    const child = spawn(command, args, { detached: true, env: this.#env, stdio: ['pipe', 'pipe', 'pipe'] });
    const process = this.#process(child);
    try {
      await once(child, 'spawn');
    } catch (error) {
      throw new RemoteError(this.host, 'channel_refused', `cannot run ${command}: ${(error as Error).message}.`, {
        cause: error,
      });
    }
    this.#running.add(process);
    void process.exited.finally(() => this.#running.delete(process));
    return process;
  }

  /** With this process's own terminal, which sends its signals to both: whoever holds it here ignores them. */
  async attach(argv: readonly string[], { signal }: Terminal): Promise<number> {
    signal.throwIfAborted();
    const [command = '', ...args] = argv;
    const child = spawn(command, args, { env: this.#env, stdio: 'inherit' });
    const kill = (): void => void child.kill('SIGTERM');
    signal.addEventListener('abort', kill, { once: true });
    try {
      const [code, signalName] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
      signal.throwIfAborted();
      return code ?? 128 + constants.signals[signalName ?? 'SIGTERM'];
    } catch (error) {
      if (signal.aborted) throw error;
      throw new RemoteError(this.host, 'channel_refused', `cannot run ${command}: ${(error as Error).message}.`, {
        cause: error,
      });
    } finally {
      signal.removeEventListener('abort', kill);
    }
  }

  openTcp(port: number, address: string): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: address, noDelay: true });
      const refuse = (cause: Error): void =>
        reject(
          new RemoteError(
            this.host,
            'channel_refused',
            `nothing answers at ${address} port ${port} (${cause.message}).`,
            {
              cause,
            },
          ),
        );
      socket.once('error', refuse);
      socket.once('connect', () => {
        socket.off('error', refuse);
        resolve(socket);
      });
    });
  }

  async close(): Promise<void> {
    const running = [...this.#running];
    for (const process of running) process.close();
    // One of another user, as sudo's, is not to be killed from here.
    const tooLate = new AbortController();
    const limit = wait(closeLimitMs, undefined, { signal: tooLate.signal, ref: false }).catch(() => undefined);
    await Promise.race([Promise.all(running.map((process) => process.exited)), limit]);
    tooLate.abort();
    this.#resolveClosed?.();
  }

  #process(child: ChildProcessByStdio<Writable, Readable, Readable>): RemoteProcess {
    // EPIPE from a command that does not read its stdin is no failure.
    child.stdin.on('error', () => undefined);
    const exited = new Promise<number>((resolve) => {
      child.once('close', (code, signalName) => resolve(code ?? 128 + constants.signals[signalName ?? 'SIGTERM']));
      child.once('error', () => resolve(127));
    });
    return {
      stdin: child.stdin,
      stdout: child.stdout,
      stderr: child.stderr,
      exited,
      close: () => {
        child.stdin.end();
        child.stdout.resume();
        child.stderr.resume();
        killGroup(child.pid, 'SIGTERM');
        const kill = setTimeout(() => killGroup(child.pid, 'SIGKILL'), killGraceMs);
        kill.unref();
        void exited.finally(() => clearTimeout(kill));
      },
    };
  }
}

function killGroup(pid: number | undefined, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // Gone already, or become's, which ends by its own deadline.
  }
}
