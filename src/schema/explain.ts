import type { z } from 'zod';
import { didYouMean } from '../model/closest.ts';
import { adviceAt } from './advice.ts';
import { knownKeys, literalsAt } from './known.ts';
import { show } from './show.ts';

type Path = readonly (string | number)[];

/** A problem within one value, its path relative to that value. */
export interface ValueProblem {
  readonly path: Path;
  /** What is wrong, what was found, how to fix it. */
  readonly message: string;
  /** `key`: the last part of the path is a key that should not be there. `missing`: the path is that of the mapping that lacks it. */
  readonly of?: 'key' | 'missing';
}

/** Words every issue as `what it must be; got what was found. What to do.`; one a place. */
export function explainIssues(schema: z.ZodType, issues: readonly z.core.$ZodIssue[], written: unknown): ValueProblem[] {
  const problems = issues.flatMap((issue) => explain(schema, issue, written, []));
  const seen = new Set<string>();
  return problems.filter(({ path, message }) => {
    const key = JSON.stringify([path, message]);
    return seen.size !== seen.add(key).size;
  });
}

function explain(schema: z.ZodType, issue: z.core.$ZodIssue, written: unknown, base: Path): ValueProblem[] {
  const path = [...base, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))];
  if (issue.code === 'invalid_union' && issue.discriminator !== undefined)
    return [{ path, message: notOneOf(literalsAt(schema, path), valueAt(written, path)) }];
  if (issue.code === 'invalid_union') {
    const meant = nearest(issue.errors);
    if (meant !== undefined) return meant.flatMap((inner) => explain(schema, inner, written, path));
  }
  if (issue.code === 'unrecognized_keys') return unknownKeys(schema, issue.keys, written, path);
  const found = valueAt(written, path);
  // What is missing can only be shown where it should stand: in the mapping around it.
  if (found === undefined && path.length > 0)
    return [{ path: path.slice(0, -1), of: 'missing', message: `${String(path.at(-1))} is missing; it ${issue.message}` }];
  // A complaint of a whole mapping says by itself what it has or lacks.
  if (issue.code === 'custom' && isMapping(found)) return [{ path, message: issue.message }];
  const advice = adviceOf(schema, issue, path, found);
  return [{ path, message: `${issue.message}; got ${show(found)}${advice === '' ? '' : `. ${advice}`}` }];
}

function unknownKeys(schema: z.ZodType, keys: readonly string[], written: unknown, path: Path): ValueProblem[] {
  const known = knownKeys(schema, path);
  const others = Object.keys((valueAt(written, path) ?? {})).filter((key) => !keys.includes(key));
  return keys.map((key) => ({
    path: [...path, key],
    of: 'key',
    message:
      known.includes(key) && others.length > 0
        ? `cannot stand beside ${others.join(', ')}; keep one of them`
        : `there is no such key here${didYouMean(key, known) || listOf(known)}`,
  }));
}

/** An issue that our own check has raised brings its advice along; for the others it is the schema that has some. */
function adviceOf(schema: z.ZodType, issue: z.core.$ZodIssue, path: Path, found: unknown): string {
  const own: unknown = issue.code === 'custom' ? issue.params?.['advice'] : undefined;
  if (typeof own === 'string') return own;
  if (issue.code === 'invalid_value' && typeof found === 'string')
    return didYouMean(found, issue.values.map(String)).slice(2);
  return adviceAt(schema, path, found);
}

/** The form of a union that was meant: the one whose complaints lie below the value itself, fewest first. */
function nearest(forms: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  const inside = forms.filter((issues) => issues.every(liesInside) && !isAnother(issues));
  return inside.sort((a, b) => a.length - b.length)[0];
}

/** A mapping that has not what this form needs, but what it does not know, is meant to be another form. */
function isAnother(issues: readonly z.core.$ZodIssue[]): boolean {
  const codes = issues.map(({ code }) => code);
  return codes.includes('invalid_type') && codes.includes('unrecognized_keys');
}

function liesInside(issue: z.core.$ZodIssue): boolean {
  if (issue.path.length > 0 || issue.code === 'custom' || issue.code === 'too_small') return true;
  if (issue.code === 'unrecognized_keys') return true;
  return issue.code === 'invalid_union' && nearest(issue.errors) !== undefined;
}

function notOneOf(known: readonly string[], found: unknown): string {
  const list = `${known.slice(0, -1).join(', ')} or ${known.at(-1) ?? ''}`;
  return `must be ${list}; got ${show(found)}${typeof found === 'string' ? didYouMean(found, known) : ''}`;
}

function listOf(known: readonly string[]): string {
  return known.length === 0 ? '' : `. There are: ${known.join(', ')}`;
}

function isMapping(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function valueAt(value: unknown, path: Path): unknown {
  let found = value;
  for (const part of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, part)) return undefined;
    found = (found as Readonly<Record<string | number, unknown>>)[part];
  }
  return found;
}
