import { DockerError } from '../docker/errors.ts';
import { RemoteError } from '../ssh/remote.ts';
import { readThroughAbsence } from './absence.ts';
import type { RunContext } from './context.ts';
import type { Node } from './node.ts';

/** How long a lost host may take to come back before it is given up. */
export const returnLimitMs = 60_000;

/** Reads a node again, over a new connection where the old one is gone. @throws RemoteError when it does not come back */
export async function refreshNode(
  node: Node,
  context: RunContext,
  options: { readonly isBrief?: boolean } = {},
): Promise<void> {
  using _wait = context.heartbeat.wait(node.name, { message: 'the host to be read', limitMs: returnLimitMs });
  await readThroughAbsence(node.session, context, returnLimitMs, () => node.refresh(options));
}

/** Reads a node whose turn is near, so that it need not be waited for then. What fails is left to its turn. */
export async function readAhead(node: Node): Promise<void> {
  if (node.isFresh()) return;
  try {
    await node.refresh({ isBrief: true });
  } catch (error) {
    if (!(error instanceof RemoteError || error instanceof DockerError)) throw error;
  }
}
