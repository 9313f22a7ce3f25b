import type { Value } from '../model/host.ts';
import type { ModuleTask, SettledTask, Task, TaskValues } from '../model/task.ts';
import { factQueries, ofTheHost } from './host-facts.ts';
import type { Query } from './query.ts';
import { moduleOf } from './table.ts';
import { ask, type TaskWorld } from './world.ts';

/**
 * Asks the host, in one round trip for each user, what the tasks ahead will want to know, as far as that can be told by
 * now. What is answered is remembered until something changes on the host.
 */
export async function prefetch(tasks: readonly Task[], world: TaskWorld): Promise<void> {
  const wanted = new Map<
    string,
    { readonly task: ModuleTask; readonly settled: SettledTask; readonly queries: Query[] }
  >();
  const add = (task: ModuleTask, settled: SettledTask, queries: readonly Query[]): void => {
    const user = world.userOf(settled);
    const group = wanted.get(user) ?? { task, settled, queries: [] };
    group.queries.push(...queries);
    wanted.set(user, group);
  };
  for (const task of tasks.flatMap(modulesOf)) {
    add(task, ofTheHost, factQueries(task));
    for (const values of valuesOf(task, world.memory.all)) {
      try {
        if (!task.ask.holds(values)) continue;
        const settled = task.ask.settle(values);
        add(task, settled, moduleOf(task.module)?.observe?.(settled.params, task.ask.controller) ?? []);
      } catch {
        // What it needs is found by a task before it.
      }
    }
  }
  await Promise.all(
    [...wanted].map(async ([user, { task, settled, queries }]) => {
      if (queries.length === 0) return;
      const host = await world.host(task, settled);
      await ask(queries, host.run, { of: world.memory, user });
    }),
  );
}

function modulesOf(task: Task): readonly ModuleTask[] {
  return task.kind === 'module' ? [task] : task.block.flatMap(modulesOf);
}

function valuesOf(task: ModuleTask, values: TaskValues): readonly TaskValues[] {
  const { loop } = task;
  if (loop === undefined) return [values];
  try {
    return (task.ask.items(values) ?? []).map((item, index) => {
      const inner = new Map<string, Value>(values).set(loop.item, item);
      return loop.index === undefined ? inner : inner.set(loop.index, index);
    });
  } catch {
    return [];
  }
}
