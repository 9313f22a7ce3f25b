import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { referenceFiles } from '../../../scripts/reference.ts';
import { exitCodeMeanings, exitCodes } from '../../../src/events/exit-code.ts';
import { registerSchema } from '../../../src/cli/schema.ts';
import { runTextCommand } from '../../support/text-command.ts';

const root = new URL('../../..', import.meta.url).pathname;

test('schema/ and the tables of docs/playbook.md are what the schemas give: npm run reference writes them', async () => {
  for (const [path, content] of await referenceFiles())
    expect({ path, content: readFileSync(`${root}${path}`, 'utf8') }).toEqual({ path, content });
});

test.each(['playbook', 'inventory', 'composition', 'event'])(
  'rollout schema %s prints the file in schema/',
  async (name) => {
    const { stdout } = await runTextCommand(registerSchema, ['schema', name], { cwd: root });
    expect(stdout).toBe(readFileSync(`${root}schema/${name}.json`, 'utf8'));
  },
);

test('the exit codes of the README are those of the tool', () => {
  const table = /\| exit code \|[^\n]*\n[^\n]*\n((?:\|[^\n]*\n)+)/.exec(readFileSync(`${root}README.md`, 'utf8'))?.[1];
  const written = table
    ?.trim()
    .split('\n')
    .map((row) =>
      row
        .split('|')
        .slice(1, 3)
        .map((cell) => cell.trim()),
    );
  const names = Object.keys(exitCodes) as (keyof typeof exitCodes)[];
  expect(written).toEqual(names.map((name) => [String(exitCodes[name]), exitCodeMeanings[name]]));
});
