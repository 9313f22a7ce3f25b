import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const page = readFileSync(join(root, 'docs/troubleshooting.md'), 'utf8');
const said = [...page.matchAll(/^### `(.*)`$/gm)].map(([, words = '']) => words);
const source = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(join(root, 'src', name), 'utf8'));

test.each(said)('rollout can still say: %s', (words) => {
  const parts = words
    .split('…')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  expect(parts.length).toBeGreaterThan(0);
  expect(parts.filter((part) => !source.some((text) => text.includes(part)))).toEqual([]);
});
