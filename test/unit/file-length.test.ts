import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const source = fileURLToPath(new URL('../../src', import.meta.url));

test('a file of src/ with more than 300 lines begins with the reason', () => {
  const withoutReason = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ name, text: readFileSync(join(source, name), 'utf8') }))
    .filter(({ text }) => text.trimEnd().split('\n').length > 300)
    .filter(({ text }) => !/^\/\/ Longer than 300 lines: \S/.test(text));
  expect(withoutReason.map(({ name }) => name)).toEqual([]);
});
