import type { CommandIo } from '../docker-cli/context.ts';

/** A command as it runs on a host: its output, its stdin, and what may kill it. */
export interface HostIo extends CommandIo {
  /** The next line of stdin: sudo reads its password so. */
  readLine(): Promise<string | undefined>;
}

/** Runs a command, or does not, and answers for it. Resolves to the exit code that is told. */
export type CommandInterposer = (line: string, io: HostIo, run: (io: HostIo) => Promise<number>) => Promise<number>;
