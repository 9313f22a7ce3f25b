import type { Host } from '../model/host.ts';
import { Secret } from '../model/secret.ts';
import type { ModuleTask, SettledTask, Task } from '../model/task.ts';
import { quoteArgv } from '../shell/quote.ts';
import { ask, type TaskReport, type TaskWorld } from '../task/world.ts';
import { runHandlers, runTasks, TaskFailed } from '../task/interpret.ts';
import type { TaskHost, TaskServices } from '../task/module.ts';
import type { ExecOptions, ExecResult } from '../ssh/remote.ts';
import type { RunContext } from './context.ts';
import { keepOutput } from './keep-output.ts';
import type { Node } from './node.ts';
import { OpError } from './op-error.ts';
import type { HostSession } from './session.ts';
import { lineFeed } from './task-output.ts';
import { taskServices, type ServiceTask } from './task-services.ts';

/** Runs a task on its host, and the handlers that are due after it. @throws Error with what it says where it fails */
export async function runTask(task: Task, handlers: readonly Task[], node: Node, context: RunContext): Promise<void> {
  const world = taskWorld(node, context, {
    isCheck: false,
    services: (own) => taskServices(node, own, context),
    report: (report) => context.emit(taskEvent(node.name, report)),
  });
  try {
    await runTasks([task], world);
    if (handlers.length > 0) await runHandlers(handlers, world);
  } catch (error) {
    context.interrupt.now.throwIfAborted();
    if (!(error instanceof TaskFailed)) throw error;
    const { rc } = error.result;
    throw new OpError(
      { kind: 'task', text: `task ${task.name}`, cause: 'tasks' },
      error.task === task.name ? error.message : `${error.task}: ${error.message}`,
      { cause: error, exitCode: typeof rc === 'number' ? rc : undefined },
    );
  }
}

/** The host that tasks are about. */
export interface TaskNode {
  readonly session: TaskSession;
  readonly tier: { readonly delegate: (host: string) => Promise<TaskSession> };
  readonly tasks: TaskWorld['memory'];
}
type TaskSession = Pick<HostSession, 'remote' | 'host' | 'reconnect'>;

/** What the tasks of a node need of the world. */
export function taskWorld(
  node: TaskNode,
  context: RunContext,
  {
    isCheck,
    mayRead = true,
    memory = node.tasks,
    services,
    report,
  }: Pick<TaskWorld, 'isCheck' | 'report'> &
    Partial<Pick<TaskWorld, 'mayRead' | 'memory'>> & {
      readonly services?: (task: ServiceTask) => TaskServices;
    },
): TaskWorld {
  const { session, tier } = node;
  const of = (settled: SettledTask): Promise<TaskSession> =>
    settled.delegateTo === undefined ? Promise.resolve(session) : tier.delegate(settled.delegateTo);
  return {
    memory,
    isCheck,
    mayRead,
    diff: true,
    clock: context.clock,
    signal: context.interrupt.now,
    userOf: (settled) => JSON.stringify([settled.delegateTo ?? '', userOf(settled, session.host)]),
    host: async (task, settled) => {
      const at = await of(settled);
      return hostFor(task, settled, { session: at, services: at === session ? services : undefined, context });
    },
    report,
  };
}

interface TaskPlace {
  readonly session: TaskSession;
  readonly services: ((task: ServiceTask) => TaskServices) | undefined;
  readonly context: RunContext;
}

function hostFor(task: ModuleTask, settled: SettledTask, { session, services, context }: TaskPlace): TaskHost {
  const { environment } = settled;
  const { timeoutMs } = task;
  const { host } = session;
  const signal = context.interrupt.now;
  // What a module prints while it runs is what it is about; what it merely asks is nobody's concern.
  const feed = lineFeed((lines) => {
    if (!task.noLog) context.emit({ type: 'task_output', host: host.name, task: settled.name, lines });
  });
  const exec = (argv: readonly string[], stdin: string | Buffer, options: ExecOptions): Promise<ExecResult> => {
    const entries = Object.entries(environment);
    if (entries.length === 0) return session.remote.exec(argv, { ...options, stdin });
    // Through stdin, so that secrets stay out of argv.
    const text = entries.map(([name, value]) => `export ${name}=${quoteArgv([reveal(value)])}\n`).join('');
    const head = Buffer.from(text);
    const wrapped = ['sh', '-c', withEnvironment, 'rollout-task', String(head.length), ...argv];
    return session.remote.exec(wrapped, { ...options, stdin: Buffer.concat([head, Buffer.from(stdin)]) });
  };
  const runAs =
    (user: TaskUser, onOutput?: ExecOptions['onOutput']): TaskHost['run'] =>
    (argv, { stdin = '', timeoutMs: ownMs = timeoutMs } = {}) =>
      exec(argv, stdin, {
        timeoutMs: Math.min(ownMs, timeoutMs),
        signal,
        ...user,
        ...(onOutput && { onOutput }),
      });
  const own = userOf(settled, host);
  const run = runAs(own);
  const { onOutput } = feed;
  return {
    now: () => context.clock.now(),
    isController: host.connection.kind === 'local',
    run,
    services: services?.({ environment, timeoutMs, signal, onOutput, run: runAs({}, onOutput), endOutput: feed.end }),
    read: (queries) => ask(queries, run),
    keep: (argv, how) =>
      keepOutput(
        ({ signal: refused = signal, ...options }) =>
          exec(argv, '', { timeoutMs, ...own, ...options, signal: AbortSignal.any([signal, refused]) }),
        how,
      ),
    openTcp: (port, address) => session.remote.openTcp(port, address),
    sleep: (delayMs, until) =>
      context.clock.sleep(delayMs, until === undefined ? signal : AbortSignal.any([signal, until])),
    reconnect: (limitMs) => session.reconnect(context, limitMs),
  };
}

/** Byte by byte: what comes behind it is the command's own. */
const withEnvironment = 'eval "$(dd bs=1 count="$1" 2>/dev/null)"; shift; exec "$@"';

const reveal = (value: string | Secret): string => (value instanceof Secret ? value.reveal() : value);

type TaskUser = Pick<ExecOptions, 'withoutBecome' | 'become'>;

/** The user of a task: its own, else that of the host's connection. */
function userOf({ become, becomeUser }: SettledTask, { connection }: Host): TaskUser {
  if (become === false) return { withoutBecome: true };
  const own = connection.become;
  if (become !== true && (own === undefined || becomeUser === undefined)) return {};
  const user = becomeUser ?? own?.user ?? 'root';
  return {
    become: { method: 'sudo', user, ...(own?.password === undefined ? {} : { password: own.password }) },
  };
}

/** The event of a task, or of one item of its loop. */
export function taskEvent(host: string, report: TaskReport) {
  const { name, module, status, result, item, diff, durationMs, noLog } = report;
  const text = (value: unknown): string | undefined =>
    typeof value === 'string' && value.trim() !== '' ? shortened(value) : undefined;
  const { rc, msg, stdout, stderr } = result;
  const output = noLog ? undefined : text(stdout);
  const errors = noLog ? undefined : text(stderr);
  const message =
    typeof msg === 'string' ? text(msg) : msg === undefined || msg === null ? undefined : text(JSON.stringify(msg));
  return {
    type: 'task_finished' as const,
    host,
    task: name,
    module,
    status,
    durationMs,
    ...(item === undefined ? {} : { item }),
    ...(typeof rc === 'number' ? { rc } : {}),
    ...(message === undefined ? {} : { message }),
    ...(output === undefined ? {} : { stdout: output }),
    ...(errors === undefined ? {} : { stderr: errors }),
    ...(diff.length === 0 ? {} : { diff: diff.slice(0, mostDiffLines) }),
  };
}

/** The end of what a command printed: an event is a line of the journal. */
const mostCharacters = 16_384;
const mostDiffLines = 400;

function shortened(text: string): string {
  return text.length <= mostCharacters ? text : `… ${text.slice(-mostCharacters)}`;
}
