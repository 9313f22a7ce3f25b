import * as z from 'zod';
import { parseDuration } from '../model/duration.ts';
import { formatSize, formatSpan, parseSize } from './units.ts';
import { inSeconds, text, wordsBy } from '../schema/values.ts';
import { shellRules } from '../shell/words.ts';

// Templates render to text, so every scalar here is also taken as text: `"4"` is 4 and `"True"` is true. What the text
// must look like is checked by transforms and not by patterns, so that the JSON Schema lets a template stand there.

export { text };

/** Text where YAML may have seen a number or a boolean. */
export const scalarText = z
  .union([z.string(), z.number(), z.boolean()], { error: 'must be text, a number or a boolean' })
  .transform(String);

export const flag = z
  .union([z.boolean(), z.string()], { error: 'must be true or false' })
  .transform((value, context) => {
    const known = typeof value === 'boolean' ? value : truths.get(value.toLowerCase());
    if (known !== undefined) return known;
    context.addIssue({ code: 'custom', message: 'must be true or false' });
    return z.NEVER;
  });

/** Also YAML 1.1's words, as Compose takes them. */
const truths: ReadonlyMap<string, boolean> = new Map([
  ...['true', 'y', 'yes', 'on'].map((word) => [word, true] as const),
  ...['false', 'n', 'no', 'off'].map((word) => [word, false] as const),
]);

/** A number within bounds, also written as text. */
export function numberBetween(min: number, max: number, kind: 'whole' | 'any' = 'whole') {
  const bounds = Number.isFinite(max) ? `from ${min} to ${max}` : `of ${min} or more`;
  const message = `must be a ${kind === 'whole' ? 'whole ' : ''}number ${bounds}`;
  return z.union([z.number(), z.string()], { error: message }).transform((value, context) => {
    const number = typeof value === 'string' && !/^[-+]?\d+(?:\.\d+)?(?:e[-+]\d+)?$/.test(value) ? NaN : Number(value);
    if (number >= min && number <= max && (kind === 'any' || Number.isInteger(number))) return number;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
}

/** Bytes as docker writes them: `512m`. */
export const size = z
  .union([z.number(), z.string()], { error: 'must be a size such as 512m or 1g' })
  .transform((value, context) => {
    const bytes = typeof value === 'number' ? value : parseSize(value);
    if (bytes !== undefined && Number.isInteger(bytes) && bytes >= 0) return formatSize(bytes);
    context.addIssue({ code: 'custom', message: 'must be a size such as 512m or 1g' });
    return z.NEVER;
  });

/** Milliseconds of `30s`, `1m30s`, `500ms`. */
export const durationMs = z
  .union([z.string(), z.number()], { error: 'must be a duration such as 30s or 1m30s' })
  .transform((value, context) => {
    const parsed = value === 0 || value === '0' ? 0 : typeof value === 'string' ? parseDuration(value) : undefined;
    if (parsed !== undefined) return parsed;
    context.addIssue({
      code: 'custom',
      message: 'must be a duration such as 30s or 1m30s',
      params: { advice: inSeconds(value) },
    });
    return z.NEVER;
  });

/** A duration as docker writes it: `1m30s`. */
export const span = durationMs.transform(formatSpan);

/** A list of texts, or one text. */
export const texts = z
  .union([scalarText, z.array(scalarText)], { error: 'must be a text or a list of texts' })
  .transform((value) => (typeof value === 'string' ? [value] : value));

/** A command: a list of words, or one line that is split as a shell would. */
export const command = z
  .union([z.string(), z.array(scalarText)], { error: 'must be a command line or a list of words' })
  .transform((value, context) => (typeof value === 'string' ? wordsBy(shellRules)(value, context) : value));

/** A mapping of texts, or a list of `NAME=value`; a name alone has no value. */
export const textMap = z
  .union([z.record(z.string(), scalarText.nullable()), z.array(z.string({ error: 'must be NAME=value' }))], {
    error: 'must be a mapping or a list of NAME=value',
  })
  .transform((value) => (Array.isArray(value) ? Object.fromEntries(value.map(splitPair)) : value));

/** `NAME=value` in two; without `=` the value is null. */
export function splitPair(pair: string): [string, string | null] {
  const equals = pair.indexOf('=');
  return equals === -1 ? [pair, null] : [pair.slice(0, equals), pair.slice(equals + 1)];
}

/** A mapping with its keys in order, so that the order of writing never matters. */
export function sorted<Value>(map: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Distinct texts in order. */
export function sortedTexts(list: readonly string[]): string[] {
  return [...new Set(list)].sort();
}

/** `undefined` for what is empty: docker's default. */
export function unlessEmpty<Value extends object>(value: Value): Value | undefined {
  return Object.keys(value).length === 0 ? undefined : value;
}
