import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { registerValidate } from '../../../src/cli/validate.ts';

const folder = new URL('../../cases/config', import.meta.url).pathname;

/** What `rollout validate` says of a case, on stderr and stdout, with its exit code at the end. */
async function validate(name: string): Promise<string> {
  const cwd = join(folder, name);
  const args = existsSync(join(cwd, 'args'))
    ? readFileSync(join(cwd, 'args'), 'utf8').trim().split(' ')
    : ['playbook.yaml'];
  let said = '';
  const say = (text: string): void => void (said += text);
  const program = new Command('rollout').exitOverride();
  registerValidate(program, { env: { PATH: process.env['PATH'] }, workingDir: cwd, print: say, note: say });
  const exitCode = process.exitCode;
  try {
    await program.parseAsync(['node', 'rollout', 'validate', ...args]);
    return `${said}exit ${process.exitCode ?? 0}\n`;
  } finally {
    process.exitCode = exitCode;
  }
}

test.each(readdirSync(folder))(
  'the broken example %s is told everything that is wrong with it, and nothing else',
  async (name) => {
    await expect(await validate(name)).toMatchFileSnapshot(join(folder, name, 'expected.txt'));
  },
);
