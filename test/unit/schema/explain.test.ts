import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { Secret } from '../../../src/model/secret.ts';
import { advised } from '../../../src/schema/advice.ts';
import { explainIssues } from '../../../src/schema/explain.ts';
import { amount, durationMs, flag, must, text, texts } from '../../../src/schema/values.ts';
import * as service from '../../../src/service/values.ts';

const told = (schema: z.ZodType, written: unknown): readonly string[] => {
  const { error } = schema.safeParse(written);
  return explainIssues(schema, error?.issues ?? [], written).map(({ path, message, of }) =>
    [path.join('.'), message, ...(of === undefined ? [] : [`(${of})`])].join(': '),
  );
};

test('what a value should be is a field of its schema, however the schema is wrapped and whatever it says it must be', () => {
  const wanted = z.strictObject({
    name: text.describe('wrapped once').optional(),
    wait: durationMs.prefault('1s').describe('and twice'),
    loud: flag.default(false).describe('…'),
    share: amount(1, 'To take all of it write 100%.'),
    // Other words than those of any other schema: the advice does not hang on them.
    colour: advised(z.literal('blue', { error: 'has one colour' }).optional(), () => undefined),
    odd: advised(z.number({ error: 'ought to be odd' }), (found) => (found === 'two' ? 'Write 3' : undefined)),
  });
  expect(told(wanted, { name: 5, wait: 30, loud: 'yes', share: 0, colour: 'bleu', odd: 'two' })).toEqual([
    'name: must be text; got 5. Put it in quotes: "5"',
    'wait: must be a duration such as 30s or 1m30s; got 30. Write 30s for seconds',
    'loud: must be true or false; got "yes". Write true',
    'share: must be 1 or more, or a percentage; got 0. To take all of it write 100%.',
    'colour: has one colour; got "bleu". Did you mean blue?',
    'odd: ought to be odd; got "two". Write 3',
  ]);
});

test('a playbook and a service that has the same mistake are told the same', () => {
  const mistakes = { name: true, wait: 5 };
  expect(told(z.strictObject({ name: service.text, wait: service.durationMs }), mistakes)).toEqual(
    told(z.strictObject({ name: text, wait: durationMs }), mistakes),
  );
});

describe('a mapping', () => {
  const probe = z.strictObject({ port: z.number(must('a port')), path: text.optional() }, must('a mapping'));

  test('that has a key too many is told at the key, with the key that was meant or those there are', () => {
    expect(told(probe, { port: 1, pth: '/' })).toEqual(['pth: there is no such key here. Did you mean path?: (key)']);
    expect(told(probe, { port: 1, x: 1 })).toEqual(['x: there is no such key here. There are: port, path: (key)']);
  });

  test('that lacks a key is told where the key should stand', () => {
    expect(told(z.strictObject({ probe }), { probe: {} })).toEqual([
      'probe: port is missing; it must be a port: (missing)',
    ]);
  });

  test('whose keys do not fit together says so by itself, without what was found', () => {
    const one = z
      .strictObject({ a: text.optional(), b: text.optional() })
      .refine(({ a, b }) => (a === undefined) !== (b === undefined), { error: 'needs a or b' });
    expect(told(one, { a: 'x', b: 'y' })).toEqual(['needs a or b'].map((message) => `: ${message}`));
  });

  test('of a union is told what is wrong with the form that was meant', () => {
    const either = z.union([text, z.strictObject({ file: text }, must('a mapping'))], must('text or { file }'));
    expect([told(either, { file: 5 }), told(either, 7), told(z.array(texts), [[true]])]).toEqual([
      ['file: must be text; got 5. Put it in quotes: "5"'],
      [': must be text or { file }; got 7. Put it in quotes: "7"'],
      ['0.0: must be text; got true. Put it in quotes: "true"'],
    ]);
  });

  test('that is told by its type is told the types there are', () => {
    const kinds = z.discriminatedUnion('type', [
      z.strictObject({ type: z.literal('haproxy'), stats: text }),
      z.strictObject({ type: z.literal('none') }),
    ]);
    expect(told(kinds, { type: 'haprxy' })).toEqual([
      'type: must be haproxy or none; got "haprxy". Did you mean haproxy?',
    ]);
  });
});

test('what was found is shown short, and a secret never', () => {
  const number = z.strictObject({ a: z.number(must('a number')) });
  const found = ['x'.repeat(80), '', null, [], [1], {}, { secret: 'token' }, new Secret('token', 'hunter2'), true];
  expect(found.map((a) => told(number, { a })[0])).toEqual([
    `a: must be a number; got "${'x'.repeat(56)}…`,
    'a: must be a number; got an empty text',
    'a: must be a number; got nothing',
    'a: must be a number; got an empty list',
    'a: must be a number; got a list',
    'a: must be a number; got a mapping',
    'a: must be a number; got a secret',
    'a: must be a number; got a secret',
    'a: must be a number; got true',
  ]);
});
