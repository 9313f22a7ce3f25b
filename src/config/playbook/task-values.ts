import type { Value } from '../../model/host.ts';
import type { Problem } from '../../model/problem.ts';
import { Secret } from '../../model/secret.ts';
import type { TaskRegex } from '../../model/task.ts';
import { isMapping, pathText, type Part } from '../document.ts';
import { pythonRegex } from '../regex/regex.ts';
import type { Scope } from '../template/scope.ts';
import { placeOf, placeOfKey, rememberOrigin } from '../text/origins.ts';

/** A mapping that knows where its entries were written. */
export function placedAs(mapping: Record<string, Value>, partOf: (key: string) => Part): Value {
  rememberOrigin(mapping, (key, wantsKey) => {
    const { value } = partOf(String(key));
    return isMapping(value) ? (wantsKey ? placeOfKey : placeOf)(value, key) : undefined;
  });
  return mapping;
}

export function taskRegex(pattern: string): TaskRegex {
  const regex = pythonRegex(pattern);
  return {
    search: (text) => regex.search(text),
    expand: (text, template) => {
      const match = regex.search(text);
      if (match === undefined) return text;
      const rest = text.length - match.start - (match.groups[0]?.length ?? 0);
      const replaced = regex.replace(text, template, 1);
      return replaced.slice(match.start, replaced.length - rest);
    },
  };
}

export function render(part: Part, scope: Scope): Value {
  return scope.render(part.value, { place: part.place, path: pathText(part.path) });
}

export const oneLine = (value: Value): string => {
  const text = value instanceof Secret ? value.toString() : typeof value === 'string' ? value : JSON.stringify(value);
  return text.split('\n')[0] ?? '';
};

export function unique(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}
