import type { Value } from '../model/host.ts';
import { ConfigError, formatProblem } from '../model/problem.ts';
import type { ModuleTask } from '../model/task.ts';
import type { Result, Verdict } from './module.ts';
import { itemText } from './result.ts';
import { unifiedDiff } from './unified-diff.ts';
import type { TaskReport, TaskStatus, TaskWorld } from './world.ts';

export interface Outcome {
  readonly name: string;
  readonly status: TaskStatus;
  readonly result: Result;
}

export function diffLines({
  path,
  before,
  after,
}: NonNullable<Extract<Verdict, { kind: 'change' }>['diff']>): readonly string[] {
  return unifiedDiff(path, before, after);
}

export function statusOf(result: Result, ignoreErrors: boolean): TaskStatus {
  if (result['failed'] === true) return ignoreErrors ? 'ignored' : 'failed';
  if (result['skipped'] === true) return 'skipped';
  return result['changed'] === true ? 'changed' : 'ok';
}

export function wordsOf(error: unknown): string {
  if (error instanceof ConfigError) return error.problems.map(formatProblem).join('; ');
  return error instanceof Error ? error.message : String(error);
}

export function report(
  task: ModuleTask,
  world: TaskWorld,
  ended: Partial<Omit<TaskReport, 'item'>> &
    Pick<TaskReport, 'status' | 'result'> & { readonly item?: Value | undefined; readonly startedMs?: number },
): Outcome {
  const { item, startedMs = world.clock.now(), status, result, name = task.name, diff = [] } = ended;
  world.report({
    name,
    module: task.module,
    runOnce: task.runOnce,
    status,
    result: task.noLog ? hidden(result) : result,
    diff: task.noLog ? [] : diff,
    isCheck: ended.isCheck ?? world.isCheck,
    isUnknown: ended.isUnknown ?? false,
    noLog: task.noLog,
    durationMs: world.clock.now() - startedMs,
    ...(item === undefined || task.noLog ? {} : { item: itemText(item) }),
  });
  return { name, status, result };
}

/** What is left of a result that nobody may see. */
function hidden({ changed, failed, skipped, rc }: Result): Result {
  return {
    ...(changed === undefined ? {} : { changed }),
    ...(failed === undefined ? {} : { failed }),
    ...(skipped === undefined ? {} : { skipped }),
    ...(rc === undefined ? {} : { rc }),
    msg: 'the output is hidden, since no_log is set for this task',
  };
}
