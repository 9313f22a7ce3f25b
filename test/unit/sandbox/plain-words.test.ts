import fc from 'fast-check';
import { expect, test } from 'vitest';
import { plainWords } from '../../../src/sandbox/terminal/plain-words.ts';
import { quoteArgv } from '../../../src/shell/quote.ts';

test('reads back every argv that rollout quotes', () => {
  const word = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0'));
  fc.assert(
    fc.property(fc.array(word), (argv) => {
      expect(plainWords(quoteArgv(argv))).toEqual(argv);
    }),
  );
});

test.each([
  [`a "b c" 'd e'f \\g`, ['a', 'b c', 'd ef', 'g']],
  [`docker ps --format '{{.Names}}'`, ['docker', 'ps', '--format', '{{.Names}}']],
  ['a "x\\"y"', ['a', 'x"y']],
  ["it''s", ['its']],
  ['', []],
  ["''", ['']],
])('splits %s', (line, words) => {
  expect(plainWords(line)).toEqual(words);
});

test.each(['echo $HOME', 'a | b', 'a; b', 'a > f', '"$x"', "'open", '"open', 'ls *.c', '`id`'])(
  'refuses what needs a shell: %s',
  (line) => {
    expect(plainWords(line)).toBeUndefined();
  },
);
