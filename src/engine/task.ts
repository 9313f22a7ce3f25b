import { Secret } from '../model/secret.ts';
import type { Task } from '../model/task.ts';
import { quoteArgv } from '../shell/quote.ts';
import type { TaskHost } from '../task/module.ts';
import { taskModule } from '../task/table.ts';
import type { Node } from './node.ts';

/** Runs a task on its host. @throws Error with what it says where it fails and that is not ignored */
export async function runTask(task: Task, node: Node): Promise<void> {
  const module = taskModule.get(task.module);
  if (module === undefined) throw new Error(`there is no module ${task.module}`);
  const { failed, message } = await module.run(task.params, hostFor(task, node));
  if (failed && !task.ignoreErrors) throw new Error(`task ${task.name} ${message ?? 'failed'}`);
}

/** Commands with the task's environment, which goes through stdin, so that secrets stay out of argv. */
function hostFor({ environment, timeoutMs }: Task, { session: { remote } }: Node): TaskHost {
  const entries = Object.entries(environment);
  if (entries.length === 0) return { run: (argv) => remote.exec(argv, { timeoutMs }) };
  const stdin = entries.map(([name, value]) => `export ${name}=${quoteArgv([reveal(value)])}\n`).join('');
  return {
    run: (argv) => remote.exec(['sh', '-c', withEnvironment, 'rollout-task', ...argv], { timeoutMs, stdin }),
  };
}

const withEnvironment = 'eval "$(cat)"; exec "$@" </dev/null';

const reveal = (value: string | Secret): string => (value instanceof Secret ? value.reveal() : value);
