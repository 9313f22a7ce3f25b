import type { Container } from '../docker/observed.ts';
import type { Op } from '../plan/plan.ts';
import { firstUntrue, killed, namesToReadBack } from '../plan/read-back.ts';
import type { RunContext } from './context.ts';
import type { Node } from './node.ts';
import { OpError } from './op-error.ts';

/**
 * Looks at what ops have done before anything relies on it: an exit code is only what docker, or a wrapper in its place,
 * says. `seen` is what they have shown themselves, as in {@link Docker.carryOut}.
 * @throws OpError for the first that has not come true
 */
export async function readBack(
  ops: readonly Op[],
  node: Node,
  context: RunContext,
  seen?: ReadonlyMap<string, Container>,
): Promise<void> {
  const names = namesToReadBack(ops);
  if (names.length === 0) return;
  const found = seen ?? (await node.session.docker.inspect(names));
  const untrue = firstUntrue(ops, found, context.run);
  if (untrue !== undefined) throw new OpError(untrue.op, untrue.message, { hint: wrapperHint });
  for (const message of killed(ops, found)) context.emit({ type: 'warning', host: node.name, message });
}

const wrapperHint = 'Is the docker on this host a wrapper, or does somebody else change its containers right now?';
