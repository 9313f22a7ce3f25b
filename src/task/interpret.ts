import type { Value } from '../model/host.ts';
import { ConfigError } from '../model/problem.ts';
import type { BlockTask, ModuleTask, SettledTask, Task, TaskValues } from '../model/task.ts';
import { learnFacts } from './host-facts.ts';
import type { Result, TaskModule, TaskSurroundings, Verdict } from './module.ts';
import { messageOf, resultOfLoop, skippedResult, withLines } from './result.ts';
import { taskModules } from './table.ts';
import { ask, type TaskWorld } from './world.ts';
import { type Outcome, diffLines, statusOf, wordsOf, report } from './report.ts';

/** A task that failed, and that nothing rescued. */
export class TaskFailed extends Error {
  readonly task: string;
  readonly result: Result;

  constructor(task: string, result: Result) {
    super(messageOf(result));
    this.name = 'TaskFailed';
    this.task = task;
    this.result = result;
  }
}

/** Carries out tasks in order, up to the first that fails. @throws TaskFailed */
export async function runTasks(tasks: readonly Task[], world: TaskWorld): Promise<void> {
  for (const task of tasks) {
    world.signal.throwIfAborted();
    await (task.kind === 'block' ? runBlock(task, world) : runModule(task, world));
  }
}

/** Those that were notified since, in the order of the list. @throws TaskFailed */
export async function runHandlers(handlers: readonly Task[], world: TaskWorld): Promise<void> {
  const { notified } = world.memory;
  for (const handler of handlers) {
    if (handler.kind === 'block') continue;
    const names = [handler.name, ...handler.listen];
    if (!names.some((name) => notified.has(name))) continue;
    await runModule(handler, world);
  }
  notified.clear();
}

async function runBlock({ block, rescue, always }: BlockTask, world: TaskWorld): Promise<void> {
  try {
    try {
      await runTasks(block, world);
    } catch (error) {
      if (!(error instanceof TaskFailed) || rescue.length === 0) throw error;
      world.memory.values.set('ansible_failed_task', { name: error.task });
      world.memory.values.set('ansible_failed_result', error.result);
      await runTasks(rescue, world);
    }
  } finally {
    if (!world.signal.aborted) await runTasks(always, world);
  }
}

async function runModule(task: ModuleTask, world: TaskWorld): Promise<void> {
  const outcome = await outcomeOf(task, world);
  if (task.register !== undefined) world.memory.register(task.register, outcome.result, task.runOnce);
  if (outcome.status === 'changed') for (const name of task.notify) world.memory.notified.add(name);
  if (outcome.status === 'failed') throw new TaskFailed(outcome.name, outcome.result);
}

async function outcomeOf(task: ModuleTask, world: TaskWorld): Promise<Outcome> {
  try {
    await learnFacts(task, world);
  } catch (error) {
    world.signal.throwIfAborted();
    return fail(task, world, error);
  }
  const values = world.memory.all;
  return task.loop === undefined ? runOnce(task, values, world) : runLoop(task, values, world);
}

async function runLoop(task: ModuleTask, values: TaskValues, world: TaskWorld): Promise<Outcome> {
  let items: readonly Value[];
  try {
    items = task.ask.items(values) ?? [];
  } catch (error) {
    // As Ansible: a task that is skipped anyway may have a loop over nothing.
    if (isSkipped(task, values)) return report(task, world, { status: 'skipped', result: skippedResult });
    return fail(task, world, error);
  }
  const loop = task.loop ?? { item: 'item', index: undefined, pauseMs: 0 };
  const results: Result[] = [];
  const outcomes: Outcome[] = [];
  for (const [index, item] of items.entries()) {
    world.signal.throwIfAborted();
    if (index > 0 && loop.pauseMs > 0 && !world.isCheck) await world.clock.sleep(loop.pauseMs, world.signal);
    const inner = new Map(values).set(loop.item, item);
    if (loop.index !== undefined) inner.set(loop.index, index);
    const outcome = await runOnce(task, inner, world, item);
    outcomes.push(outcome);
    results.push({ ...outcome.result, [loop.item]: item, ansible_loop_var: loop.item });
  }
  const statuses = outcomes.map(({ status }) => status);
  const status = (['failed', 'changed', 'ignored', 'ok'] as const).find((each) => statuses.includes(each)) ?? 'skipped';
  return { name: outcomes[0]?.name ?? task.name, status, result: resultOfLoop(results) };
}

function isSkipped(task: ModuleTask, values: TaskValues): boolean {
  try {
    return !task.ask.holds(values);
  } catch {
    return false;
  }
}

async function runOnce(task: ModuleTask, values: TaskValues, world: TaskWorld, item?: Value): Promise<Outcome> {
  const startedMs = world.clock.now();
  let settled: SettledTask;
  try {
    if (!task.ask.holds(values))
      return report(task, world, { status: 'skipped', result: skippedResult, item, startedMs });
    settled = task.ask.settle(values);
  } catch (error) {
    return fail(task, world, error, item);
  }
  const isCheck = settled.checkMode === false && !world.mayRead ? world.isCheck : (settled.checkMode ?? world.isCheck);
  const tries = task.tries ?? 1;
  for (let attempt = 1; ; attempt++) {
    const done = await attemptOnce(task, settled, values, { ...world, isCheck });
    let { result } = done;
    try {
      if (task.tries !== undefined) result = { ...result, attempts: attempt };
      result = judged(task, values, result);
      const isOver =
        task.tries === undefined ||
        result['skipped'] === true ||
        task.ask.test('until', withResult(task, values, result)) !== false;
      if (!isOver && attempt < tries) {
        await world.clock.sleep(task.delayMs, world.signal);
        world.memory.forgetAnswers();
        continue;
      }
      if (!isOver) result = { ...result, failed: true, attempts: attempt };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      result = { ...result, failed: true, msg: wordsOf(error) };
    }
    if (result['changed'] === true && !isCheck) world.memory.hasChanged = true;
    return report(task, world, {
      status: statusOf(result, settled.ignoreErrors),
      result,
      item: item === undefined ? undefined : (settled.label ?? item),
      startedMs,
      name: settled.name,
      diff: (settled.diff ?? world.diff) ? done.diff : [],
      isCheck,
      isUnknown: done.isUnknown,
    });
  }
}

interface Attempt {
  readonly result: Result;
  readonly diff: readonly string[];
  readonly isUnknown: boolean;
}

async function attemptOnce(
  task: ModuleTask,
  settled: SettledTask,
  values: TaskValues,
  world: TaskWorld,
): Promise<Attempt> {
  const known = { diff: [], isUnknown: false };
  try {
    const module = moduleNamed(task.module);
    const verdict = await planOf(module, task, settled, values, world);
    if (verdict.kind === 'done') {
      keepFacts(verdict.result, task.runOnce, world);
      return { ...known, result: withLines(verdict.result) };
    }
    const diff = verdict.kind === 'change' && verdict.diff !== undefined ? diffLines(verdict.diff) : [];
    if (world.isCheck) {
      if (verdict.kind === 'change') return { ...known, diff, result: withLines({ changed: true, ...verdict.result }) };
      return {
        diff,
        isUnknown: true,
        result: withLines({ changed: false, skipped: true, msg: verdict.why, ...verdict.result }),
      };
    }
    const host = await world.host(task, settled);
    try {
      const added = await verdict.apply(host);
      const own = verdict.kind === 'change' ? { changed: true, ...verdict.result } : {};
      return { ...known, diff, result: withLines({ ...own, ...added }) };
    } finally {
      world.memory.forgetAnswers();
    }
  } catch (error) {
    world.signal.throwIfAborted();
    // Of a connection that is gone, its own words.
    return { ...known, result: { changed: false, failed: true, msg: wordsOf(error) } };
  }
}

async function planOf(
  module: TaskModule,
  task: ModuleTask,
  settled: SettledTask,
  values: TaskValues,
  world: TaskWorld,
): Promise<Verdict> {
  const queries = module.observe?.(settled.params, task.ask.controller) ?? [];
  const user = world.userOf(settled);
  const found = await ask(queries, async (argv, options) => (await world.host(task, settled)).run(argv, options), {
    of: world.memory,
    user,
  });
  return module.plan(settled.params, found, surroundings(task, settled, values, world));
}

function surroundings(
  { ask: questions }: ModuleTask,
  settled: SettledTask,
  values: TaskValues,
  world: TaskWorld,
): TaskSurroundings {
  return {
    diff: settled.diff ?? world.diff,
    render: (text, file) => questions.text(text, file, values),
    evaluate: (expression) => questions.evaluate(expression, values),
    test: (expression) => questions.condition(expression, values),
    controller: questions.controller,
    regex: (pattern) => questions.regex(pattern),
  };
}

/** What `set_fact` and others like it find is a variable from then on. */
function keepFacts({ ansible_facts: facts }: Result, isShared: boolean, { memory }: TaskWorld): void {
  if (typeof facts !== 'object' || facts === null || Array.isArray(facts)) return;
  for (const [name, value] of Object.entries<Value>(facts as Record<string, Value>))
    memory.register(name, value, isShared);
}

function moduleNamed(name: string): TaskModule {
  const module = taskModules.find((each) => each.name === name);
  if (module === undefined) throw new Error(`there is no module ${name}`);
  return module;
}

/** With `failed` and `changed`, as the module or the task's own conditions have it. @throws ConfigError */
function judged(task: ModuleTask, values: TaskValues, result: Result): Result {
  const full: Result = {
    ...result,
    failed: result['failed'] ?? (result['rc'] ?? 0) !== 0,
    changed: result['changed'] ?? false,
  };
  if (full['skipped'] === true) return full;
  const changed = task.ask.test('changed_when', withResult(task, values, full));
  const own = changed === undefined ? full : { ...full, changed };
  const failed = task.ask.test('failed_when', withResult(task, values, own));
  return failed === undefined ? own : { ...own, failed, failed_when_result: failed };
}

function withResult({ register }: ModuleTask, values: TaskValues, result: Result): TaskValues {
  return register === undefined ? values : new Map(values).set(register, result);
}

function fail(task: ModuleTask, world: TaskWorld, error: unknown, item?: Value): Outcome {
  const result: Result = { changed: false, failed: true, msg: wordsOf(error) };
  return report(task, world, { status: 'failed', result, item });
}
