import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { registerValidate } from '../../../src/cli/validate.ts';
import { runTextCommand } from '../../support/text-command.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'rollout-manual-'));
});
afterEach(() => rmSync(cwd, { recursive: true }));

test.each([
  ['README.md', 6],
  ['docs/tutorial.md', 3],
])('the files of %s, written as they stand there, are valid', async (page, hosts) => {
  const files = filesOf(readFileSync(fileURLToPath(new URL(`../../../${page}`, import.meta.url)), 'utf8'));
  for (const [path, text] of files) {
    mkdirSync(dirname(join(cwd, path)), { recursive: true });
    writeFileSync(join(cwd, path), text);
  }
  expect([...files.keys()]).toEqual(['inventories/prod.yaml', 'playbooks/prod.yaml']);
  const stdout = [
    `inventories/prod.yaml: inventory: ${hosts} hosts, 3 groups, all good`,
    `playbooks/prod.yaml: playbook shop: 1 play, ${hosts} hosts, all good`,
    '',
  ].join('\n');
  expect(await runTextCommand(registerValidate, ['validate', ...files.keys()], { cwd })).toMatchObject({
    exitCode: 0,
    stdout,
    stderr: '',
  });
});

/** Blocks whose first line is a comment with their path. */
function filesOf(page: string): ReadonlyMap<string, string> {
  return new Map(
    [...page.matchAll(/^```yaml\n(# ([a-z]\S*\.yaml)\n[\s\S]*?)^```$/gm)].map(([, text = '', path = '']) => [
      path,
      text,
    ]),
  );
}
