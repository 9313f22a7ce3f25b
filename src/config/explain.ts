import type { z } from 'zod';
import type { Value } from '../model/host.ts';
import { Secret } from '../model/secret.ts';
import { valueAt, type Path } from './document.ts';
import { didYouMean } from './text/suggest.ts';

/** One thing that a schema does not accept. */
export interface ShapeProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** The last part of the path is a key that should not be there. */
  readonly isKey: boolean;
  /** Something is not there, and the path is that of the mapping where it should be. */
  readonly isMissing: boolean;
}

/** Words every issue as `what it must be; got what was found. What to do.`; one a place. */
export function explainIssues(schema: z.ZodType, issues: readonly z.core.$ZodIssue[], written: Value): ShapeProblem[] {
  const problems = issues.flatMap((issue) => explain(schema, issue, written, []));
  const seen = new Set<string>();
  return problems.filter(({ path, message }) => {
    const key = JSON.stringify([path, message]);
    return seen.size !== seen.add(key).size;
  });
}

function explain(schema: z.ZodType, issue: z.core.$ZodIssue, written: Value, base: Path): ShapeProblem[] {
  const path = [...base, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))];
  if (issue.code === 'invalid_union' && issue.discriminator !== undefined)
    return [
      { path, isKey: false, isMissing: false, message: notOneOf(literalsAt(schema, path), valueAt(written, path)) },
    ];
  if (issue.code === 'invalid_union') {
    const meant = nearest(issue.errors);
    if (meant !== undefined) return meant.flatMap((inner) => explain(schema, inner, written, path));
  }
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schema, path);
    const others = Object.keys((valueAt(written, path) ?? {}) as object).filter((key) => !issue.keys.includes(key));
    return issue.keys.map((key) => ({
      path: [...path, key],
      isKey: true,
      isMissing: false,
      message:
        known.includes(key) && others.length > 0
          ? `cannot stand beside ${others.join(', ')}; keep one of them`
          : `there is no such key here${didYouMean(key, known) || listOf(known)}`,
    }));
  }
  const found = valueAt(written, path);
  if (found === undefined && path.length > 0) {
    // What is missing can only be shown where it should stand: in the mapping around it.
    const name = String(path.at(-1));
    return [
      { path: path.slice(0, -1), isKey: false, isMissing: true, message: `${name} is missing; it ${issue.message}` },
    ];
  }
  // A complaint of a whole mapping says by itself what it has or lacks.
  if (issue.code === 'custom' && issue.message.startsWith('must have'))
    return [{ path, isKey: false, isMissing: false, message: issue.message }];
  const advice = issue.code === 'custom' ? String(issue.params?.['advice'] ?? '') : '';
  const hint = advice === '' ? hintFor(issue, found) : advice;
  return [
    {
      path,
      isKey: false,
      isMissing: false,
      message: `${issue.message}; got ${show(found)}${hint === '' ? '' : `. ${hint}`}`,
    },
  ];
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

function hintFor(issue: z.core.$ZodIssue, found: Value | undefined): string {
  const { message } = issue;
  if (issue.code === 'invalid_value' && typeof found === 'string')
    return didYouMean(found, issue.values.map(String)).slice(2);
  if (/true or false/.test(message) && typeof found === 'string' && /^(?:yes|on)$/i.test(found)) return 'Write true';
  if (/true or false/.test(message) && typeof found === 'string' && /^(?:no|off)$/i.test(found)) return 'Write false';
  if (/duration/.test(message) && typeof found === 'number') return `Write ${found}s for seconds`;
  if (/must be text/.test(message) && (typeof found === 'number' || typeof found === 'boolean'))
    return `Put it in quotes: "${String(found)}"`;
  return '';
}

function notOneOf(known: readonly string[], found: Value | undefined): string {
  const list = `${known.slice(0, -1).join(', ')} or ${known.at(-1) ?? ''}`;
  return `must be ${list}; got ${show(found)}${typeof found === 'string' ? didYouMean(found, known) : ''}`;
}

/** The values that a key may have in the forms of a union which it tells apart. */
function literalsAt(schema: z.core.$ZodType, path: Path): string[] {
  return schemasAt(schema, path).flatMap((found) => (definitionOf(found).values ?? []).map(String));
}

function listOf(known: readonly string[]): string {
  return known.length === 0 ? '' : `. There are: ${known.join(', ')}`;
}

/** The keys that a schema knows at a path, over all forms that it may take there. */
function knownKeys(schema: z.core.$ZodType, path: Path): string[] {
  return [...new Set(schemasAt(schema, path).flatMap((found) => Object.keys(shapeOf(found) ?? {})))];
}

type Definition = {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly element?: z.core.$ZodType;
  readonly valueType?: z.core.$ZodType;
  readonly options?: readonly z.core.$ZodType[];
  readonly innerType?: z.core.$ZodType;
  readonly in?: z.core.$ZodType;
  readonly values?: readonly unknown[];
};

function definitionOf(schema: z.core.$ZodType): Definition {
  return schema._zod.def;
}

function shapeOf(schema: z.core.$ZodType): Definition['shape'] {
  return definitionOf(schema).shape;
}

function schemasAt(schema: z.core.$ZodType, path: Path): z.core.$ZodType[] {
  const { shape, element, valueType, options, innerType, in: input } = definitionOf(schema);
  if (options !== undefined) return options.flatMap((option) => schemasAt(option, path));
  const wrapped = innerType ?? input;
  if (wrapped !== undefined) return schemasAt(wrapped, path);
  const [step, ...rest] = path;
  if (step === undefined) return [schema];
  const next = shape?.[String(step)] ?? element ?? valueType;
  return next === undefined ? [] : schemasAt(next, rest);
}

/** A value as an error shows it: short, and never a secret's text. */
export function show(value: Value | undefined): string {
  if (value === undefined || value === null) return 'nothing';
  if (value instanceof Secret) return 'a secret';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a mapping';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
