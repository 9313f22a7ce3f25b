import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { refusedKeys } from '../../../src/service/refused.ts';
import { serviceKeys, serviceSchema } from '../../../src/service/table.ts';

/** The rows of the page's tables: key and text. */
async function manualRows(): Promise<ReadonlyMap<string, string>> {
  const page = await readFile(join(import.meta.dirname, '../../../docs/services.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `(\w+)` +\| (.*?) +\|$/gm)];
  return new Map(rows.map(([, key = '', text = '']) => [key, text.replaceAll('\\|', '|')]));
}

test('the manual has a row for every key, in the words of the table, and for every key that is refused', async () => {
  const keys = serviceKeys.map(({ name, doc }) => [name, doc] as const);
  const refused = [...refusedKeys].map(([name, reason]) => [name, `It ${reason}.`] as const);
  expect(Object.fromEntries(await manualRows())).toEqual(Object.fromEntries([...keys, ...refused]));
});

test('no key stands in the table twice, and none is both taken and refused', () => {
  const names = serviceKeys.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((name) => refusedKeys.has(name))).toEqual([]);
});

test('the JSON Schema describes every key, refuses others but x-…, and lets a template stand for a number', () => {
  const schema = z.toJSONSchema(serviceSchema(), { io: 'input' });
  expect(schema).toMatchObject({ additionalProperties: false, patternProperties: { '^x-': {} } });
  const described = Object.entries(schema.properties ?? {}).filter(([, value]) =>
    JSON.stringify(value).includes('"description"'),
  );
  expect(described.map(([name]) => name)).toEqual(serviceKeys.map(({ name }) => name));
  expect(schema.properties?.['cpus']).toMatchObject({ anyOf: [{ type: ['number', 'string'] }, { type: 'null' }] });
});
