import type { Socket } from 'node:net';
import type { Clock } from '../../model/clock.ts';

/** What a container runs. */
export interface Process {
  /** Its exit code; 128 + n when a signal ended it. */
  readonly exited: Promise<number>;
  kill(signal: string): void;
  listensOn(port: number): boolean;
  /** A TCP connection to one of its ports. @throws an ECONNREFUSED error where nothing listens. */
  connect(port: number): Promise<Socket>;
  /** The status that a GET of a path that answers at once would give, without a socket; undefined: refused. */
  check(port: number, path: string): number | undefined;
  /** A partition: it runs on, but its connections carry nothing. */
  freeze(): void;
  thaw(): void;
}

export interface ProcessContext {
  readonly argv: readonly string[];
  readonly env: ReadonlyMap<string, string>;
  readonly hostname: string;
  readonly pid: number;
  readonly clock: Clock;
  readonly log: (stream: 'stdout' | 'stderr', line: string) => void;
}
