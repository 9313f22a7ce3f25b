import { loadPlaybook, type LoadOptions } from '../../src/config/load.ts';
import { taskWorld } from '../../src/engine/task.ts';
import type { Value } from '../../src/model/host.ts';
import { systemClock } from '../../src/sandbox/timing.ts';
import { CommandRemote } from '../../src/ssh/commands.ts';
import { LocalTransport } from '../../src/ssh/local-transport.ts';
import { runHandlers, runTasks, TaskFailed } from '../../src/task/interpret.ts';
import { prefetch } from '../../src/task/prefetch.ts';
import { TaskMemory, type TaskReport } from '../../src/task/world.ts';
import { runContext } from './run-context.ts';

export interface LocalRun {
  readonly reports: readonly TaskReport[];
  readonly values: ReadonlyMap<string, Value>;
  readonly failed: string | undefined;
  /** Commands that went to the host. */
  readonly roundTrips: number;
}

/** Runs the tasks of a playbook's only play on this machine, as a local connection does, and without docker. */
export async function runLocally(options: LoadOptions, mode: 'run' | 'check' = 'run'): Promise<LocalRun> {
  const loaded = await loadPlaybook(options);
  const [play] = loaded.plays;
  const host = play?.hosts[0];
  if (play === undefined || host === undefined) throw new Error('the playbook has no host');
  const facts = { hostname: 'node', cpus: 2, memory_mb: 2048, arch: 'x86_64', os: 'linux', docker_version: '20.10.24' };
  const desired = loaded.desired(play, host, facts);
  let roundTrips = 0;
  const transport = new LocalTransport(host.name, 'nobody-in-particular', process.env);
  const remote = new CommandRemote(transport, undefined, systemClock, () => void (roundTrips += 1));
  const session = { remote, host, reconnect: () => Promise.resolve() };
  const reports: TaskReport[] = [];
  const tasks = TaskMemory.with(desired.skippedResults ?? [], new Map<string, Value>());
  const node = { session, tier: { delegate: () => Promise.resolve(session) }, tasks };
  const world = taskWorld(node, runContext(systemClock), {
    isCheck: mode === 'check',
    report: (report) => void reports.push(report),
  });
  const ran = { reports, values: tasks.values };
  try {
    await prefetch(desired.tasks, world);
    await runTasks(desired.tasks, world);
    await runHandlers(desired.handlers ?? [], world);
    return { ...ran, roundTrips, failed: undefined };
  } catch (error) {
    if (!(error instanceof TaskFailed)) throw error;
    return { ...ran, roundTrips, failed: `${error.task}: ${error.message}` };
  } finally {
    await remote.close();
  }
}

/** A playbook of tasks alone, for this machine, as YAML that is JSON. */
export function localPlaybook(tasks: readonly unknown[], play: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    inventory: 'hosts.yaml',
    plays: [{ name: 'local', hosts: 'all', strategy: {}, tasks, ...play }],
  });
}

export const localInventory = 'all:\n  hosts:\n    node: { ansible_connection: local }\n';
