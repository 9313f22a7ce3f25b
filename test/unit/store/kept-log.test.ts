import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keepLog } from '../../../src/store/kept-log.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rollout-kept-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test('a log is kept beside the journal, for its owner only', () => {
  const file = keepLog(dir, 'r1', 'h1-app', ['one', 'two']);
  expect(file).toBe(join(dir, 'r1', 'h1-app.log'));
  expect(readFileSync(file ?? '', 'utf8')).toBe('one\ntwo\n');
  expect(statSync(file ?? '').mode & 0o777).toBe(0o600);
  expect(statSync(join(dir, 'r1')).mode & 0o777).toBe(0o700);
});

test('the name of a host is no path', () => {
  for (const name of ['../../etc/passwd', 'a/b', '..', 'h\n1']) {
    const file = keepLog(dir, 'r1', name, ['x']) ?? '';
    expect(file.startsWith(join(dir, 'r1') + '/')).toBe(true);
    expect(file.slice(join(dir, 'r1').length + 1)).toMatch(/^[\w.-]+\.log$/);
    expect(readFileSync(file, 'utf8')).toBe('x\n');
  }
});

test('of a log without end the newest 5 MiB are kept', () => {
  const lines = Array.from({ length: 60_000 }, (_, at) => `${at} ${'x'.repeat(100)}`);
  const text = readFileSync(keepLog(dir, 'r1', 'h1-app', lines) ?? '', 'utf8');
  expect(text.length).toBe(5 * 2 ** 20);
  expect(text.endsWith(`59999 ${'x'.repeat(100)}\n`)).toBe(true);
});

test('what cannot be written is no error', () => {
  writeFileSync(join(dir, 'file'), '');
  expect(keepLog(join(dir, 'file'), 'r1', 'h1-app', ['x'])).toBeUndefined();
});
