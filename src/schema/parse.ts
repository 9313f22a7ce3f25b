import { safeParse, type z } from 'zod';

/** From so many values on it pays that zod writes and compiles a function for each mapping of a schema. */
const many = 200;

const counts = new WeakMap<z.core.$ZodType, number>();

/** What a schema makes of a value, or its issues; sooner than zod's own for a schema that sees few values. */
export function parseWith<Schema extends z.core.$ZodType>(
  schema: Schema,
  value: unknown,
): z.ZodSafeParseResult<z.output<Schema>> {
  const count = (counts.get(schema) ?? 0) + 1;
  counts.set(schema, count);
  return safeParse(schema, value, count < many ? { jitless: true } : undefined);
}
