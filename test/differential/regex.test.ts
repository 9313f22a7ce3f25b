import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pythonRegex, RegexSyntaxError, type PythonRegex } from '../../src/config/regex/regex.ts';

interface Case {
  readonly pattern: string;
  readonly text: string;
  readonly replacement: string;
}

interface Answer {
  /** By a Python that has its own faults there. */
  readonly unanswered?: boolean;
  readonly error?: string;
  readonly match?: boolean;
  readonly found?: readonly (readonly [number, readonly (string | null)[]])[];
  readonly replaced?: string | null;
}

const script = join(import.meta.dirname, 'regex.py');

/** What Python does with each. */
function python(cases: readonly Case[]): readonly Answer[] {
  const options = { input: JSON.stringify(cases), encoding: 'utf8', maxBuffer: 2 ** 28 } as const;
  const { stdout, stderr, status } = spawnSync('python3', [script], options);
  if (status !== 0) throw new Error(`python3 ended with ${String(status)}: ${stderr}`);
  return JSON.parse(stdout) as readonly Answer[];
}

function ours({ pattern, text, replacement }: Case): Answer {
  let regex: PythonRegex;
  try {
    regex = pythonRegex(pattern);
  } catch (error) {
    if (!(error instanceof RegexSyntaxError)) throw error;
    return { error: error.message };
  }
  return {
    match: regex.matching([text]).has(text),
    // Python counts code points.
    found: regex
      .findAll(text)
      .map(({ start, groups }) => [Array.from(text.slice(0, start)).length, groups.map((group) => group ?? null)]),
    replaced: replaced(regex, text, replacement),
  };
}

function replaced(regex: PythonRegex, text: string, replacement: string): string | null {
  try {
    return regex.replace(text, replacement);
  } catch (error) {
    if (!(error instanceof RegexSyntaxError)) throw error;
    return null;
  }
}

/** Cases that differ. Errors differ in their words, and where they are found. */
function differences(cases: readonly Case[]): readonly string[] {
  const answers = python(cases);
  expect(cases.filter(({ pattern }, index) => answers[index]?.unanswered && !/[*+?}]\+/.test(pattern))).toEqual([]);
  return cases.flatMap((each, index) => {
    const theirs = answers[index];
    if (theirs?.unanswered === true) return [];
    const mine = ours(each);
    // A group that is repeated keeps, for Python, what it matched in a round before; JavaScript forgets it.
    if (hasRepeatedGroup(each.pattern)) return sameWholes(mine, theirs) ? [] : [difference(each, theirs, mine)];
    const isSame =
      theirs?.error === undefined ? JSON.stringify(mine) === JSON.stringify(theirs) : mine.error !== undefined;
    return isSame ? [] : [difference(each, theirs, mine)];
  });
}

const hasRepeatedGroup = (pattern: string): boolean => /\((?!\?[^P])/.test(pattern) && /\)[*+?{]/.test(pattern);

function sameWholes(mine: Answer, theirs: Answer | undefined): boolean {
  if (theirs?.error !== undefined || mine.error !== undefined)
    return (theirs?.error === undefined) === (mine.error === undefined);
  const wholes = ({ match, found = [] }: Answer): string =>
    JSON.stringify([match, found.map(([start, [whole]]) => [start, whole])]);
  return theirs !== undefined && wholes(mine) === wholes(theirs);
}

const difference = (each: Case, python: Answer | undefined, rollout: Answer): string =>
  JSON.stringify({ ...each, python, rollout });

const patterns: readonly string[] = [
  // What people write for hosts.
  String.raw`web\-\d+`,
  String.raw`web\_\d`,
  String.raw`(web|db)[0-9]{2}\.example\.com`,
  '^web.*$',
  'web[01][0-9]$',
  '(?i)WEB',
  '(?i:w)eb',
  '(?-i:w)eb',
  '(?i)(?-i:W)eb',
  '(?i:[a-f])',
  '(?x) web \\d+ # number\n',
  '(?x)w e\\ b[ ]',
  '(?s)a.b',
  '(?m)^b$',
  '(?a)\\w+',
  '(?im)^B',
  '(?P<tier>[a-z]+)-(?P<n>\\d+)',
  '(?P<q>["\']).*?(?P=q)',
  '(a)(b)?\\1',
  // Braces and brackets that stand for themselves.
  'a{',
  'a}',
  '{',
  '}',
  'a{}',
  'a{x}',
  'a{1',
  'a{,2}',
  'a{,}',
  'a{2,}',
  'a{1,2}?',
  'a{2}b',
  ']',
  'a]',
  '[]]',
  '[^]]',
  '[]a-c]+',
  '[a-]',
  '[-a]',
  '[a\\-c]',
  '[\\w-]+',
  '[\\d.]+',
  '[^\\s]+',
  '[\\W\\d]+',
  '[^\\W\\d]+',
  '[\\D]',
  '[^\\D]+',
  '[[:alpha:]]',
  '[a[]',
  '[\\]]',
  '[\\\\]',
  '[.]',
  '[$^]',
  '[&&]',
  '[a-z--m]',
  '[\\b]',
  // Escapes.
  '\\.',
  '\\/',
  '\\:',
  '\\@',
  '\\ ',
  '\\é',
  '\\\\',
  '\\x41',
  '\\u0041',
  '\\U0001F680',
  '\\t|\\n|\\r|\\f|\\v|\\a',
  '\\0',
  '\\07',
  '\\101',
  '\\8',
  '\\A\\w',
  '\\w\\Z',
  '\\bx',
  'e\\b',
  '\\Be',
  '\\q',
  '\\y',
  '\\z',
  '\\x4',
  '\\u123',
  '\\U00110000',
  '\\d',
  '\\D',
  '\\s',
  '\\S',
  '\\w',
  '\\W',
  '\\\n',
  // Groups, lookarounds, atoms that are not gone back into.
  '(?:ab)+',
  '(?=a)',
  '(?=a)a',
  'a(?=b)',
  'a(?!b)',
  '(?<=a)b',
  '(?<!a)b',
  '(?<=ab|cd)e',
  '(?>a+)b',
  'a++b',
  'a*+a',
  'a?+a',
  'a{1,2}+a',
  '(?#comment)a',
  '(a(b)c)',
  '(((a)))',
  '()',
  '(|a)',
  '(a|)b',
  'a||b',
  '|',
  '',
  'a|b|c',
  '(?:)',
  '(a*)*',
  '(a*)+',
  // What Python refuses.
  '(',
  ')',
  '[',
  '[a',
  '*a',
  '+',
  '?',
  '{1}',
  'a**',
  'a+*',
  'a{2}{3}',
  'a???',
  'a{3,2}',
  '(?',
  '(?P',
  '(?P<',
  '(?P<1a>x)',
  '(?P<a>x)(?P<a>y)',
  '(?P=a)',
  '(?P<a>x)(?P=b)',
  '\\1',
  '(a\\1)',
  '\\2(a)',
  'a(?i)b',
  '(?q)',
  '(?<a>x)',
  '(?#',
  '\\',
  '[z-a]',
  '[\\d-z]',
  '[a-\\d]',
  '(?iq)a',
  '(?i',
  '(?-i)a',
  '(?:a',
  '(?=a',
  // Begin and end.
  '^',
  '$',
  '^$',
  'a$',
  '^a',
  '\\A',
  '\\Z',
  '(?m)$',
  '(?m)^',
  'b$',
  '.',
  '.*',
  '.+',
  '(?s).*',
  '.*?',
  '^.*?$',
];
const texts: readonly string[] = [
  '',
  'a',
  'ab',
  'aab',
  'abcde',
  'a\nb',
  'a\nb\n',
  'web-01',
  'web_1',
  'WEB',
  'web01.example.com',
  'db12.example.com',
  'x"y"z\'',
  'é ü ß Ä',
  'a\u2028b',
  'a\rb',
  '٣٤',
  '\u00a0\u3000\ufeff',
  '🚀a🚀',
  'a{1} } ] {',
  'A\x07\t\v',
  '\\',
  '-_.:/@',
  'aaaa',
  '²½Ⅷ',
  'a-b&&c[',
  'K\u212a\u017fs',
  '\x00\x1c\x85',
];

test('hand-written expressions match, find and refuse what they do in Python', () => {
  const cases = patterns.flatMap((pattern) => texts.map((text) => ({ pattern, text, replacement: '<\\g<0>>' })));
  expect(differences(cases)).toEqual([]);
  expect(cases.length).toBeGreaterThan(4000);
});

test('replacements mean what they do in Python', () => {
  const replacements = [
    '\\1',
    '\\2',
    '\\g<1>',
    '\\g<n>',
    '\\g<0>',
    '\\g<nope>',
    '\\g<9>',
    '\\g<',
    '\\g',
    '$1',
    '$&',
    '$$',
    '\\\\',
    '\\n',
    '\\t',
    '\\0',
    '\\101',
    '\\11',
    '\\12',
    '\\q',
    '\\',
    '\\.',
    '\\-',
    'é',
    '\\1\\g<n>',
    '',
    '&',
    '{{',
    '\\b',
    '\\08',
    '\\400',
  ];
  const cases = ['(a)(?P<n>b)?', 'x*', '(?P<n>a)|b', 'a'].flatMap((pattern) =>
    replacements.flatMap((replacement) => ['', 'ab', 'aab-a', 'abxd'].map((text) => ({ pattern, text, replacement }))),
  );
  expect(differences(cases)).toEqual([]);
});

const atom = fc.constantFrom(
  'a',
  'b',
  'c',
  '.',
  '\\d',
  '\\w',
  '\\s',
  '\\W',
  '\\D',
  '\\S',
  '[ab]',
  '[^a]',
  '[a-c]',
  '[\\w-]',
  '[^\\d]',
  '[\\W1]',
  '\\.',
  '\\-',
  '\\_',
  '1',
  '_',
  '-',
  ' ',
  'é',
  '^',
  '$',
  '\\b',
  '\\B',
  '\\A',
  '\\Z',
  '{',
  '}',
  ']',
  '\\n',
  '\\x61',
  '(?=a)',
  '(?!b)',
  '(?<=a)',
  '(?<!b)',
);
const quantifier = fc.constantFrom(
  '',
  '',
  '',
  '',
  '*',
  '+',
  '?',
  '*?',
  '+?',
  '??',
  '{2}',
  '{1,2}',
  '{,2}',
  '{1,}',
  '{1,2}?',
  '++',
  '?+',
);
const group = fc.constantFrom('(', '(?:', '(?:', '(?=', '(?>', '(?i:', '(?s:', '(?m:');
const { expression } = fc.letrec<{ expression: string; branch: string; part: string }>((tie) => ({
  expression: fc.array(tie('branch'), { minLength: 1, maxLength: 2 }).map((branches) => branches.join('|')),
  branch: fc.array(tie('part'), { maxLength: 3 }).map((parts) => parts.join('')),
  part: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.tuple(atom, quantifier).map((pair) => pair.join('')),
    fc.tuple(group, tie('expression')).map(([open, inside]) => `${open}${inside})`),
  ),
}));
const flags = fc.constantFrom('', '', '', '(?i)', '(?m)', '(?s)', '(?a)', '(?im)');
const subject = fc.string({
  unit: fc.constantFrom('a', 'b', 'c', 'A', 'B', '1', '_', '-', '.', ' ', '\n', 'é', '{', '}', ']'),
  maxLength: 8,
});

test('random expressions match, find and refuse what they do in Python', () => {
  const runs = Number(process.env['REGEX_RUNS'] ?? 5000);
  const seed = Number(process.env['REGEX_SEED'] ?? 20261127);
  const cases = fc.sample(
    fc.record({
      pattern: fc.tuple(flags, expression).map((pair) => pair.join('')),
      text: subject,
      replacement: fc.constantFrom('<\\g<0>>', '\\1', ''),
    }),
    { numRuns: runs, seed },
  );
  expect(differences(cases)).toEqual([]);
});
