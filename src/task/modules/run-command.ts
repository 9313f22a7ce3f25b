import type { TaskHost, TaskResult } from '../module.ts';

/** A command's exit code is the task's result. */
export async function runCommand(argv: readonly string[], host: TaskHost): Promise<TaskResult> {
  const { exitCode, stdout, stderr } = await host.run(argv);
  if (exitCode === 0) return { failed: false };
  const output = (stderr.trim() || stdout.trim()).split('\n').slice(-3).join(' / ');
  return { failed: true, message: `exited with ${exitCode}${output === '' ? '' : `: ${output}`}` };
}
