import type * as z from 'zod';

/** A module: one file and one row of the table, all that rollout knows of it. */
export interface TaskModule<Params = unknown> {
  readonly name: string;
  /** What it does, in a sentence or two: the reference page and the JSON Schema print it. */
  readonly doc: string;
  /** What may be written under its name. */
  readonly schema: z.ZodType<Params>;
  /** What a log calls a task that has no name of its own. */
  title(params: Params): string;
  /** Carries it out. A failure is a result, not an error. */
  run(params: Params, host: TaskHost): Promise<TaskResult>;
}

/** What a module may do on a host: as the task's user, with the task's environment, within its time. */
export interface TaskHost {
  run(argv: readonly string[]): Promise<CommandResult>;
}

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface TaskResult {
  readonly failed: boolean;
  /** Of a failure, for people. */
  readonly message?: string;
}

/** A row of the table, which holds modules with parameters of every shape. */
export function taskModule<Params>(module: TaskModule<Params>): TaskModule {
  return {
    name: module.name,
    doc: module.doc,
    schema: module.schema,
    // The schema has made them.
    title: (params) => module.title(params as Params),
    run: (params, host) => module.run(params as Params, host),
  };
}
