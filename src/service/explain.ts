import type { z } from 'zod';
import type { ValueProblem } from './context.ts';

/** Words every issue as `what is wrong; got WHAT WAS FOUND`, one a place. */
export function explainIssues(issues: readonly z.core.$ZodIssue[], written: unknown): ValueProblem[] {
  return issues.flatMap((issue) => explain(issue, written, []));
}

function explain(issue: z.core.$ZodIssue, written: unknown, base: readonly (string | number)[]): ValueProblem[] {
  const path = [...base, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))];
  if (issue.code === 'invalid_union') {
    const branch = likelyBranch(issue.errors);
    if (branch !== undefined) return branch.flatMap((inner) => explain(inner, written, path));
  }
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], message: 'is not a key that is known here' }));
  }
  const found = valueAt(written, path);
  return [{ path, message: `${issue.message}; got ${showValue(found)}` }];
}

/** The form that was meant: the one whose complaints lie deepest, if any lies below the value itself. */
function likelyBranch(branches: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  const meant = branches.filter((issues) => issues.every((issue) => depth(issue) > 0));
  return meant.length === 1 ? meant[0] : meant.sort((a, b) => a.length - b.length)[0];
}

function depth(issue: z.core.$ZodIssue): number {
  if (issue.path.length > 0 || issue.code === 'unrecognized_keys' || issue.code === 'custom') return 1;
  return issue.code === 'invalid_union' && likelyBranch(issue.errors) !== undefined ? 1 : 0;
}

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  let found = value;
  for (const part of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = (found as Readonly<Record<string | number, unknown>>)[part];
  }
  return found;
}

/** A value as an error shows it: short, and never a secret's text. */
export function showValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object' && value !== null) return 'secret' in value ? 'a secret' : 'a map';
  if (typeof value === 'string') return value === '' ? 'an empty text' : JSON.stringify(shorten(value));
  return typeof value === 'number' || typeof value === 'boolean' || value === null ? String(value) : typeof value;
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
