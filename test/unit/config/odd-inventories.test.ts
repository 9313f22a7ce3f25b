import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { registerInventory } from '../../../src/cli/inventory.ts';
import { loadPlaybook } from '../../../src/config/load.ts';
import { createProject } from '../../support/project.ts';
import { runTextCommand, type CommandResult } from '../../support/text-command.ts';

/** What `rollout inventory ARGS` says of these files. */
async function ask(files: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<CommandResult> {
  using project = createProject(files);
  mkdirSync(join(project.dir, 'empty'));
  return await runTextCommand(registerInventory, ['inventory', ...args], { cwd: project.dir });
}

const encrypted = '$ANSIBLE_VAULT;1.1;AES256\n3033\n';

describe('variables that are encrypted as a whole are an error without a password, wherever they belong to', () => {
  test.each(['group_vars/all.yml', 'group_vars/web/secrets.yml', 'host_vars/web1.yml', 'host_vars/web1'])(
    '%s',
    async (file) => {
      const found = await ask(
        { 'hosts.yaml': 'web: { hosts: { web1: } }', [file]: encrypted },
        '-i',
        'hosts.yaml',
        '--list',
      );
      expect(found.exitCode).toBe(2);
      expect(found.stdout).toBe('');
      expect(found.stderr).toContain(`${file}:1:1: this is encrypted with ansible-vault and no password was given`);
    },
  );
});

test.each([
  [String.raw`~web\-\d+`, 'web-01\nweb-2\n'],
  [String.raw`~^web\-0`, 'web-01\n'],
  [String.raw`~(?P<tier>web|db)\-\d{2}$`, 'web-01\ndb-01\n'],
  [String.raw`~(?i)WEB\-\d\Z`, 'web-2\n'],
])('the pattern %s is a regular expression of Python', async (pattern, hosts) => {
  const files = { 'hosts.yaml': 'all: { hosts: { web-01: , web-2: , db-01: , webx: } }' };
  const found = await ask(files, '-i', 'hosts.yaml', '--hosts', pattern);
  expect({ stdout: found.stdout, exitCode: found.exitCode }).toEqual({ stdout: hosts, exitCode: 0 });
});

test.each(['local', 'ansible.builtin.local', 'ansible.legacy.local'])(
  'ansible_connection=%s is the controller itself',
  async (name) => {
    using project = createProject({
      hosts: `here ansible_connection=${name}\n`,
      'playbook.yaml':
        'inventory: hosts\nplays: [{ name: a, hosts: all, services: { app: { image: "r.example.com/a:1" } } }]',
    });
    const { plays } = await loadPlaybook(project.options());
    expect(plays[0]?.hosts[0]?.connection).toEqual({ kind: 'local' });
  },
);

test.each([
  ['an empty mapping', { 'hosts.yaml': '{}' }, 'hosts.yaml'],
  ['an empty mapping in JSON', { 'hosts.json': '{}\n' }, 'hosts.json'],
  ['an empty group', { 'hosts.yaml': 'all: {}' }, 'hosts.yaml'],
])('%s is an inventory without hosts', async (_, files, source) => {
  const found = await ask(files, '-i', source, '--graph');
  expect({ exitCode: found.exitCode, stdout: found.stdout }).toEqual({
    exitCode: 0,
    stdout: '@all:\n  |--@ungrouped:\n',
  });
});

test('a folder without any inventory is an error, and no fleet of nobody', async () => {
  const found = await ask({}, '-i', 'empty', '--graph');
  expect(found).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: 'empty:1:1: this folder holds no inventory; hidden files and some endings do not count\n\n1 problem\n',
  });
});
