import { partAt, problemIn } from '../document.ts';
import type { Problems } from '../text/problems.ts';
import type { TaskListName } from './host-parts.ts';
import type { TaskTemplate } from './task-of-host.ts';

/** The lists that run while the node serves, by their keys. */
const serving = { before: 'before', pre: 'pre_tasks', post: 'post_tasks', after: 'after' } as const;

/**
 * What takes a whole host down has its place under `tasks`, where the node is out of rotation. One that is delegated is
 * about another host, and is for whoever writes it.
 */
export function refuseServingReboots(
  tasks: Readonly<Record<TaskListName, readonly TaskTemplate[]>>,
  problems: Problems,
): void {
  const handlers = allOf(tasks.handlers);
  for (const [list, key] of Object.entries(serving) as [keyof typeof serving, string][]) {
    const own = allOf(tasks[list]);
    const called = new Set(own.flatMap((template) => wordsAt(template, 'notify')));
    const heard = handlers.filter((handler) =>
      [...wordsAt(handler, 'name'), ...wordsAt(handler, 'listen')].some((name) => called.has(name)),
    );
    for (const { written } of own) report(written, `in ${key}`, problems);
    for (const { written } of heard) report(written, `called from ${key}`, problems);
  }
}

function report(written: TaskTemplate['written'], where: string, problems: Problems): void {
  if (written?.parts.module.takesHostDown !== true || partAt(written.part, 'delegate_to').value !== null) return;
  const { key } = written.parts;
  const message = `would take the host down while its node serves (${where}); move it to tasks, where the node is out of rotation`;
  problems.add(problemIn(written.part, [key], message, true));
}

const allOf = (templates: readonly TaskTemplate[]): readonly TaskTemplate[] =>
  templates.flatMap((template) => [template, ...allOf(template.children ?? [])]);

function wordsAt({ written }: TaskTemplate, key: string): readonly string[] {
  if (written === undefined) return [];
  return [partAt(written.part, key).value].flat().filter((word) => typeof word === 'string');
}
