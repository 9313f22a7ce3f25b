import { Secret } from '../model/secret.ts';
import type { Task } from '../model/service.ts';
import type { Node } from './node.ts';

/** Runs a task's command on the host; its environment goes through stdin, so that secrets stay out of argv. */
export async function runTask(task: Task, node: Node): Promise<void> {
  const entries = Object.entries(task.environment);
  const { exitCode, stdout, stderr } =
    entries.length === 0
      ? await node.session.remote.exec(task.argv, { timeoutMs: task.timeoutMs })
      : await node.session.remote.exec(['sh', '-c', withEnvironment, 'rollout-task', ...task.argv], {
          timeoutMs: task.timeoutMs,
          stdin: entries.map(([name, value]) => `export ${name}=${quote(reveal(value))}\n`).join(''),
        });
  if (exitCode === 0 || task.ignoreErrors) return;
  const output = (stderr.trim() || stdout.trim()).split('\n').slice(-3).join(' / ');
  throw new Error(`task ${task.name} exited with ${exitCode}${output === '' ? '' : `: ${output}`}`);
}

const withEnvironment = 'eval "$(cat)"; exec "$@" </dev/null';

const reveal = (value: string | Secret): string => (value instanceof Secret ? value.reveal() : value);
const quote = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`;
