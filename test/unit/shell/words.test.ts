import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quoteArgv, quoteWords } from '../../../src/shell/quote.ts';
import { locateWords, shellRules, shlexRules, splitWords } from '../../../src/shell/words.ts';

test('what is quoted is split into the same words again, by the rules of either', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }).map((word) => word.replaceAll('\0', ''))), (words) => {
      for (const rules of [shellRules, shlexRules])
        for (const quote of [quoteArgv, quoteWords]) expect(splitWords(quote(words), rules)).toEqual(words);
    }),
    { numRuns: 500 },
  );
});

test('a word that begins with = is quoted for a shell, as zsh looks it up, and stands as it is in a spec', () => {
  expect([quoteArgv(['a', '=', '=b', 'c=d']), quoteWords(['a', '=', '=b', 'c=d'])]).toEqual([
    "a '=' '=b' c=d",
    'a = =b c=d',
  ]);
});

describe.each([
  ['a shell', shellRules, ['$x \\a']],
  ['shlex', shlexRules, ['\\$x \\a']],
] as const)('%s', (_, rules, own) => {
  test.each<[string, readonly string[]]>([
    ['', []],
    ['  a \t b\n', ['a', 'b']],
    [`'a b' "c d"e`, ['a b', 'c de']],
    [`'' ""`, ['', '']],
    [`a\\ b \\"c`, ['a b', '"c']],
    [`"a \\" \\\\ b"`, ['a " \\ b']],
    [`'a \\ b'`, ['a \\ b']],
    ['a#b #c', ['a#b', '#c']],
    ['"\\$x \\a"', own],
  ])('splits %j', (line, words) => {
    expect(splitWords(line, rules)).toEqual(words);
  });

  test.each([
    [`'a`, 'the single quote is not closed'],
    [`b "a`, 'the double quote is not closed'],
    ['a\\', 'a backslash ends the line, with nothing to protect'],
    ['"a\\', 'a backslash ends the line, with nothing to protect'],
  ])('says why %j cannot be split', (line, message) => {
    expect(() => splitWords(line, rules)).toThrow(message);
  });
});

test('with comments a # ends the line, also in the middle of a word, but not in quotes', () => {
  expect(locateWords(`h1 a=1 b="#2"#c d`, { ...shlexRules, hasComments: true })).toEqual([
    { text: 'h1', offset: 0 },
    { text: 'a=1', offset: 3 },
    { text: 'b=#2', offset: 7 },
  ]);
});
