import pLimit from 'p-limit';
import type { Task } from '../model/task.ts';
import { areIdle, findingOf, type TaskFinding, type TaskPhase } from '../plan/task-findings.ts';
import { runTasks, TaskFailed } from '../task/interpret.ts';
import { prefetch } from '../task/prefetch.ts';
import { TaskMemory, type TaskReport } from '../task/world.ts';
import type { RunContext } from './context.ts';
import type { Node, Tier } from './node.ts';
import { taskWorld } from './task.ts';

/**
 * What the tasks of every node would do, found out by reading alone and mostly in one round trip a host: for the plan, and
 * so that a node whose tasks have nothing to do is left alone. Only a plan carries out tasks with check_mode: false.
 */
export async function previewTasks(
  tiers: readonly Tier[],
  { isPlan }: { readonly isPlan: boolean },
  context: RunContext,
): Promise<void> {
  const limit = pLimit(context.forks);
  const nodes = tiers
    .flatMap((tier) => tier.nodes)
    .filter((node) => listsOf(node).some(([, tasks]) => tasks.length > 0));
  await Promise.all(nodes.map((node) => limit(() => previewNode(node, isPlan, context))));
}

async function previewNode(node: Node, isPlan: boolean, context: RunContext): Promise<void> {
  const findings: TaskFinding[] = [];
  let phase: TaskPhase = 'pre';
  const memory = new TaskMemory(new Map(node.tasks.shared));
  for (const [name, value] of node.tasks.values) memory.values.set(name, value);
  memory.values.set('node', node.changing);
  const world = taskWorld(node, context, {
    isCheck: true,
    mayRead: isPlan,
    memory,
    report: (report: TaskReport) => void findings.push(findingOf(report, phase)),
  });
  const lists = listsOf(node);
  // A host that does not answer now is found out about by whoever asks it next.
  await prefetch(
    lists.flatMap(([, tasks]) => tasks),
    world,
  ).catch(() => undefined);
  let isWhole = true;
  for (const [next, tasks] of lists) {
    phase = next;
    try {
      await runTasks(tasks, world);
    } catch (error) {
      if (!(error instanceof TaskFailed)) throw error;
      isWhole = false;
    }
  }
  const perNode = findings.filter((finding) => finding.phase !== 'before' && finding.phase !== 'after');
  node.setFindings(findings, isWhole && areIdle(perNode));
}

function listsOf({ desired }: Node): readonly (readonly [TaskPhase, readonly Task[]])[] {
  const { before = [], preTasks, tasks, postTasks, after = [] } = desired;
  return [
    ['before', before],
    ['pre', preTasks],
    ['main', tasks],
    ['post', postTasks],
    ['after', after],
  ];
}
