import type { Clock } from '../model/clock.ts';
import type { Value } from '../model/host.ts';
import type { ModuleTask, SettledTask } from '../model/task.ts';
import type { Result, TaskHost } from './module.ts';
import { skippedResult } from './result.ts';
import { parseFound, readCommand, Found, keyOf, type CommandResult, type Query } from './query.ts';

/** How a task ended on its host; `ignored`: it failed, and that is ignored. */
export type TaskStatus = 'ok' | 'changed' | 'skipped' | 'failed' | 'ignored';

/** One task that has ended, or one item of its loop. */
export interface TaskReport {
  readonly name: string;
  readonly module: string;
  readonly runOnce: boolean;
  readonly status: TaskStatus;
  /** Of a loop: its item, or what stands for it. */
  readonly item?: string;
  /** Empty with no_log. */
  readonly result: Result;
  /** Lines of a unified diff. */
  readonly diff: readonly string[];
  /** It would be so: nothing was changed. */
  readonly isCheck: boolean;
  /** It would be done, and what it would do cannot be told: a command. */
  readonly isUnknown: boolean;
  readonly noLog: boolean;
  readonly durationMs: number;
}

/** What the tasks of one host remember from one to the next. */
export class TaskMemory {
  readonly values = new Map<string, Value>();
  /** What run_once has registered, for every host of the play. */
  readonly shared: Map<string, Value>;
  /** Names of handlers that wait for their turn. */
  readonly notified = new Set<string>();
  /** Something has changed on the host. */
  hasChanged = false;
  readonly #answers = new Map<string, Map<string, Found>>();
  readonly #learnt = new Set<string>();

  constructor(shared = new Map<string, Value>()) {
    this.shared = shared;
  }

  /** For a host on which some tasks are known to be skipped, by the variables that they register. */
  static with(skipped: readonly string[], shared: Map<string, Value>): TaskMemory {
    const memory = new TaskMemory(shared);
    for (const name of skipped) memory.values.set(name, skippedResult);
    return memory;
  }

  /** Everything that templates may use. */
  get all(): ReadonlyMap<string, Value> {
    return this.shared.size === 0 ? this.values : new Map([...this.shared, ...this.values]);
  }

  register(name: string, value: Value, isShared: boolean): void {
    this.values.set(name, value);
    this.#learnt.delete(name);
    if (isShared) this.shared.set(name, value);
  }

  /** Whether a name is free for what is read from the host: what a task has registered under it stands. */
  mayLearn(name: string): boolean {
    return this.#learnt.has(name) || !this.all.has(name);
  }

  /** What was read from the host, until it is read again. */
  learn(name: string, value: Value): void {
    this.#learnt.add(name);
    this.values.set(name, value);
  }

  /** What was found as this user, unless something may have changed since. */
  known(user: string, query: Query): Found | undefined {
    return this.#answers.get(user)?.get(keyOf(query));
  }

  remember(user: string, query: Query, found: Found): void {
    const answers = this.#answers.get(user) ?? new Map<string, Found>();
    this.#answers.set(user, answers.set(keyOf(query), found));
  }

  /** Something may have changed: what was found before says nothing any more. */
  forgetAnswers(): void {
    this.#answers.clear();
  }
}

/** What tasks need of the world. */
export interface TaskWorld {
  readonly memory: TaskMemory;
  /** Only said what would be done. */
  readonly isCheck: boolean;
  readonly diff: boolean;
  readonly clock: Clock;
  /** Commands as the task's user, on the host that it is about. */
  host(task: ModuleTask, settled: SettledTask): Promise<TaskHost>;
  /** The same for whoever runs alike: the user, and the host where it is another. */
  userOf(settled: SettledTask): string;
  report(report: TaskReport): void;
  /** With check_mode: false a task that only reads is carried out in a check too. */
  readonly mayRead: boolean;
  /** Aborted when nothing may go on. */
  readonly signal: AbortSignal;
}

/** Asks a host; in one round trip, and not at all for what is known. */
export async function ask(
  queries: readonly Query[],
  run: TaskHost['run'],
  memory?: { readonly of: TaskMemory; readonly user: string },
): Promise<Found> {
  const known = queries.map((query) => memory?.of.known(memory.user, query));
  const unknown = queries.filter((_, index) => known[index] === undefined);
  const missing = [...new Map(unknown.map((query) => [keyOf(query), query])).values()];
  let fresh = new Map<string, CommandResult>();
  if (missing.length > 0) {
    const alone = missing.flatMap((query) => (query.kind === 'command' && query.stdin !== undefined ? [query] : []));
    const together = missing.filter((query) => !alone.some((each) => each === query));
    const answers = await Promise.all([
      askTogether(together, run),
      ...alone.map(async (query) => [[keyOf(query), await run(query.argv, { stdin: bufferOf(query.stdin) })]] as const),
    ]);
    fresh = new Map(answers.flatMap((each) => [...each]));
    const found = new Found(fresh);
    for (const query of missing) memory?.of.remember(memory.user, query, found);
  }
  return Found.of([...known.filter((found) => found !== undefined), new Found(fresh)]);
}

async function askTogether(
  queries: readonly Query[],
  run: TaskHost['run'],
): Promise<ReadonlyMap<string, CommandResult>> {
  if (queries.length === 0) return new Map();
  const { argv, stdin } = readCommand(queries);
  const answer = await run(argv, stdin === undefined ? {} : { stdin });
  const parsed = parseFound(queries, answer.stdout);
  if (parsed === undefined)
    throw new Error(answer.stderr.trim() || `the host does not answer as it should (exit code ${answer.exitCode})`);
  return parsed;
}

/** The same memory. */
const bufferOf = (bytes: Uint8Array = new Uint8Array()): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
