import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { registerInventory } from '../../../src/cli/inventory.ts';
import { PythonRegex, RegexTimeoutError } from '../../../src/config/regex/regex.ts';
import { runTextCommand } from '../../support/text-command.ts';

const long = `${'a'.repeat(60)}!`;

test.each([
  '^(a+)+$',
  '(a|a)*$',
  '(a|aa)+$',
  '(.*a){25}$',
  '(\\w+\\s?)*$',
  '(?=(a+)+$)a',
  '(a*)*b',
  '(x+x+)+y|(a+a+)+y',
])('a search that would not end is ended, and not begun again: %s', (pattern) => {
  const regex = new PythonRegex(pattern);
  const attempts = [
    () => regex.search(long),
    () => regex.matching(['short', long]),
    () => regex.replace(long, ''),
    () => regex.findAll(long),
  ];
  for (const attempt of attempts) expect(attempt).toThrow(RegexTimeoutError);
});

test('groups that are nested deeper than anybody writes them are an error, and many in a row are none', () => {
  for (const open of ['(', '(?:', '(?=', '(?i:'])
    expect(() => new PythonRegex(`${open.repeat(5000)}a`)).toThrow('groups are nested too deeply');
  expect(new PythonRegex('(a)'.repeat(500)).search('a'.repeat(500))?.groups).toHaveLength(501);
});

test('what Python has and JavaScript has not is refused by its name', () => {
  expect(() => new PythonRegex('(a)?(?(1)b|c)')).toThrow('conditional groups are not supported');
  expect(() => new PythonRegex('(a)(?i:\\1)')).toThrow('must not ignore case in a part of the expression only');
});

test('an inventory is asked with a pattern that would not end: an error that says why, and no hang', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'rollout-regex-'));
  try {
    await writeFile(join(cwd, 'hosts.ini'), `[web]\n${'a'.repeat(60)}-\nweb-01\nweb_2\n`);
    const ask = async (pattern: string) => {
      const args = ['inventory', '-i', 'hosts.ini', '--hosts', pattern];
      const { stdout, stderr, exitCode } = await runTextCommand(registerInventory, args, { cwd });
      return `${stdout}${stderr}exit ${exitCode}`;
    };
    expect(await ask('~^(a+)+$')).toContain('~^(a+)+$ takes too long on this text');
    expect(await ask('~^(a+)+$')).toMatch(/exit 2$/);
    expect(await ask('*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b')).toMatch(/takes too long[^]*exit 2$/);
    expect(await ask('~web\\-\\d+')).toBe('web-01\nexit 0');
    expect(await ask('~web\\_\\d')).toBe('web_2\nexit 0');
    expect(await ask('~(?i)WEB.\\d')).toBe('web-01\nweb_2\nexit 0');
    expect(await ask('web[-_]*')).toBe('web-01\nweb_2\nexit 0');
  } finally {
    await rm(cwd, { recursive: true });
  }
});
