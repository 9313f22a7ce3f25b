import type { Problem } from '../../model/problem.ts';
import type { Secret } from '../../model/secret.ts';
import type { Task, TaskQuestions } from '../../model/task.ts';
import type { Part } from '../document.ts';
import type { Settings } from '../inventory/vars-files.ts';
import type { TaskParts } from './task-parts.ts';
import type { TaskScopes } from './task-scopes.ts';

/** What a block hands down to its tasks: each keyword as written, the outermost first. */
export interface Inherited {
  readonly parts: readonly Part[];
  readonly vars: readonly Settings[];
}

/** A task, or a tree of them, for any host. */
export interface TaskTemplate {
  /** Its own and those of the blocks around it. */
  readonly tags: readonly Part[];
  readonly children?: readonly TaskTemplate[];
  /** The module that it is of, and where that is written. */
  readonly written?: { readonly part: Part; readonly parts: TaskParts };
  /** For one host; undefined where it is known not to be run there. */
  for(host: TaskHostContext): TaskOfHost;
}

export interface TaskHostContext {
  readonly scopes: TaskScopes;
  /** Names that only the run will know. */
  readonly later: ReadonlySet<string>;
  readonly isSelected: (tags: readonly Part[]) => boolean;
}

export interface TaskOfHost {
  readonly task: Task | undefined;
  readonly problems: readonly Problem[];
  /** Variables that its tasks would register, and that are known to be skipped. */
  readonly skipped: readonly string[];
}

export const nothing: TaskOfHost = { task: undefined, problems: [], skipped: [] };

/** What a task has beside its text. */
export interface TaskOwn {
  readonly tags: readonly Part[];
  /** Its own, then those of the blocks around it. */
  readonly vars: readonly Settings[];
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly controller: TaskQuestions['controller'];
}
