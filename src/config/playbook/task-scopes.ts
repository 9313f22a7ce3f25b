import { ConfigError } from '../../model/problem.ts';
import type { TaskValues } from '../../model/task.ts';
import type { Settings } from '../inventory/vars-files.ts';
import { TemplateFailure } from '../template/failure.ts';
import type { Scope, Variable } from '../template/scope.ts';

/** Makes the scope that a task's templates are rendered in, for one host. */
export type TaskScopes = (layer: TaskLayer) => Scope;

/** What a task has beside the variables of its host. */
export interface TaskLayer {
  /** Of the task, then of the blocks around it. */
  readonly vars: readonly Settings[];
  /** What the run has found. */
  readonly values: TaskValues;
  /** Names that only the run will know. */
  readonly later: ReadonlySet<string>;
}

/** A template needs what only the run will find. */
export class NotKnownYet extends Error {}

/** A layer of variables, for scopes. */
export interface Layer {
  get(name: string): Variable | undefined;
  keys(): Iterable<string>;
}

/** What the run has found, as data; asking for what it has still to find throws {@link NotKnownYet}. */
export function foundLayer({ values, later }: Pick<TaskLayer, 'values' | 'later'>): Layer {
  return {
    get: (name) => {
      const value = values.get(name);
      if (value !== undefined) return { value, isData: true };
      if (later.has(name)) throw new NotKnownYet(name);
      return undefined;
    },
    keys: () => [...values.keys(), ...later],
  };
}

/** Work that may fail on a template, with the error that the rest of the program knows. @throws ConfigError */
export function worded<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof TemplateFailure) throw new ConfigError(error.problems);
    throw error;
  }
}
