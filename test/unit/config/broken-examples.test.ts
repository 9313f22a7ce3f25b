import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { registerValidate } from '../../../src/cli/validate.ts';
import { runTextCommand } from '../../support/text-command.ts';

const folder = new URL('../../cases/config', import.meta.url).pathname;

/** What `rollout validate` says of a case, with its exit code at the end. */
async function validate(name: string): Promise<string> {
  const cwd = join(folder, name);
  const args = existsSync(join(cwd, 'args'))
    ? readFileSync(join(cwd, 'args'), 'utf8').trim().split(' ')
    : ['playbook.yaml'];
  const { stdout, stderr, exitCode } = await runTextCommand(registerValidate, ['validate', ...args], { cwd });
  return `${stdout}${stderr}exit ${exitCode}\n`;
}

test.each(readdirSync(folder))(
  'the broken example %s is told everything that is wrong with it, and nothing else',
  async (name) => {
    await expect(await validate(name)).toMatchFileSnapshot(join(folder, name, 'expected.txt'));
  },
);
