import { formatDuration } from '../model/duration.ts';
import type { Container } from '../docker/observed.ts';
import type { Op } from '../plan/plan.ts';
import { firstUntrue, namesToReadBack } from '../plan/read-back.ts';
import type { RunContext } from './context.ts';
import type { Node } from './node.ts';
import { OpError } from './op-error.ts';

/**
 * Looks at what ops have done before anything relies on it: an exit code is only what docker, or a wrapper in its place,
 * says. @throws OpError for the first that has not come true
 */
export async function readBack(ops: readonly Op[], node: Node, context: RunContext): Promise<void> {
  const names = namesToReadBack(ops);
  if (names.length === 0) return;
  const found = await node.session.docker.inspect(names);
  const untrue = firstUntrue(ops, found, context.run);
  if (untrue !== undefined) throw new OpError(untrue.op, untrue.message, { hint: wrapperHint });
  for (const op of ops) if (op.kind === 'stop') warnOfKill(op, found.get(op.container), node, context);
}

const wrapperHint = 'Is the docker on this host a wrapper, or does somebody else change its containers right now?';

/** SIGKILL: what it was doing for somebody is cut off. */
function warnOfKill(
  { container, graceMs }: Extract<Op, { kind: 'stop' }>,
  found: Container | undefined,
  node: Node,
  context: RunContext,
): void {
  if (found?.state.exitCode !== 137 || found.state.oomKilled) return;
  const message = `${container} did not end within its stop_grace_period of ${formatDuration(graceMs)} and was killed (exit 137): what it was still serving is cut off. Does its program end on SIGTERM? Else give it a longer stop_grace_period`;
  context.emit({ type: 'warning', host: node.name, message });
}
