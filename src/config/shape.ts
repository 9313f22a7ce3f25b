import type { z } from 'zod';
import type { Value } from '../model/host.ts';
import type { Problem } from '../model/problem.ts';
import { Secret } from '../model/secret.ts';
import { problemIn, valueAt, type Part } from './document.ts';
import { explainIssues, type ValueProblem } from '../schema/explain.ts';
import { parseWith } from '../schema/parse.ts';
import { hasTemplates } from './template/scope.ts';
import { isTemplate } from './template/tokens.ts';
import type { Problems } from './text/problems.ts';

/** Checks a rendered part against its schema; undefined, with every problem noted, when it does not fit. */
export function parsePart<Schema extends z.ZodType>(
  schema: Schema,
  part: Part,
  problems: Pick<Problems, 'add'>,
): z.output<Schema> | undefined {
  const result = parseWith(schema, withReferences(part.value));
  if (result.success) return result.data;
  for (const { path, message, of } of explainIssues(schema, result.error.issues, part.value))
    problems.add(problemIn(part, path, message, of === 'key'));
  return undefined;
}

/** The keys of a mapping that are right by themselves, for looking further where another key is wrong. */
export function salvage<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  part: Part,
): Partial<z.output<z.ZodObject<Shape>>> {
  const right = Object.entries<z.core.$ZodType>(schema.shape).flatMap(([key, keySchema]) => {
    const result = parseWith(keySchema, withReferences(valueAt(part.value, [key])));
    return result.success ? [[key, result.data]] : [];
  });
  return Object.fromEntries(right) as Partial<z.output<z.ZodObject<Shape>>>;
}

/** The problems of a part that is not rendered yet: those that no rendering can fix. */
export function checkUnrendered(schema: z.ZodType, part: Part, problems: Pick<Problems, 'add'>): void {
  const result = parseWith(schema, withReferences(part.value));
  if (result.success) return;
  for (const { path, message, of } of explainIssues(schema, result.error.issues, part.value))
    if (of !== undefined || !dependsOnTemplates(part, path)) problems.add(problemIn(part, path, message, of === 'key'));
}

/** With `{ secret: NAME }` for every secret, which schemas know where one may stand. */
function withReferences(value: Value | undefined): unknown {
  if (value instanceof Secret) return { secret: value.name };
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return (value as readonly Value[]).map(withReferences);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withReferences(item)]));
}

/** Problems of another parser about a part that is not rendered yet: those that no rendering can fix. */
export function lastingProblems(part: Part, found: readonly ValueProblem[]): Problem[] {
  return found
    .filter(({ path, of }) => of !== undefined || !dependsOnTemplates(part, path))
    .map(({ path, message, of }) => problemIn(part, path, message, of === 'key'));
}

export function dependsOnTemplates(part: Part, path: readonly (string | number)[]): boolean {
  for (let length = path.length; length >= 0; length--) {
    const value = valueAt(part.value, path.slice(0, length));
    if (value === undefined) continue;
    if (typeof value === 'string') return isTemplate(value);
    return length === path.length && typeof value === 'object' && value !== null && hasTemplates(value);
  }
  return false;
}
