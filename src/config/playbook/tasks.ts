import { dirname, resolve } from 'node:path';
import type { Problem } from '../../model/problem.ts';
import type { Secret } from '../../model/secret.ts';
import type { Controller } from '../../model/task.ts';
import { blockSchema, includeSchema, taskSchema } from '../../task/keywords.ts';
import { hostFactNames } from '../../task/host-facts.ts';
import { isMapping, partAt, problemIn, type Part } from '../document.ts';
import type { Settings } from '../inventory/vars-files.ts';
import { checkUnrendered } from '../shape.ts';
import { isTemplate } from '../template/tokens.ts';
import { itemsOf, without } from './sections.ts';
import { checkParams } from './task-params.ts';
import { formOf, includeOf, moduleIn, problemsOfKeys } from './task-parts.ts';
import { BlockTemplate } from './block-template.ts';
import { ModuleTemplate } from './task-template.ts';
import type { Inherited, TaskTemplate } from './task-of-host.ts';

export interface TaskReading {
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly problems: { add(problem: Problem): void };
  /** A file of tasks; undefined, with the problem noted, where it cannot be read. */
  readFile(path: string): Part | undefined;
  /** The folder that names of files are relative to. */
  readonly folder: string;
  settingsOf(part: Part): Settings;
  readonly controller: Controller;
}

interface Around extends Inherited {
  readonly tags: readonly Part[];
  readonly folder: string;
  /** Files that include this one, so that none includes itself. */
  readonly files: readonly string[];
}

/** A list of tasks as written, its blocks and includes opened; what is wrong whatever a host has is noted. */
export function readTasks(list: Part, context: TaskReading): readonly TaskTemplate[] {
  return templatesOf(list, { parts: [], vars: [], tags: [], folder: context.folder, files: [] }, context);
}

function templatesOf(list: Part, around: Around, context: TaskReading): readonly TaskTemplate[] {
  return itemsOf(list).flatMap((part) => templateOf(part, around, context) ?? []);
}

function templateOf(part: Part, around: Around, context: TaskReading): TaskTemplate | undefined {
  const form = formOf(part);
  const problems = problemsOfKeys(part, form);
  for (const problem of problems) context.problems.add(problem);
  if (!isMapping(part.value)) return undefined;
  const tags = partAt(part, 'tags');
  const inner = {
    ...around,
    vars: [context.settingsOf(partAt(part, 'vars')), ...around.vars],
    tags: tags.value === null ? around.tags : [...around.tags, tags],
  };
  if (form === 'include') return includeTemplate(part, inner, context);
  if (form === 'block') {
    checkUnrendered(blockSchema, onlyKnown(part, Object.keys(blockSchema.shape)), context.problems);
    const below: Around = { ...inner, parts: [...around.parts, part] };
    const lists = {
      block: templatesOf(partAt(part, 'block'), below, context),
      rescue: templatesOf(partAt(part, 'rescue'), below, context),
      always: templatesOf(partAt(part, 'always'), below, context),
    };
    return new BlockTemplate(nameOf(part, 'block'), inner.tags, lists);
  }
  const named = moduleIn(part);
  if (named === undefined) return undefined;
  checkUnrendered(taskSchema, onlyKnown(part, Object.keys(taskSchema.shape)), context.problems);
  for (const problem of checkParams(part, named.key, named.module, { secrets: context.secrets, isRendered: false })
    .problems)
    context.problems.add(problem);
  return new ModuleTemplate(part, named, around, {
    tags: inner.tags,
    vars: inner.vars,
    secrets: context.secrets,
    controller: context.controller,
  });
}

function includeTemplate(part: Part, around: Around, context: TaskReading): TaskTemplate | undefined {
  const written = includeOf(part);
  const named = written === undefined || !isMapping(written.value) ? written : partAt(written, 'file');
  checkUnrendered(
    includeSchema,
    onlyKnown(
      { ...part, value: { ...(part.value as object), include_tasks: named?.value ?? null } },
      Object.keys(includeSchema.shape),
    ),
    context.problems,
  );
  if (named === undefined || typeof named.value !== 'string') return undefined;
  if (isTemplate(named.value)) {
    context.problems.add(
      problemIn(
        named,
        [],
        'must be the name of a file: no template may stand in it. Include each file with its own when',
      ),
    );
    return undefined;
  }
  const path = resolve(around.folder, named.value);
  if (around.files.includes(path)) {
    context.problems.add(problemIn(named, [], `includes itself: ${[...around.files, path].join(' → ')}`));
    return undefined;
  }
  const list = context.readFile(path);
  if (list === undefined) return undefined;
  const below: Around = {
    ...around,
    parts: [...around.parts, part],
    folder: dirname(path),
    files: [...around.files, path],
  };
  return new BlockTemplate(nameOf(part, `include_tasks ${named.value}`), around.tags, {
    block: templatesOf(list, below, context),
    rescue: [],
    always: [],
  });
}

function nameOf(part: Part, otherwise: string): string {
  const name = partAt(part, 'name').value;
  return typeof name === 'string' ? (name.split('\n')[0] ?? '') : otherwise;
}

/** Keys that are none are told by themselves. */
function onlyKnown(part: Part, keys: readonly string[]): Part {
  return without(
    part,
    Object.keys(part.value as object).filter((key) => !keys.includes(key)),
  );
}

/** Names of variables that only a run can tell: registered results, facts that are set, failures that are rescued. */
export function laterNames(lists: readonly Part[]): ReadonlySet<string> {
  const names = new Set(['ansible_failed_task', 'ansible_failed_result', 'node', ...hostFactNames]);
  const collect = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(collect);
    else if (typeof value === 'object' && value !== null)
      for (const [key, item] of Object.entries(value)) {
        if (key === 'register' && typeof item === 'string') names.add(item);
        if (key === 'set_fact' || key === 'ansible.builtin.set_fact')
          for (const name of Object.keys((item ?? {}) as object)) names.add(name);
        collect(item);
      }
  };
  for (const { value } of lists) collect(value);
  return names;
}
