import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';
import type { Event } from '../../src/events/event.ts';
import type { WatchEvent } from '../../src/events/watch-event.ts';
import { eventSchema } from '../../src/events/schema.ts';

export interface FinishedRollout {
  /** `null` where a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** With `--output json`: what it said, in order. */
  readonly events: readonly Event[];
}

export interface RunningRollout {
  readonly process: ChildProcess;
  /** Events that have been said so far. */
  readonly events: readonly Event[];
  readonly finished: Promise<FinishedRollout>;
  /** Resolves with the first event, said or to come, for which `wanted` holds; rejects when the process ends first. */
  event(wanted: (event: Event) => boolean): Promise<Event>;
}

export interface RolloutOptions {
  readonly script: string;
  /** Where the journal goes and relative paths start. */
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the command line tool as its users do: a process, arguments, nothing shared. */
export function startRollout(args: readonly string[], { script, cwd, env = {} }: RolloutOptions): RunningRollout {
  const child = spawn(process.execPath, [script, ...args], {
    cwd,
    env: { ...process.env, NO_COLOR: '1', GITHUB_ACTIONS: '', GITLAB_CI: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  underWay.add(child);
  child.once('close', () => underWay.delete(child));
  const events: Event[] = [];
  const waiting = new Set<{
    wanted: (event: Event) => boolean;
    resolve: (event: Event) => void;
    reject: (error: Error) => void;
  }>();
  let stdout = '';
  let stderr = '';
  createInterface({ input: child.stdout }).on('line', (line) => {
    stdout += `${line}\n`;
    const event = parseEvent(line);
    if (event === undefined) return;
    events.push(event);
    for (const wait of waiting) {
      if (!wait.wanted(event)) continue;
      waiting.delete(wait);
      wait.resolve(event);
    }
  });
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const finished = new Promise<FinishedRollout>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode, signal) => {
      for (const { reject: fail } of waiting)
        fail(new Error(`rollout ended first, with ${exitCode ?? signal}\n${stderr}\n${stdout}`));
      resolve({ exitCode, signal, stdout, stderr, events });
    });
  });
  return {
    process: child,
    events,
    finished,
    event: (wanted) => {
      const said = events.find(wanted);
      if (said !== undefined) return Promise.resolve(said);
      return new Promise((resolve, reject) => waiting.add({ wanted, resolve, reject }));
    },
  };
}

/** A run goes on without its reader, by design: whoever started it must not leave it behind. */
const underWay = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of underWay) child.kill('SIGKILL');
});

export function runRollout(args: readonly string[], options: RolloutOptions): Promise<FinishedRollout> {
  return startRollout(args, options).finished;
}

function parseEvent(line: string): Event | undefined {
  if (!line.startsWith('{"v":1,')) return undefined;
  const event = JSON.parse(line) as Event;
  assertPublished(event);
  return event;
}

/** Whatever a test's run or watch says is what the published schema has: no other type, no other field, no other form. */
export function assertPublished(event: Event | WatchEvent): void {
  const { success, data, error } = eventSchema.safeParse(event);
  const trouble = success ? (isDeepStrictEqual(data, event) ? undefined : 'has a field of its own') : error.message;
  if (trouble !== undefined)
    throw new Error(`not as the schema of events has it: ${trouble}: ${JSON.stringify(event)}`);
}
