import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadInventory } from '../../../src/config/inventory/load.ts';
import { Problems } from '../../../src/config/text/problems.ts';
import { Vault } from '../../../src/config/vault/vault.ts';
import { createProject } from '../../support/project.ts';

test('an inventory script that does not end is stopped at the time limit, with everything that it has started', async () => {
  using project = createProject({
    'hosts.sh': '#!/bin/sh\nsleep 600 &\necho $! > pid\necho "{}"\nwait\n',
  });
  const problems = new Problems();
  await loadInventory({
    sources: ['hosts.sh'],
    cwd: project.dir,
    env: { PATH: process.env['PATH'] },
    vault: new Vault(undefined, problems),
    problems,
    scriptTimeoutMs: 500,
  });
  expect(problems.errors().map(({ message }) => message)).toEqual([
    'the inventory script with --list did not end within 0.5 s and was stopped',
  ]);
  const pid = readFileSync(`${project.dir}/pid`, 'utf8').trim();
  await expect.poll(() => isRunning(pid)).toBe(false);
});

/** A process that has ended may still be in the table until somebody takes note of its end. */
function isRunning(pid: string): boolean {
  if (!existsSync(`/proc/${pid}`)) return false;
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[2] !== 'Z';
}
