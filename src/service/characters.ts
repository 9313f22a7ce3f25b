import { Secret } from '../model/secret.ts';
import type { ValueProblem } from '../schema/explain.ts';

/** Keys whose text is a program's: line breaks and tabs are its own affair. */
const freeText: ReadonlySet<string> = new Set([
  'environment',
  'command',
  'entrypoint',
  'labels',
  'annotations',
  'healthcheck',
  'configs',
  'secrets',
  'logging',
  'probe',
]);

type Path = readonly (string | number)[];

/**
 * What no command line can carry: a NUL anywhere, control characters in whatever names something, and `=` in the name of
 * an option, where docker would end the name at it.
 */
export function characterProblems(written: Iterable<readonly [string, unknown]>): ValueProblem[] {
  return [...written].flatMap(([key, value]) =>
    key.startsWith('x-') ? [] : problemsAt([key], value, freeText.has(key)),
  );
}

function problemsAt(path: Path, value: unknown, isFree: boolean): readonly ValueProblem[] {
  if (typeof value === 'string') return textProblems(path, value, isFree);
  if (value instanceof Secret)
    return value.reveal().includes('\0')
      ? [{ path, message: `is the secret ${value.name}, which contains a NUL` }]
      : [];
  if (Array.isArray(value)) return value.flatMap((item, index) => problemsAt([...path, index], item, isFree));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => [
    ...textProblems([...path, key], key, false),
    ...(key.includes('=') && path[0] !== 'environment'
      ? [{ path: [...path, key], message: `must not have = in its name; got ${JSON.stringify(key)}` }]
      : []),
    ...problemsAt([...path, key], item, isFree),
  ]);
}

function textProblems(path: Path, text: string, isFree: boolean): readonly ValueProblem[] {
  if (text.includes('\0')) return [{ path, message: 'must not contain a NUL: no command line can carry one' }];
  if (isFree || !/\p{Cc}/u.test(text)) return [];
  return [{ path, message: `must not contain line breaks or other control characters; got ${JSON.stringify(text)}` }];
}
