import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';

export interface ProgramOptions {
  readonly cwd?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Written to its stdin, which is then closed. Without it the program reads nothing. */
  readonly stdin?: string;
  /** An open file that takes its stdout, whole; `mostBytes` is then for nothing. */
  readonly stdoutTo?: number;
  /** It is killed then, with what it has started where it has a group of its own. */
  readonly timeoutMs: number;
  /** A program that prints more is killed. */
  readonly mostBytes: number;
  /** Of one that may print as much as it likes the last `mostBytes` are kept. */
  readonly keeps?: 'all' | 'last';
  /** What it has started ends with it. One that may ask at the terminal needs the terminal's group, and has none. */
  readonly ownGroup: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** How a program ended, or was ended. */
export type ProgramEnd =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'signalled'; readonly signal: string }
  | { readonly kind: 'unstarted'; readonly error: NodeJS.ErrnoException }
  | { readonly kind: 'late' | 'endless' | 'aborted' };

export interface ProgramResult {
  readonly end: ProgramEnd;
  readonly stdout: string;
  /** The last of it. */
  readonly stderr: string;
}

/** Of stderr, of which an error shows the last line. */
export const mostStderrBytes = 65_536;
/** How long what a program has started, and left behind, may hold its output open. */
const lingerMs = 1000;

/**
 * Runs a program at the controller. Whatever it does, or ignores, it is over by its deadline, and no more of what it
 * prints is kept than was asked for. Never rejects.
 */
export function runProgram(argv: readonly string[], options: ProgramOptions): Promise<ProgramResult> {
  const [program = '', ...args] = argv;
  const { cwd, env, stdin, stdoutTo = 'pipe', timeoutMs, mostBytes, keeps = 'all', ownGroup, signal } = options;
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd,
      env,
      detached: ownGroup,
      stdio: [stdin === undefined ? 'ignore' : 'pipe', stdoutTo, 'pipe'],
    });
    const stdout = new Kept(child.stdout, mostBytes, keeps === 'all' ? () => stop({ kind: 'endless' }) : undefined);
    const stderr = new Kept(child.stderr, mostStderrBytes);
    let linger: NodeJS.Timeout | undefined;
    const finish = (end: ProgramEnd): void => {
      clearTimeout(timer);
      clearTimeout(linger);
      signal?.removeEventListener('abort', abort);
      child.stdout?.destroy();
      child.stderr?.destroy();
      resolve({ end, stdout: stdout.text(), stderr: stderr.text() });
    };
    const stop = (end: ProgramEnd): void => {
      kill(child, ownGroup);
      finish(end);
    };
    const timer = setTimeout(() => stop({ kind: 'late' }), timeoutMs);
    const abort = (): void => stop({ kind: 'aborted' });
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted === true) abort();
    child.once('error', (error) => finish({ kind: 'unstarted', error }));
    child.once('exit', (code, by) => {
      const end: ProgramEnd = code === null ? { kind: 'signalled', signal: by ?? '?' } : { kind: 'exited', code };
      child.once('close', () => finish(end));
      linger = setTimeout(() => finish(end), lingerMs);
    });
    // One that ends without reading its input is judged by how it ends.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(stdin);
  });
}

/** Why it did not end well, in words; undefined for exit code 0. */
export function describeEnd(end: ProgramEnd, { timeoutMs, mostBytes }: ProgramOptions): string | undefined {
  switch (end.kind) {
    case 'exited':
      return end.code === 0 ? undefined : `exit code ${end.code}`;
    case 'signalled':
      return `it was ended by ${end.signal}`;
    case 'late':
      return `it did not end within ${timeoutMs / 1000} s`;
    case 'endless':
      return `it prints without end: more than ${mostBytes} bytes`;
    case 'aborted':
      return 'it was stopped';
    case 'unstarted':
      return end.error.message;
  }
}

/** The last line that it said, for an error. */
export function lastWords({ stderr }: ProgramResult): string {
  return stderr.trim().split('\n').at(-1)?.trim() ?? '';
}

function kill({ pid }: ChildProcess, ownGroup: boolean): void {
  if (pid === undefined) return;
  try {
    process.kill(ownGroup ? -pid : pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** A stream's bytes within a limit: all up to it, or the last. */
class Kept {
  readonly #chunks: Buffer[] = [];
  readonly #mostBytes: number;
  #bytes = 0;

  constructor(stream: Readable | null, mostBytes: number, onTooMany?: () => void) {
    this.#mostBytes = mostBytes;
    stream?.on('error', () => undefined);
    stream?.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#bytes += chunk.length;
      if (this.#bytes <= mostBytes) return;
      if (onTooMany === undefined) this.#shorten();
      else onTooMany();
    });
  }

  text(): string {
    const bytes = Buffer.concat(this.#chunks);
    return bytes.subarray(Math.max(0, bytes.length - this.#mostBytes)).toString('utf8');
  }

  #shorten(): void {
    while (this.#bytes - (this.#chunks[0]?.length ?? 0) >= this.#mostBytes)
      this.#bytes -= this.#chunks.shift()?.length ?? 0;
  }
}
