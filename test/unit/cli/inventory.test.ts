import { expect, test } from 'vitest';
import { registerInventory } from '../../../src/cli/inventory.ts';
import { registerValidate } from '../../../src/cli/validate.ts';
import { createProject } from '../../support/project.ts';
import { runTextCommand, type CommandResult } from '../../support/text-command.ts';

const files = {
  hosts: 'lonely\n[web]\nweb[1:3] port=80\n[db]\ndb1\n[site:children]\nweb\ndb\n[web:vars]\nzone=a\n',
  'broken.yaml': 'web:\n  host: { h1: }\n',
};

async function inventory(...args: string[]): Promise<CommandResult> {
  using project = createProject(files);
  return await runTextCommand(registerInventory, ['inventory', ...args], { cwd: project.dir });
}

test('--hosts prints the hosts of a pattern, one a line, and warns of what matches nothing', async () => {
  expect(await inventory('-i', 'hosts', '--hosts', 'web[1:]:db:nobody', '--limit', '!db')).toEqual({
    stdout: 'web2\nweb3\n',
    stderr: 'warning: --hosts: nobody matches no host and no group\n',
    exitCode: 0,
  });
});

test('--graph --vars draws groups, hosts and their variables as ansible-inventory does', async () => {
  const { stdout } = await inventory('-i', 'hosts', '--graph', 'web', '--vars');
  expect(stdout).toBe(`@web:
  |--web1
  |  |--{port = 80}
  |  |--{zone = a}
  |--web2
  |  |--{port = 80}
  |  |--{zone = a}
  |--web3
  |  |--{port = 80}
  |  |--{zone = a}
  |--{zone = a}
`);
});

test.each([
  [['-i', 'hosts'], 'rollout: give one of --list, --graph, --host HOST and --hosts PATTERN\n'],
  [
    ['-i', 'hosts', '--host', 'wbe1'],
    '--host:1:1: is no host of this inventory. Did you mean web1?\n  1 | wbe1\n    | ^\n\n1 problem\n',
  ],
  [
    ['-i', 'hosts', '--graph', 'wbe'],
    '--graph:1:1: is no group of this inventory. Did you mean web?\n  1 | wbe\n    | ^\n\n1 problem\n',
  ],
  [['-i', 'hosts', '--hosts', 'all', '-l', 'x'], '--limit:1:1: leaves no host\n  1 | x\n    | ^\n\n1 problem\n'],
  [
    ['-i', 'broken.yaml', '--list'],
    'broken.yaml:2:3 web.host: a group has hosts, vars and children only; found host. Did you mean hosts?\n  2 |   host: { h1: }\n    |   ^\n\n1 problem\n',
  ],
])('%j ends with exit code 2 and what to mend', async (args, stderr) => {
  expect(await inventory(...args)).toEqual({ stdout: '', stderr, exitCode: 2 });
});

test('--output json gives problems as data', async () => {
  const problem = {
    file: 'broken.yaml',
    line: 2,
    column: 3,
    path: 'web.host',
    message: 'a group has hosts, vars and children only; found host. Did you mean hosts?',
  };
  const listed = await inventory('-i', 'broken.yaml', '--list', '--output', 'json');
  expect(JSON.parse(listed.stdout)).toEqual([problem]);
  using project = createProject(files);
  const { stdout, exitCode } = await runTextCommand(
    registerValidate,
    ['validate', 'broken.yaml', 'hosts', '--output', 'json'],
    {
      cwd: project.dir,
    },
  );
  expect([JSON.parse(stdout), exitCode]).toEqual([[{ severity: 'error', ...problem }], 2]);
});
