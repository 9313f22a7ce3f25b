import type { Duplex } from 'node:stream';
import type * as z from 'zod';
import type { Value } from '../model/host.ts';
import type { Secret } from '../model/secret.ts';
import type { TaskQuestions } from '../model/task.ts';
import type { CommandResult, Found, Query } from './query.ts';

/** A module: one file and one row of the table, all that rollout knows of it. */
export interface TaskModule<Params = unknown> {
  readonly name: string;
  /** What it does, in a sentence or two: the reference page and the JSON Schema print it. */
  readonly doc: string;
  /** Its parameters, as a mapping. */
  readonly schema: z.ZodType<Params>;
  /** The parameter that a text stands for, or a list: `command: ls` is `command: { cmd: ls }`. */
  readonly freeForm?: { readonly text?: string; readonly list?: string };
  /** Parameters that may hold a secret: what becomes of them stays out of argv. */
  readonly secrets?: readonly string[];
  /** It takes the whole host down for a while: only for a node that is out of rotation. */
  readonly takesHostDown?: true;
  /** What has to be known of the host before it can be decided. */
  observe?(params: Params, controller: TaskQuestions['controller']): readonly Query[];
  /** What there is to do. Decides, and does nothing. */
  plan(params: Params, found: Found, task: TaskSurroundings): Verdict;
}

/** What a module may know beside its parameters. */
export interface TaskSurroundings {
  /** Differences of files are wanted. */
  readonly diff: boolean;
  /** The text of a template's file with its values. @throws ConfigError */
  render(text: string, file: string): string | Secret;
  /** An expression's value. @throws ConfigError */
  evaluate(expression: string): Value;
  /** Whether an expression holds, as `when` does. @throws ConfigError */
  test(expression: string | boolean): boolean;
  readonly controller: TaskQuestions['controller'];
  readonly regex: TaskQuestions['regex'];
}

/** In Ansible's words: `changed failed skipped msg rc stdout stderr`, and those of the module. */
export type Result = Readonly<Record<string, Value>>;

export type Verdict =
  /** There is nothing to do on the host, or nothing that can be done. */
  | { readonly kind: 'done'; readonly result: Result }
  /** Something differs, and this ends it. */
  | {
      readonly kind: 'change';
      readonly result: Result;
      readonly diff?: Diff | undefined;
      /** Adds to the result. */
      apply(host: TaskHost): Promise<Result>;
    }
  /** What it does is known only when it has done it. */
  | {
      readonly kind: 'act';
      readonly why: string;
      /** Of a check, beside `skipped`. */
      readonly result?: Result;
      apply(host: TaskHost): Promise<Result>;
    };

/** A file before and after, for people. */
export interface Diff {
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

export interface RunOptions {
  readonly stdin?: string | Buffer;
  /** Below the limit of the task. */
  readonly timeoutMs?: number;
}

export interface KeepOptions {
  /** Of the controller, absolute. What is there is replaced; folders are made. */
  readonly path: string;
  /** What its owner alone may read. */
  readonly isPrivate: boolean;
  /** The command is given up where it prints more. */
  readonly mostBytes: number;
  /** Throws where what has come is not to be kept. */
  readonly check: (answer: Kept & Pick<CommandResult, 'exitCode' | 'stderr'>) => void;
}

export interface Kept {
  readonly bytes: number;
  /** SHA-1, as Ansible has it. */
  readonly checksum: string;
}

/** What a module may do on a host: as the task's user, with the task's environment, within its time. */
export interface TaskHost {
  now(): number;
  /** This very machine. */
  readonly isController: boolean;
  readonly run: (argv: readonly string[], options?: RunOptions) => Promise<CommandResult>;
  /** What the play runs here; undefined on a host that the task is delegated to. */
  readonly services: TaskServices | undefined;
  read(queries: readonly Query[]): Promise<Found>;
  /** What a command prints, in a file of the controller: there whole and as it should be, or not at all. */
  keep(argv: readonly string[], how: KeepOptions): Promise<Kept>;
  /** A TCP connection from the host. */
  openTcp(port: number, address: string): Promise<Duplex>;
  /** Rejects when `until` is aborted. */
  sleep(delayMs: number, until?: AbortSignal): Promise<void>;
  /** The connection is closed, and opened again once the host lets it. */
  reconnect(limitMs: number): Promise<void>;
}

/** The services of the play on the host of the task. Each method fails with an Error that says why. */
export interface TaskServices {
  /** Of every image that the play wants here: `sha256:…`. */
  readonly imageDigests: readonly string[];
  /** A container of its own of a service, with the image that the play wants: as it ended. It is removed then. */
  runOnce(service: string, how: OneOff): Promise<CommandResult>;
  /** A command in the container of a service that runs. */
  exec(service: string, how: InContainer): Promise<CommandResult>;
  /** Those that run now; asked again later, they are started where they stopped, and waited for until they are well. */
  noteRunning(): Promise<() => Promise<void>>;
}

export interface OneOff {
  readonly command?: readonly string[] | undefined;
  readonly entrypoint?: readonly string[] | undefined;
  readonly user?: string | undefined;
  readonly workingDir?: string | undefined;
}

export interface InContainer extends Pick<OneOff, 'user' | 'workingDir'> {
  readonly command: readonly string[];
  readonly stdin?: string | undefined;
}

/** A module as its file has it: its schema is made when a task names it, as it takes longer to make than all else of the module. */
interface ModuleDefinition<Params> extends Omit<TaskModule<Params>, 'schema'> {
  readonly schema: () => z.ZodType<Params>;
}

/** A row of the table, which holds modules with parameters of every shape. */
export function taskModule<Params>(module: ModuleDefinition<Params>): TaskModule {
  let schema: z.ZodType<Params> | undefined;
  return {
    ...module,
    get schema() {
      return (schema ??= module.schema());
    },
    // The schema has made them.
    observe: (params, controller) => module.observe?.(params as Params, controller) ?? [],
    plan: (params, found, task) => module.plan(params as Params, found, task),
  };
}

export const done = (result: Result = {}): Verdict => ({ kind: 'done', result });
export const failed = (msg: string, result: Result = {}): Verdict => done({ failed: true, msg, ...result });
