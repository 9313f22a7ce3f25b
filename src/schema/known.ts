import type { z } from 'zod';

/** The keys that a schema knows at a path, over all forms that it may take there. */
export function knownKeys(schema: z.core.$ZodType, path: readonly (string | number)[]): string[] {
  return [...new Set(schemasAt(schema, path).flatMap((found) => Object.keys(definitionOf(found).shape ?? {})))];
}

/** The values that a key may have in the forms of a union which it tells apart. */
export function literalsAt(schema: z.core.$ZodType, path: readonly (string | number)[]): string[] {
  return schemasAt(schema, path).flatMap((found) => (definitionOf(found).values ?? []).map(String));
}

/** What may stand at a path: every form of a union, without what wraps them. */
export function schemasAt(schema: z.core.$ZodType, path: readonly (string | number)[]): z.core.$ZodType[] {
  const { shape, element, valueType, options, innerType, in: input } = definitionOf(schema);
  if (options !== undefined) return options.flatMap((option) => schemasAt(option, path));
  const wrapped = innerType ?? input;
  if (wrapped !== undefined) return schemasAt(wrapped, path);
  const [step, ...rest] = path;
  if (step === undefined) return [schema];
  const next = shape?.[String(step)] ?? element ?? valueType;
  return next === undefined ? [] : schemasAt(next, rest);
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
