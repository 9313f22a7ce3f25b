import { systemSurroundings, type Surroundings } from '../api/surroundings.ts';

/** What a command sees of the process it runs in; the demo hands its own. */
export interface World extends Surroundings {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly stdin: NodeJS.ReadStream;
}

export function systemWorld(): World {
  for (const stream of [process.stdout, process.stderr]) doNotWaitFor(stream);
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    // Made when it is first asked for: few commands read it, and for a file or /dev/null Node then loads its file streams.
    get stdin() {
      return process.stdin;
    },
    ...systemSurroundings(),
  };
}

/**
 * Node writes to terminals with the whole process waiting. One that is on hold (Ctrl-S, a laptop that sleeps at the other
 * end) would stop a run half way, with a node out of rotation, and SIGINT unheard.
 */
function doNotWaitFor(stream: NodeJS.WriteStream): void {
  // Node has no public way to ask for it; the handle and its method are as old as its streams.
  const { _handle: handle } = stream as { readonly _handle?: { setBlocking?: (isBlocking: boolean) => unknown } };
  if (stream.isTTY) handle?.setBlocking?.(false);
}
