import type { Failure } from '../events/event.ts';
import type { RunContext } from './context.ts';
import type { Node } from './node.ts';
import { unreadableLog } from '../docker/logs.ts';
import { isImagesFault } from '../plan/image-fault.ts';
import { stepErrorOf, type OpError } from './op-error.ts';
import { typedOn } from './typed.ts';

/** Shown with the failure; the rest is kept beside the journal. */
const shownLines = 20;
const keptLines = 5000;

/** Says everything about a failed node that can be known while the failed container is still there. */
export async function reportFailure(node: Node, error: OpError, context: RunContext): Promise<void> {
  const container = error.container ?? (error.step.kind === 'bake' ? changedContainer(node) : undefined);
  const logs = container === undefined ? [] : await readLogs(node, container);
  const logFile =
    container === undefined || logs.length <= shownLines ? undefined : context.keepLog?.(node.name, container, logs);
  const next = error.hint ?? nextStep(node, error);
  const failure: Failure = {
    op: error.step,
    message: error.message,
    logs: logs.slice(-shownLines),
    next,
    ...(logFile === undefined ? {} : { logFile }),
    ...(error.exitCode === undefined ? {} : { exitCode: error.exitCode }),
    ...(isImagesFault({ trouble: error.trouble, error: stepErrorOf(error) }) ? { ofImage: true as const } : {}),
  };
  node.result = 'failed';
  node.message = `${error.step.text}: ${error.message}`;
  context.emit({ type: 'node_failed', host: node.name, failure });
}

/** The container whose new version a bake has judged. */
function changedContainer(node: Node): string | undefined {
  const changed = node.plan.during.find(({ kind }) => kind === 'start');
  return changed?.kind === 'start' ? changed.container : undefined;
}

/** Best effort: a host that is gone has no logs to give. That a log is never kept is said in its place. */
async function readLogs(node: Node, container: string): Promise<readonly string[]> {
  try {
    return await node.session.docker.logs(container, keptLines);
  } catch (error) {
    const words = error instanceof Error ? unreadableLog(error.message) : undefined;
    return words === undefined ? [] : [`${container}: ${words}`];
  }
}

function nextStep(node: Node, { step, container }: OpError): string {
  if (container !== undefined) return `Fix ${step.service ?? container} and run the playbook again.`;
  return typedOn(node.host, [['docker', 'ps', '-a']]);
}
