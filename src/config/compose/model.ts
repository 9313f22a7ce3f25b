import { dirname, resolve } from 'node:path';
import type { Value } from '../../model/host.ts';
import { isMapping, partAt, pathText, problemIn, type Part } from '../document.ts';
import { variablesOf } from './environment.ts';
import { applyExtends } from './extends.ts';
import { readFile, type Project } from './file.ts';
import { merge, type ReportMerge } from './merge.ts';
import { rebaseModel } from './paths.ts';
import { takeMarks, withoutMarked } from './tags.ts';
import { entriesIn, mappingOf } from './tree.ts';
import { withUniqueItems } from './unique.ts';

/** Files laid over each other, with what they include and extend; every path is relative to the project's folder. */
export function readModel(files: readonly string[], project: Project): Part | undefined {
  const { problems } = project.context;
  let model: Part | undefined;
  for (const file of files) {
    const document = readFile(file, project);
    if (document === undefined) return undefined;
    const whole = withIncludes(document, { ...project, including: [...project.including, file] });
    const { value, marks } = takeMarks(whole.value);
    const extended = applyExtends({ ...whole, value }, marks, { file, project });
    const report: ReportMerge = (place = document.place, path, message) =>
      problems.add(place.source.problem(place.start, pathText(path), message));
    const earlier = { value: withoutMarked(model?.value ?? {}, marks) };
    const merged = merge(earlier, { value: extended.value }, [], report);
    model = { ...(model ?? document), value: withUniqueItems(merged.value) };
  }
  return model;
}

/** What one item of `include` names. */
interface Included {
  readonly part: Part;
  readonly files: readonly string[];
  readonly folder: string;
  readonly envFiles: readonly string[] | undefined;
}

/** A file with what it includes: other projects, each with its own folder and `.env`. */
function withIncludes(document: Part, project: Project): Part {
  const list = partAt(document, 'include');
  if (list.value === null) return document;
  const { problems } = project.context;
  if (!Array.isArray(list.value)) {
    problems.add(problemIn(list, [], 'must be a list of files, or of mappings with path'));
    return document;
  }
  let value = document.value;
  for (const index of list.value.keys()) {
    const included = readItem(partAt(list, index), project);
    if (included !== undefined) value = imported(value, included, project);
  }
  return { ...document, value };
}

function readItem(part: Part, { folder, context }: Project): Included | undefined {
  const { value } = part;
  const written = isMapping(value) ? value : { path: value };
  const files = textsOf(written['path']).map((file) => resolve(folder, file));
  const [main] = files;
  const unknown = Object.keys(written).filter((key) => !['path', 'project_directory', 'env_file'].includes(key));
  if (main === undefined || unknown.length > 0) {
    context.problems.add(problemIn(part, [], 'must be a file, or a mapping with path, project_directory and env_file'));
    return undefined;
  }
  const [directory] = textsOf(written['project_directory']);
  const envFiles = textsOf(written['env_file'])
    .filter((file) => file !== '/dev/null')
    .map((file) => resolve(folder, file));
  return {
    part,
    files,
    folder: directory === undefined ? dirname(main) : resolve(folder, directory),
    envFiles: written['env_file'] === undefined ? undefined : envFiles,
  };
}

function imported(value: Value, { part, files, folder, envFiles }: Included, project: Project): Value {
  const { context, including } = project;
  const again = files.find((file) => including.includes(file));
  if (again !== undefined) {
    context.problems.add(problemIn(part, [], `goes round in a circle: ${[...including, again].join(' includes ')}`));
    return value;
  }
  const variable = variablesOf(folder, envFiles, { ...context, variable: project.variable });
  const model = readModel(files, { folder, variable, context, including });
  if (model === undefined) return value;
  const entries = entriesIn(value);
  for (const [section, added] of entriesIn(rebaseModel(model.value, folder, project.folder))) {
    if (!isMapping(added.value) || section.startsWith('x-')) continue;
    const own = entries.get(section);
    const together = entriesIn(own?.value);
    for (const [name, entry] of entriesIn(added.value)) {
      const there = together.get(name);
      if (there === undefined) together.set(name, entry);
      else if (JSON.stringify(there.value) !== JSON.stringify(entry.value))
        context.problems.add(
          problemIn(part, [], `brings ${section}.${name}, which this file has too, and otherwise; keep one of them`),
        );
    }
    entries.set(section, { ...added, ...own, value: mappingOf(together) });
  }
  return mappingOf(entries);
}

function textsOf(value: Value | undefined): string[] {
  return [value].flat().filter((item) => typeof item === 'string');
}
