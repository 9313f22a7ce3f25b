import type { Value } from './host.ts';
import type { Secret } from './secret.ts';

/** What a run has found on a host by now, by name: registered results, set_fact, the item of a loop. Never rendered again. */
export type TaskValues = ReadonlyMap<string, Value>;

/** A task of a play on one host. */
export type Task = ModuleTask | BlockTask;

/** One module of `src/task`, and the keywords around it. What templates decide is asked when its turn comes. */
export interface ModuleTask {
  readonly kind: 'module';
  /** For plan and log; with templates where they need what only the run finds. */
  readonly name: string;
  /** Its name in the table of modules: `command`. */
  readonly module: string;
  readonly runOnce: boolean;
  readonly timeoutMs: number;
  readonly register: string | undefined;
  readonly loop: LoopNames | undefined;
  /** Tries when there is `until`, the first one included; undefined without it. */
  readonly tries: number | undefined;
  readonly delayMs: number;
  /** Names of handlers that it calls when it changes something. */
  readonly notify: readonly string[];
  /** Of a handler: further names that call it. */
  readonly listen: readonly string[];
  readonly noLog: boolean;
  /** Names of variables that are read from the host before it: those that it names. */
  readonly facts?: readonly string[];
  readonly ask: TaskQuestions;
}

export interface LoopNames {
  readonly item: string;
  readonly index: string | undefined;
  readonly pauseMs: number;
}

export interface BlockTask {
  readonly kind: 'block';
  readonly name: string;
  readonly runOnce: boolean;
  readonly timeoutMs: number;
  readonly block: readonly Task[];
  /** Run when one of `block` fails; the failure then counts no more. */
  readonly rescue: readonly Task[];
  /** Run however it ended. */
  readonly always: readonly Task[];
}

/** Conditions that are asked of a result. */
export type TaskTest = 'changed_when' | 'failed_when' | 'until';

/** What a task's templates say, with the values found by then. @throws ConfigError */
export interface TaskQuestions {
  holds(values: TaskValues): boolean;
  /** Undefined without a loop. */
  items(values: TaskValues): readonly Value[] | undefined;
  settle(values: TaskValues): SettledTask;
  /** Undefined where nothing is written. */
  test(which: TaskTest, values: TaskValues): boolean | undefined;
  /** An expression of a parameter. */
  evaluate(expression: string, values: TaskValues): Value;
  /** One that must give true or false. */
  condition(expression: string | boolean, values: TaskValues): boolean;
  /** The text of a file at the controller, as a template. */
  text(text: string, file: string, values: TaskValues): string | Secret;
  readonly controller: Controller;
  /** A regular expression as Python means it. @throws Error that says what is wrong with it */
  regex(pattern: string): TaskRegex;
}

/** Files of the controller, by names relative to the playbook's folder. */
export interface Controller {
  /** A file that goes to hosts. @throws Error that says why it cannot be read */
  file(path: string, folder?: 'files' | 'templates'): ControllerFile;
  /** What is where something of a host is to be kept. @throws Error that says why it cannot be read */
  place(path: string): ControllerPlace;
}

export interface ControllerPlace {
  /** Absolute. */
  readonly path: string;
  /** Undefined where there is nothing. */
  readonly type: 'file' | 'directory' | 'other' | undefined;
  readonly bytes: number;
  /** Of a file: its SHA-1, read when it is asked for. */
  checksum(): string;
}

export interface ControllerFile {
  readonly path: string;
  readonly content: Uint8Array;
  /** Octal digits. */
  readonly mode: string;
}

export interface TaskRegex {
  /** Undefined where nothing matches. */
  search(text: string): object | undefined;
  /** The template with what the first match has found, as `\\1` or `\\g<name>`. */
  expand(text: string, template: string): string;
}

/** A task with every template rendered and every value checked. */
export interface SettledTask {
  readonly name: string;
  /** As the module's schema yields them. */
  readonly params: unknown;
  readonly environment: Readonly<Record<string, string | Secret>>;
  /** Undefined: as the host's own connection says. */
  readonly become: boolean | undefined;
  readonly becomeUser: string | undefined;
  readonly delegateTo: string | undefined;
  /** Of a loop: what is shown instead of the item. */
  readonly label: string | undefined;
  readonly ignoreErrors: boolean;
  /** Undefined: as the run. */
  readonly checkMode: boolean | undefined;
  readonly diff: boolean | undefined;
}
