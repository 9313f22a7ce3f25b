import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { framedLine, frameMarks, unframe } from '../../../src/shell/frame.ts';
import { shellRules, splitWords } from '../../../src/shell/words.ts';
import { installShells, loginShells } from '../../support/login-shells.ts';

const key = ['ab12', 'cd34'] as const;

/** What a shell that reads the line makes of the words, and the marks around them. */
function readBy(
  shell: readonly string[],
  words: readonly string[],
): { readonly stdout: string; readonly stderr: string } {
  const print = 'printf "%s\\0" "$@"; printf err >&2; exit 7';
  const [program = '', ...args] = shell;
  const line = framedLine(['sh', '-c', print, 'print', ...words], key);
  const { stdout, stderr } = spawnSync(program, [...args, line], { encoding: 'utf8' });
  return { stdout, stderr };
}

const printed = (words: readonly string[]): string => words.map((word) => `${word}\0`).join('');

const odd = [
  ...['a\\\\b', "it's", '\\', "\\'", '!x !! !$', '^a^b', 'new\nline\n', '$HOME `id` "q" $(id)', 'grüße 🚢', '', '-n'],
  ...['\t~*?[a]{a,b}', '%s %b \\0101 \\n', '#c', '=ls', 'a;b|c&d<e>f', '\r\n', '\x1e\x7f', 'x'.repeat(60_000)],
];

describe.skipIf(process.platform !== 'linux')('a framed line is read alike by', () => {
  beforeAll(installShells, 300_000);

  test.each(loginShells)('%s', (_name, ...shell) => {
    const { stdout, stderr } = frameMarks(key);
    expect(readBy(shell, odd)).toEqual({
      stdout: `${stdout.begin}${printed(odd)}${stdout.end}7${stdout.last}`,
      stderr: `${stderr.begin}err${stderr.end}${stderr.last}`,
    });
    const runs = Number(process.env['SHELL_RUNS'] ?? 50);
    const word = fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '\\'));
    const words = fc.array(word, { minLength: 1, maxLength: 20 });
    const check = (some: readonly string[]): void => {
      expect(readBy(shell, some).stdout).toBe(`${stdout.begin}${printed(some)}${stdout.end}7${stdout.last}`);
    };
    fc.assert(fc.property(words, check), { seed: 11, numRuns: runs });
  });
});

test('a framed line holds no character that a shell could read in its own way, and is what it was made from', () => {
  const argv = ['docker', ...odd];
  const line = framedLine(argv, key);
  // Outside the single quotes around its parts there are only words.
  expect(line.replace(/'[^'\\!]*(?:\\0[0-7]{3}[^'\\!]*)*'/g, 'X')).toMatch(/^sh -c X rollout-frame ab12 cd34 X$/);
  expect(line).toMatch(/^[\x20-\x7e]*$/);
  const words = splitWords(line, shellRules);
  const found = unframe(words);
  expect(found?.key).toEqual(key);
  expect(splitWords(found?.line ?? '', shellRules)).toEqual(argv);
  expect(unframe(['sh', '-c', 'echo', 'rollout-frame'])).toBeUndefined();
});

test('the marks are not in the line that makes them', () => {
  const { stdout, stderr } = frameMarks(key);
  const line = framedLine(['true'], key);
  for (const mark of [stdout.begin, stdout.end, stderr.begin, stderr.end]) expect(line).not.toContain(mark);
});
