import { expect, test } from 'vitest';
import { Problems } from '../../../src/config/text/problems.ts';
import { Source } from '../../../src/config/text/source.ts';
import { parseYaml } from '../../../src/config/text/yaml.ts';

function read(text: string): { value: unknown; errors: readonly string[] } {
  const problems = new Problems();
  const file = parseYaml(new Source('f.yaml', text), { scalars: 'ansible' }, problems);
  const value = file?.value(file.root);
  return { value, errors: problems.errors().map(({ line, column, message }) => `${line}:${column} ${message}`) };
}

test.each([
  ['a: "x\ny"\nb: 1\n', { a: 'x y', b: 1 }],
  ["a: 'it''s\nfine'\n", { a: "it's fine" }],
  ['a:\n  b: "x\n  y"\n  c: 2\n', { a: { b: 'x y', c: 2 } }],
  ['a: [\nb,\nc\n]\nd: 1\n', { a: ['b', 'c'], d: 1 }],
  ['a: [b,\nc]\n', { a: ['b', 'c'] }],
  ['a: {\nx: 1\n}\n', { a: { x: 1 } }],
  ['a:\n- "x\ny"\n- [\n1\n]\n', { a: ['x y', [1]] }],
  [
    'a: [{b: c,\nd: [e,\nf]},\n"g # h", # ]\n\'i\nj\'\n]\nz: 1',
    { a: [{ b: 'c', d: ['e', 'f'] }, 'g # h', 'i j'], z: 1 },
  ],
  ['a: "x\n\ny\\\nz"\n', { a: 'x\nyz' }],
  ['a: "x\nb: y"\nc: 1', { a: 'x b: y', c: 1 }],
])('lines of a text or a list may begin at the column of what is around them: %j', (text, expected) => {
  expect(read(text)).toEqual({ value: expected, errors: [] });
});

test.each([
  ['a: [1\nb: 2\n', '2:1 this is not valid YAML: a [ above is not closed; its ] is missing before this place'],
  ['a: "x\n---\ny"\n', '1:6 this is not valid YAML: missing closing "quote'],
  ['a: "x\nb: 1\n', '3:1 this is not valid YAML: missing closing "quote'],
])('what is never closed is still an error: %j', (text, expected) => {
  expect(read(text).errors[0]).toBe(expected);
});

test('a place behind such lines is that of the text as it was written', () => {
  const text = 'a: "x\ny"\nb: [\n1,\n{{ c }}\n]\nd: !what 1\n';
  expect(read(text).errors.at(-1)).toBe(
    "7:10 the tag !what is not supported; only !vault, !unsafe and YAML's own scalar tags are",
  );
});
