import { Readable } from 'node:stream';
import { noLongerNeeded, within, type Clock } from '../model/clock.ts';
import type { Become } from '../model/host.ts';
import type { Secret } from '../model/secret.ts';
import { askingBecomeArgv, becomeArgv, explainSudo, passSudo } from './become.ts';
import { OutputCollector } from './output.ts';
import { withoutScripts } from './own-script.ts';
import {
  RemoteError,
  type ExecOptions,
  type ExecResult,
  type Remote,
  type RemoteProcess,
  type Terminal,
} from './remote.ts';
import type { Transport } from './transport.ts';

/** Of what a command prints, of each stream. */
export const defaultMaxOutputBytes = 16 << 20;
/** How long a remote command has between SIGTERM and SIGKILL once its deadline has passed. */
const remoteKillGraceSeconds = 5;
/** How long sudo may take to begin a command that goes on; one that ends has a deadline of its own. */
export const sudoTimeoutMs = 30_000;
/** For a TCP connection from the host to its target. */
const tcpTimeoutMs = 10_000;

/** Told of every command on a host when it has ended, or, where it goes on, when it has begun. */
export type OnCommand = (
  host: string,
  command: { readonly argv: readonly string[]; readonly durationMs: number; readonly exitCode?: number },
) => void;

/** Commands with sudo, deadlines and collected output, on a transport that only starts processes. */
export class CommandRemote implements Remote {
  readonly host: string;
  readonly closed: Promise<RemoteError | undefined>;
  readonly #transport: Transport;
  readonly #become: Become | undefined;
  readonly #clock: Clock;

  readonly #onCommand: OnCommand | undefined;

  constructor(transport: Transport, become: Become | undefined, clock: Clock, onCommand?: OnCommand) {
    this.host = transport.host;
    this.closed = transport.closed;
    this.#transport = transport;
    this.#become = become?.user === transport.user ? undefined : become;
    this.#clock = clock;
    this.#onCommand = onCommand;
  }

  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const startedAtMs = this.#clock.now();
    let exitCode: number | undefined;
    try {
      const result = await this.#exec(argv, options);
      exitCode = result.exitCode;
      return result;
    } finally {
      const durationMs = this.#clock.now() - startedAtMs;
      this.#onCommand?.(this.host, { argv, durationMs, ...(exitCode === undefined ? {} : { exitCode }) });
    }
  }

  async #exec(argv: readonly string[], options: ExecOptions): Promise<ExecResult> {
    const { timeoutMs, signal } = options;
    if (timeoutMs === undefined) return this.#run(argv, options, { signal });
    const expired = new AbortController();
    const done = new AbortController();
    const endsAtMs = this.#clock.now() + timeoutMs;
    this.#clock.sleep(timeoutMs, done.signal).then(
      () => expired.abort(this.#timeoutError(argv, timeoutMs)),
      () => undefined,
    );
    try {
      return await this.#run(argv, options, {
        signal: signal === undefined ? expired.signal : AbortSignal.any([signal, expired.signal]),
        endsAtMs,
      });
    } finally {
      done.abort(noLongerNeeded);
    }
  }

  async spawn(argv: readonly string[], options: Pick<ExecOptions, 'withoutBecome'> = {}): Promise<RemoteProcess> {
    const startedAtMs = this.#clock.now();
    const become = options.withoutBecome === true ? undefined : this.#become;
    const process = await this.#transport.start(() => (become === undefined ? argv : becomeArgv(become, argv)), {
      isLasting: true,
    });
    if (become?.password !== undefined) await this.#enterSudo(process, become, become.password);
    this.#onCommand?.(this.host, { argv, durationMs: this.#clock.now() - startedAtMs });
    return process;
  }

  async attach(argv: readonly string[], terminal: Terminal): Promise<number> {
    const startedAtMs = this.#clock.now();
    const asUser = this.#become === undefined ? argv : askingBecomeArgv(this.#become, argv);
    const exitCode = await this.#transport.attach(asUser, terminal);
    this.#onCommand?.(this.host, { argv, durationMs: this.#clock.now() - startedAtMs, exitCode });
    return exitCode;
  }

  async openTcp(port: number, address = '127.0.0.1'): Promise<Awaited<ReturnType<Transport['openTcp']>>> {
    const done = new AbortController();
    const opening = this.#transport.openTcp(port, address);
    const tooLate = this.#clock.sleep(tcpTimeoutMs, done.signal).then(() => 'late' as const);
    try {
      const opened = await Promise.race([opening, tooLate]);
      if (opened !== 'late') return opened;
    } finally {
      done.abort(noLongerNeeded);
      tooLate.catch(() => undefined);
    }
    void opening.then((stream) => stream.destroy()).catch(() => undefined);
    const place = `${address} port ${port}`;
    throw new RemoteError(this.host, 'timeout', `no connection to ${place} within ${tcpTimeoutMs / 1000} s.`);
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  async #run(
    argv: readonly string[],
    options: ExecOptions,
    bounds: { signal: AbortSignal | undefined; endsAtMs?: number },
  ): Promise<ExecResult> {
    const { signal, endsAtMs } = bounds;
    const become = this.#becomeOf(options);
    const startedAtMs = this.#clock.now();
    let remoteLimitMs = Infinity;
    const process = await this.#transport.start(
      () => {
        const limit = endsAtMs === undefined ? undefined : remoteLimitSeconds(endsAtMs - this.#clock.now());
        remoteLimitMs = this.#clock.now() - startedAtMs + (limit ?? Infinity) * 1000;
        // Inside sudo: the connecting user could not signal what runs as another.
        const bounded = limit === undefined ? argv : withTimeout(argv, limit);
        return become === undefined ? bounded : becomeArgv(become, bounded);
      },
      { isLasting: false, signal },
    );
    const result = await untilAborted(
      collect(process, options, () =>
        become?.password === undefined ? undefined : passSudo(process, this.host, become, become.password),
      ),
      signal,
      () => process.close(),
    );
    const durationMs = this.#clock.now() - startedAtMs;
    // `timeout` ends with 124, or 137 when it had to kill.
    if (durationMs >= remoteLimitMs && (result.exitCode === 124 || result.exitCode === 137)) {
      throw this.#timeoutError(argv, options.timeoutMs ?? 0);
    }
    const refused = become === undefined ? undefined : explainSudo(this.host, become, result.exitCode, result.stderr);
    if (refused !== undefined) throw refused;
    return { ...result, durationMs };
  }

  async #enterSudo(process: RemoteProcess, become: Become, password: Secret): Promise<void> {
    const begun = passSudo(process, this.host, become, password).then(() => true);
    if ((await within(this.#clock, sudoTimeoutMs, begun)) === true) return;
    process.close();
    begun.catch(() => undefined);
    const message = `sudo has neither asked for a password nor begun the command within ${sudoTimeoutMs / 1000} s.`;
    throw new RemoteError(this.host, 'become_failed', message, {
      hint: 'Log in there and look: sudo -k; sudo true. A directory service or a log server that does not answer may hold it up.',
    });
  }

  #becomeOf({ withoutBecome, become }: ExecOptions): Become | undefined {
    if (withoutBecome === true) return undefined;
    if (become === undefined) return this.#become;
    return become.user === this.#transport.user ? undefined : become;
  }

  #timeoutError(argv: readonly string[], timeoutMs: number): RemoteError {
    return new RemoteError(this.host, 'timeout', `${summary(argv)} did not end within ${timeoutMs / 1000} s.`);
  }
}

/**
 * Closing a channel does not end the process behind it, so the host itself ends it, a little before the deadline here
 * where that is long enough.
 */
function withTimeout(argv: readonly string[], limitSeconds: number): readonly string[] {
  return ['timeout', '-k', String(remoteKillGraceSeconds), String(limitSeconds), ...argv];
}

function remoteLimitSeconds(remainingMs: number): number {
  return Math.max(1, Math.ceil(remainingMs / 1000) - 1);
}

async function collect(
  process: RemoteProcess,
  { stdin, maxOutputBytes = defaultMaxOutputBytes, onStdout, onOutput }: ExecOptions,
  enter: () => Promise<void> | undefined,
): Promise<Omit<ExecResult, 'durationMs'>> {
  await enter();
  const stdout = new OutputCollector(process.stdout, maxOutputBytes, 'first');
  const stderr = new OutputCollector(process.stderr, maxOutputBytes, 'last');
  if (onStdout !== undefined) process.stdout.on('data', () => stdout.isCut || onStdout(stdout.text()));
  if (onOutput !== undefined)
    for (const stream of ['stdout', 'stderr'] as const)
      process[stream].on('data', (chunk: Buffer) => onOutput(chunk, stream));
  // A short command may have ended by now, and its channel with it.
  if (stdin === undefined && process.stdin.writable) process.stdin.end();
  else if (stdin instanceof Readable) feed(process, stdin);
  else if (stdin !== undefined) process.stdin.end(stdin);
  const [exitCode] = await Promise.all([process.exited, stdout.ended, stderr.ended]);
  const { noise = '' } = process;
  return { exitCode, stdout: stdout.text(), stderr: stderr.text(), ...(noise === '' ? {} : { noise }) };
}

/** From a stream. One that breaks off gives the command up: it must not take a part for the whole. */
function feed(process: RemoteProcess, stdin: Readable): void {
  stdin.on('error', () => process.close());
  stdin.pipe(process.stdin);
  // A command that ends before it has read everything leaves nobody to read it.
  void process.exited.then(
    () => stdin.destroy(),
    () => stdin.destroy(),
  );
}

/** The work's result, or the signal's reason as soon as it is aborted. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined, giveUp: () => void): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      giveUp();
      reject(signal.reason as Error);
    };
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Enough of a command to know it by; scripts of our own by their names, and no line breaks. */
function summary(argv: readonly string[]): string {
  const text = withoutScripts(argv).join(' ').replace(/\s+/g, ' ');
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
