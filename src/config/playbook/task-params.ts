import type { Value } from '../../model/host.ts';
import type { Problem } from '../../model/problem.ts';
import { Secret } from '../../model/secret.ts';
import type { TaskModule } from '../../task/module.ts';
import { isMapping, partAt, problemIn, type Part } from '../document.ts';
import { explainIssues } from '../../schema/explain.ts';
import { parseWith } from '../../schema/parse.ts';
import { dependsOnTemplates } from '../shape.ts';
import { noSuchSecret } from './no-such-secret.ts';

/** Keywords of a task that are parameters of some modules. */
const parameterKeywords = ['chdir', 'creates', 'removes'] as const;

/** The parameters of a task, wherever they stand: under the module's name, in `args`, as keywords. */
export interface WrittenParams {
  readonly value: Value;
  /** Where a parameter stands in the task. */
  pathOf(parameter: string | number): readonly (string | number)[];
}

export function writtenParams(task: Part, key: string, module: TaskModule): WrittenParams {
  const own = partAt(task, key).value;
  const args = partAt(task, 'args').value;
  const short =
    typeof own === 'string' || typeof own === 'number' || own instanceof Secret
      ? module.freeForm?.text
      : Array.isArray(own)
        ? module.freeForm?.list
        : undefined;
  const beside = parameterKeywords.filter((name) => partAt(task, name).value !== null);
  const extra: Record<string, Value> = isMapping(args) ? { ...args } : {};
  for (const name of beside) extra[name] = partAt(task, name).value;
  const base = short !== undefined ? { [short]: own } : own === null ? {} : own;
  const value = isMapping(base) ? { ...base, ...extra } : base;
  return {
    value,
    pathOf: (parameter) => {
      if (beside.some((name) => name === parameter)) return [parameter];
      if (isMapping(args) && parameter in args) return ['args', parameter];
      return parameter === short ? [key] : [key, parameter];
    },
  };
}

export interface CheckedParams {
  readonly params: unknown;
  readonly problems: readonly Problem[];
}

/** Parameters against their schema. Unrendered ones are only told what no rendering can fix. */
export function checkParams(
  task: Part,
  key: string,
  module: TaskModule,
  { secrets, isRendered }: { readonly secrets: ReadonlyMap<string, Secret>; readonly isRendered: boolean },
): CheckedParams {
  const problems: Problem[] = [];
  const written = writtenParams(task, key, module);
  const mayHold = (name: string): boolean => module.secrets?.some((each) => each === '*' || each === name) === true;
  let value = written.value;
  const resolved = (item: Value, path: readonly (string | number)[]): Value => {
    const reference = secretName(item);
    if (reference !== undefined) {
      const secret = secrets.get(reference);
      if (secret === undefined) problems.push(problemIn(task, path, noSuchSecret(reference, secrets)));
      return secret ?? '';
    }
    if (!isMapping(item)) return item;
    // One of many values, as a header's.
    return Object.fromEntries(Object.entries(item).map(([name, inner]) => [name, resolved(inner, [...path, name])]));
  };
  if (isMapping(value))
    value = Object.fromEntries(
      Object.entries(value).map(([name, item]): [string, Value] => {
        const path = written.pathOf(name);
        if (mayHold(name)) return [name, resolved(item, path)];
        if (holdsSecret(item)) problems.push(problemIn(task, path, secretWords(module)));
        return [name, item];
      }),
    );
  if (problems.length > 0) return { params: undefined, problems };
  const result = parseWith(module.schema, value);
  if (result.success) return { params: result.data, problems };
  for (const { path, message, of } of explainIssues(module.schema, result.error.issues, value)) {
    const [first, ...rest] = path;
    const isKey = of === 'key';
    const steps = first === undefined ? [key] : [...written.pathOf(first), ...rest];
    const isUnknown = isKey && path.length === 1;
    if (!isRendered && of === undefined && dependsOnTemplates(task, steps)) continue;
    if (!isRendered && first === undefined && dependsOnTemplates(task, [key])) continue;
    const words = isUnknown
      ? message.replace('there is no such key here', `${module.name} has no such parameter here`)
      : message;
    problems.push(problemIn(task, steps, words, isKey));
  }
  return { params: undefined, problems };
}

const secretWords = (module: TaskModule): string =>
  module.freeForm === undefined
    ? `a secret cannot stand here, where it may be seen${module.secrets === undefined ? '' : `; it may in ${module.secrets.join(', ')}`}`
    : 'a secret cannot stand in a command, where everyone on the host can see it; pass it through environment';

function secretName(value: Value): string | undefined {
  return isMapping(value) && Object.keys(value).length === 1 && typeof value['secret'] === 'string'
    ? value['secret']
    : undefined;
}

function holdsSecret(value: Value): boolean {
  if (value instanceof Secret) return true;
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values<Value>(value as Record<string, Value>).some(holdsSecret)
  );
}
