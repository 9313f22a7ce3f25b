import { systemSurroundings, type Surroundings } from '../api/surroundings.ts';

/** What a command sees of the process it runs in; the demo hands its own. */
export interface World extends Surroundings {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly stdin: NodeJS.ReadStream;
}

export function systemWorld(): World {
  return { stdout: process.stdout, stderr: process.stderr, stdin: process.stdin, ...systemSurroundings() };
}
