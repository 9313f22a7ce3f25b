import * as z from 'zod';
import { schemasAt } from './known.ts';

/** What to do about a value that is wrong, from what it is; undefined where there is nothing to say. */
type Advise = (found: unknown) => string | undefined;

const advice = z.registry<{ readonly advise: Advise }>();

/** A schema that knows what to do about the wrong values that people write. It is said behind what was found. */
export function advised<Schema extends z.ZodType>(schema: Schema, advise: Advise): Schema {
  advice.add(schema, { advise });
  return schema;
}

/** What the schemas that may stand at a path have to say of what stands there. */
export function adviceAt(schema: z.core.$ZodType, path: readonly (string | number)[], found: unknown): string {
  for (const candidate of schemasAt(schema, path)) {
    const advised = advice.get(candidate)?.advise(found);
    if (advised !== undefined) return advised;
  }
  return '';
}
