import { guardedWriter } from '../render/output.ts';

/** What a command needs of the process that it runs in; tests bring their own. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly workingDir: string;
  /** Results. */
  readonly print: (text: string) => void;
  /** What is said about them. */
  readonly note: (text: string) => void;
}

export function processSurroundings(): Surroundings {
  return {
    env: process.env,
    workingDir: process.cwd(),
    print: guardedWriter(process.stdout),
    note: guardedWriter(process.stderr),
  };
}
