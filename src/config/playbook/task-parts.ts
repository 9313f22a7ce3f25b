import type { Problem } from '../../model/problem.ts';
import type { TaskModule } from '../../task/module.ts';
import { blockSchema, handlerKeywords, includeSchema, missingKeywords, taskKeywords } from '../../task/keywords.ts';
import { moduleOf, taskModules } from '../../task/table.ts';
import { isMapping, partAt, problemIn, type Part } from '../document.ts';
import { show } from '../../schema/show.ts';
import { didYouMean } from '../../model/closest.ts';

/** A task as it is written, taken apart. */
export interface TaskParts {
  readonly module: TaskModule;
  /** The key that names it, as written. */
  readonly key: string;
}

export type TaskForm = 'module' | 'block' | 'include';

const includeKeys = ['include_tasks', 'import_tasks', 'ansible.builtin.include_tasks', 'ansible.builtin.import_tasks'];

export function includeOf(part: Part): Part | undefined {
  const key = includeKeys.find((each) => isMapping(part.value) && each in part.value);
  return key === undefined ? undefined : partAt(part, key);
}

export function formOf(part: Part): TaskForm {
  if (includeOf(part) !== undefined) return 'include';
  return isMapping(part.value) && 'block' in part.value ? 'block' : 'module';
}

/** Keywords that each form has. */
const keywordsOf: Readonly<Record<TaskForm, readonly string[]>> = {
  module: [...Object.keys(taskKeywords), ...Object.keys(handlerKeywords)],
  block: Object.keys(blockSchema.shape),
  include: [...Object.keys(includeSchema.shape), ...includeKeys],
};

/** What is wrong with a task whatever its templates give: keys that are neither keyword nor module, and their number. */
export function problemsOfKeys(part: Part, form: TaskForm): Problem[] {
  const modules = taskModules.map(({ name }) => name);
  if (!isMapping(part.value))
    return [problemIn(part, [], `must be a mapping with a module (${modules.join(', ')}); got ${show(part.value)}`)];
  const keys = Object.keys(part.value);
  const known = new Set(keywordsOf[form]);
  const named = keys.filter((key) => moduleOf(key) !== undefined && form === 'module');
  const unknown = keys.filter((key) => !known.has(key) && !named.includes(key));
  const problems = unknown.map((key) => problemIn(part, [key], wordsOfUnknown(key, form, modules), true));
  const [first, second] = named;
  if (form === 'module' && first === undefined && unknown.length === 0)
    problems.push(problemIn(part, [], `must have a module: ${modules.join(', ')}, block or include_tasks`));
  if (first !== undefined && second !== undefined)
    problems.push(problemIn(part, [second], `must be the one module of its task; got ${first} beside it`, true));
  return problems;
}

function wordsOfUnknown(key: string, form: TaskForm, modules: readonly string[]): string {
  const missing = missingKeywords[key];
  if (missing !== undefined) return `this keyword of Ansible is not supported; ${missing}`;
  if (form === 'block' && moduleOf(key) !== undefined) return `cannot stand beside block; a task is one or the other`;
  if (form !== 'module')
    return `there is no such keyword of ${form === 'block' ? 'a block' : 'an include'}${didYouMean(key, keywordsOf[form]) || `. There are: ${keywordsOf[form].join(', ')}`}`;
  const hint = didYouMean(key, [...modules, ...keywordsOf.module]);
  return `there is no module and no keyword of this name${hint === '' ? '.' : hint} Modules: ${modules.join(', ')}, block and include_tasks`;
}

/** The module that a task names; undefined where none or several are. */
export function moduleIn(part: Part): TaskParts | undefined {
  if (!isMapping(part.value)) return undefined;
  const found = Object.keys(part.value).flatMap((key) => {
    const module = moduleOf(key);
    return module === undefined ? [] : [{ key, module }];
  });
  return found.length === 1 ? found[0] : undefined;
}
