import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sanitize } from '../../../src/render/sanitize.ts';
import { displayWidth, padEnd, truncate } from '../../../src/render/width.ts';

test.each([
  ['', 0],
  ['abc', 3],
  ['äöü', 3],
  ['e\u0301', 1],
  ['日本語', 6],
  ['🚀', 2],
  ['👩‍👩‍👧', 2],
  ['🇩🇪', 2],
  ['한국', 4],
  ['░▒█▸…', 5],
  ['ｆｕｌｌ', 8],
  ['❤️', 2],
  ['1', 1],
])('%s takes %i columns', (text, columns) => {
  expect(displayWidth(text)).toBe(columns);
});

test('text is cut to its columns, never within a character', () => {
  expect(truncate('abcdef', 6)).toBe('abcdef');
  expect(truncate('abcdef', 4)).toBe('abc…');
  expect(truncate('日本語', 5)).toBe('日本…');
  expect(truncate('日本語', 4)).toBe('日…');
  expect(truncate('👩‍👩‍👧x', 2)).toBe('…');
  expect(truncate('abc', 0)).toBe('');
  expect(padEnd('日本', 6)).toBe('日本  ');
});

test.each([
  ['plain', 'plain'],
  ['\u001b[31mred\u001b[0m', 'red'],
  ['\u001b[2J\u001b[Hgone', 'gone'],
  ['\u001b]0;title\u0007x', 'x'],
  ['\u001b]8;;http://example.com\u001b\\link\u001b]8;;\u001b\\', 'link'],
  ['\u009b31mred', 'red'],
  ['\u001bPq#0\u001b\\x', 'x'],
  ['\u001b(Bx', 'x'],
  ['\u001bcx', 'x'],
  ['a\u001b', 'a\\x1b'],
  ['\u0007\u0008\u007f', '\\x07\\x08\\x7f'],
  ['a\tb', 'a  b'],
  ['a\r\nb\nc\rd', 'a⏎b⏎c\\x0dd'],
  ['user\u202egnp.exe', 'user\\u{202e}gnp.exe'],
  ['\u2066a\u2069\u200f\u061c', '\\u{2066}a\\u{2069}\\u{200f}\\u{61c}'],
  ['zero\u200bwidth\ufeff', 'zero\\u{200b}width\\u{feff}'],
  ['\u{e0041}', '\\u{e0041}'],
  ['\ud800', '\\u{d800}'],
  ['h\u200d1 h\ufe0f\u200c', 'h\\u{200d}1 h\\u{fe0f}\\u{200c}'],
  ['so\u00adft \u3164 \u115f', 'so\\xadft \\u{3164} \\u{115f}'],
  ['می\u200cخواهم ⚠\ufe0f', 'می\u200cخواهم ⚠\\u{fe0f}'],
  ['\u009d0;title\u009c\u0090x\u009cend', 'end'],
  ['\u001b]52;c;ZXZpbA==\u0007end', 'end'],
  ['日本語 👩‍👩‍👧 ü', '日本語 👩‍👩‍👧 ü'],
])('%j is shown as %s', (text, shown) => {
  expect(sanitize(text)).toBe(shown);
});

test('a megabyte of beginnings of sequences that never end is gone through once', () => {
  for (const start of ['\u009d', '\u0090', '\u001b]', '\u001b[', '\u009b0', '\u001bP\u009d', '\u001b']) {
    const shown = sanitize(start.repeat(500_000));
    expect(shown).not.toMatch(/\p{Cc}/u);
  }
});

test('lines are kept where they are wanted', () => {
  expect(sanitize('a\r\nb\u0007\nc', { keepLines: true })).toBe('a\nb\\x07\nc');
});

test('whatever a host prints, nothing is left that moves the cursor, hides or reorders text', () => {
  const nasty = fc.constantFrom(
    '\u001b',
    '[',
    ']',
    '2J',
    '31m',
    '\u009b',
    '\u0007',
    '\u202e',
    '\n',
    '\r',
    'P',
    '\\',
    'a',
    '日',
    '\ud800',
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(nasty, { maxLength: 20 }).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (printed) => {
      const shown = sanitize(printed);
      expect(shown).not.toMatch(/[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u);
      expect(sanitize(shown)).toBe(shown);
    }),
    { numRuns: 2000 },
  );
});

test('a joiner beside what is written as a code is written as a code too', () => {
  for (const unsafe of ['\x80', '\u202e', '\ud800', '\u200b', '\u{e0001}'])
    for (const joiner of ['\u{e0100}', '\u200d', '\ufe0f'])
      for (const text of [`é${unsafe}${joiner}日`, `日${joiner}${unsafe}é`]) {
        const shown = sanitize(text);
        expect(shown).not.toContain(joiner);
        expect(sanitize(shown)).toBe(shown);
      }
  expect(sanitize('👨\u200d👩\u200d👧 ❤\ufe0f日')).toBe('👨\u200d👩\u200d👧 ❤\ufe0f日');
});

test('what lines are drawn with has the width that it has among other text', () => {
  const drawn = Array.from({ length: 0x2700 }, (_, point) => String.fromCodePoint(point)).filter((character) =>
    /[·…←-↓↩─-◼✓✗]/.test(character),
  );
  expect(drawn.length).toBeGreaterThan(250);
  // Beside a wide character they are measured one by one.
  for (const character of drawn) expect(displayWidth(`${character}日`)).toBe(displayWidth(character) + 2);
});
