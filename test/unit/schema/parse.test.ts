import { expect, test } from 'vitest';
import * as z from 'zod';
import { parseWith } from '../../../src/schema/parse.ts';

test('a schema says the same of its first value and of its thousandth, right or wrong', () => {
  const schema = z.strictObject({
    name: z.string(),
    port: z.number().optional(),
    mode: z.enum(['a', 'b']).default('a'),
    inner: z.strictObject({ list: z.array(z.number()) }).optional(),
  });
  const values = [
    { name: 'x' },
    { name: 'x', port: 1, mode: 'b', inner: { list: [1] } },
    { port: 'y', extra: 1 },
    { name: 'x', inner: { list: ['z'], more: 1 } },
    null,
  ];
  const answers = () => values.map((value) => JSON.stringify(parseWith(schema, value)));
  const first = answers();
  for (let count = 0; count < 300; count += 1) expect(answers()).toEqual(first);
  expect(first.map((answer) => answer.startsWith('{"success":true'))).toEqual([true, true, false, false, false]);
});
