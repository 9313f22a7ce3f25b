import type { BlockTask, Task } from '../../model/task.ts';
import type { Part } from '../document.ts';
import type { TaskTemplate, TaskHostContext, TaskOfHost } from './task-of-host.ts';

/** Tasks with what they share. */
export class BlockTemplate implements TaskTemplate {
  readonly tags: readonly Part[];
  readonly #name: string;
  readonly #lists: Readonly<Record<'block' | 'rescue' | 'always', readonly TaskTemplate[]>>;

  constructor(
    name: string,
    tags: readonly Part[],
    lists: Readonly<Record<'block' | 'rescue' | 'always', readonly TaskTemplate[]>>,
  ) {
    this.#name = name;
    this.tags = tags;
    this.#lists = lists;
  }

  get children(): readonly TaskTemplate[] {
    return Object.values(this.#lists).flat();
  }

  for(host: TaskHostContext): TaskOfHost {
    const built = (list: readonly TaskTemplate[]): readonly TaskOfHost[] => list.map((template) => template.for(host));
    const [block, rescue, always] = [built(this.#lists.block), built(this.#lists.rescue), built(this.#lists.always)];
    const all = [...block, ...rescue, ...always];
    const tasksOf = (list: readonly TaskOfHost[]): readonly Task[] => list.flatMap(({ task }) => task ?? []);
    const tasks = tasksOf(all);
    const problems = all.flatMap((each) => each.problems);
    const skipped = all.flatMap((each) => each.skipped);
    if (tasks.length === 0) return { task: undefined, problems, skipped };
    const task: BlockTask = {
      kind: 'block',
      name: this.#name,
      runOnce: tasks.every(({ runOnce }) => runOnce),
      timeoutMs: tasks.reduce((sumMs, { timeoutMs }) => sumMs + timeoutMs, 0),
      block: tasksOf(block),
      rescue: tasksOf(rescue),
      always: tasksOf(always),
    };
    return { task, problems, skipped };
  }
}
