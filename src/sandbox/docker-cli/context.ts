import type { PseudoTerminal } from '../terminal/pseudo-terminal.ts';
import type { Engine } from '../docker/engine.ts';
import type { Login } from '../registry/image-source.ts';

/** What a command on a host is given. */
export interface CommandIo {
  /** The next bytes of its stdin; undefined at its end. */
  readSome(): Promise<Buffer | undefined>;
  /** All of its stdin; resolves at its end. */
  readStdin(): Promise<Buffer>;
  /** Resolves when its stdin has ended or its channel is closed. */
  readonly stdinEnded: Promise<void>;
  /** Nobody reads what it prints any more: a shell that writes then is killed by it. */
  isHungUp(): boolean;
  /** Where the command has a terminal. */
  readonly terminal?: PseudoTerminal;
  stdout(text: string): void;
  stderr(text: string): void;
  /** Aborted when somebody kills it: its deadline, the host's power. */
  readonly signal: AbortSignal;
}

/** A host's machine, as `docker info` shows it. */
export interface Machine {
  readonly cpus: number;
  readonly memoryBytes: number;
}

export interface DockerContext extends CommandIo {
  readonly engine: Engine;
  readonly machine: Machine;
  /** From the client's config file. */
  readonly logins: ReadonlyMap<string, Login>;
  /** A file of the host. */
  readFile(path: string): string | undefined;
  /** Stdin, where it was read ahead for `/dev/stdin`. */
  readonly stdinText: string | undefined;
}

/** A docker command: prints, and resolves to its exit code. */
export type DockerCommand = (context: DockerContext, argv: readonly string[]) => Promise<number>;
