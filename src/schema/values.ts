import * as z from 'zod';
import { parseDuration } from '../model/duration.ts';
import type { Amount } from '../model/strategy.ts';
import { splitWords, UnfinishedWord, type WordRules } from '../shell/words.ts';
import { advised } from './advice.ts';

// The values that the files' schemas share, each with the one text that says what it must be.

/** What a schema says of wrong values; explain.ts adds what was found. */
export const must = (what: string): { error: string } => ({ error: `must be ${what}` });

export const text = advised(z.string(must('text')).min(1, must('text, and not empty')), (found) =>
  typeof found === 'number' || typeof found === 'boolean' ? `Put it in quotes: "${String(found)}"` : undefined,
);
export const flag = advised(z.boolean(must('true or false')), (found) => {
  if (typeof found !== 'string') return undefined;
  return /^(?:yes|on)$/i.test(found) ? 'Write true' : /^(?:no|off)$/i.test(found) ? 'Write false' : undefined;
});
export const wholeNumber = z.number(must('a whole number')).int(must('a whole number')).min(0, must('0 or more'));
export const texts = z.union([text, z.array(text)], must('text or a list of texts')).transform((value) => [value].flat());
export const variables = z.record(z.string(), z.unknown(), must('a mapping of names to values'));

/** Milliseconds of `30s`, `1m30s`, `500ms`. */
export const durationMs = advised(z.string(must('a duration such as 30s or 1m30s')), inSeconds).transform(
  (value, context) => {
    const durationMs = value === '0' ? 0 : parseDuration(value);
    if (durationMs !== undefined) return durationMs;
    context.addIssue({ code: 'custom', message: 'must be a duration such as 30s or 1m30s' });
    return z.NEVER;
  },
);

/** For a duration that has no unit. */
export function inSeconds(found: unknown): string | undefined {
  return typeof found === 'number' ? `Write ${found}s for seconds` : undefined;
}

/** For transforms: a command line in words. */
export const wordsBy =
  (rules: WordRules) =>
  (line: string, context: z.RefinementCtx): string[] => {
    try {
      return splitWords(line, rules);
    } catch (error) {
      if (!(error instanceof UnfinishedWord)) throw error;
      context.addIssue({ code: 'custom', message: `cannot be split into words: ${error.message}` });
      return z.NEVER;
    }
  };

/** A count of hosts, or a share of them. */
export function amount(min: 0 | 1, advice = '') {
  const message = `must be ${min} or more, or a percentage`;
  return z
    .union([z.number(), z.string()], { error: message })
    .transform((value, context): Amount => {
      const percent = /^(\d+(?:\.\d+)?)%$/.exec(String(value))?.[1];
      if (percent !== undefined && Number(percent) <= 100 && Number(percent) >= min)
        return { percent: Number(percent) };
      if (/^\d+$/.test(String(value)) && Number(value) >= min) return { count: Number(value) };
      context.addIssue({ code: 'custom', message, params: { advice } });
      return z.NEVER;
    })
    .meta({ examples: [1, '25%'] });
}

/** `1%` or 0.01. */
export const ratio = z
  .union([z.number(), z.string()], must('a percentage such as 1%, or a number from 0 to 1'))
  .transform((value, context) => {
    const percent = /^(\d+(?:\.\d+)?)%$/.exec(String(value))?.[1];
    const number = percent === undefined ? Number(value) : Number(percent) / 100;
    if (number >= 0 && number <= 1) return number;
    context.addIssue({ code: 'custom', message: 'must be a percentage such as 1%, or a number from 0 to 1' });
    return z.NEVER;
  });

export const secretReference = z.strictObject({ secret: text.describe('A name under secrets.') }, must('{ secret: NAME }'));
export const credential = z.union([secretReference, text], must('{ secret: NAME } or text'));

export const condition = z
  .union([flag, text, z.array(z.union([flag, text]))], must('an expression, or a list of which all must hold'))
  .transform((value) => [value].flat())
  .describe('An expression without braces; it must give true or false. It may use facts.');

export const tags = texts.describe('For --tags and --skip-tags.');
