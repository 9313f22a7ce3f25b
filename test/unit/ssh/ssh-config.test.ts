import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadSshConfig } from '../../../src/ssh/ssh-config-files.ts';
import { evaluateSshConfig, parseSshConfig, type ConfigFile } from '../../../src/ssh/ssh-config.ts';

function settings(text: string, host = 'h1', user?: string): Record<string, readonly string[]> {
  return evaluated([parseSshConfig(text, 'config')], host, user);
}

function evaluated(files: readonly ConfigFile[], host: string, user?: string): Record<string, readonly string[]> {
  const found = evaluateSshConfig(files, { host, user, localUser: 'me' });
  return Object.fromEntries([...found].map(([keyword, { values }]) => [keyword, values]));
}

describe('a block', () => {
  test.each([
    ['Host h1', { port: ['2222'] }],
    ['HOST h1', { port: ['2222'] }],
    ['Host=h1', { port: ['2222'] }],
    ['Host h2', {}],
    ['Host h2 h1', { port: ['2222'] }],
    ['Host "h1"', { port: ['2222'] }],
    ['Host h*', { port: ['2222'] }],
    ['Host h?', { port: ['2222'] }],
    ['Host * !h1', {}],
    ['Host !h1', {}],
    ['Host !h2 *', { port: ['2222'] }],
    ['Match all', { port: ['2222'] }],
    ['Match host h1', { port: ['2222'] }],
    ['Match host h2,h1', { port: ['2222'] }],
    ['Match !host h1', {}],
    ['Match host h* user me', { port: ['2222'] }],
    ['Match host h* user you', {}],
    ['Match localuser me', { port: ['2222'] }],
    ['Match originalhost h1', { port: ['2222'] }],
    ['Match final all', { port: ['2222'] }],
    ['Match canonical', {}],
    ['Match host h2 exec "touch /nowhere"', {}],
  ])('%s', (block, expected) => {
    expect(settings(`${block}\n  Port 2222\n`)).toEqual(expected);
  });
});

test('the first value wins, and key files add up', () => {
  const text = `
    IdentityFile ~/.ssh/first
    Host h1
      User one
      IdentityFile ~/.ssh/second
      IdentityFile ~/.ssh/first
    Host *
      User two
      Port = 2222   # a comment
  `;
  expect(settings(text)).toEqual({
    identityfile: ['~/.ssh/first', '~/.ssh/second'],
    user: ['one'],
    port: ['2222'],
  });
});

test('Match host sees HostName, Match user the user that is known by then', () => {
  expect(
    settings(
      'HostName h1.example.com\nMatch host *.example.com\n Port 1\nMatch originalhost h1\n User x\nMatch user x\n Compression yes',
    ),
  ).toEqual({
    hostname: ['h1.example.com'],
    port: ['1'],
    user: ['x'],
    compression: ['yes'],
  });
  expect(settings('Match user ann\n Port 1', 'h1', 'ann')).toEqual({ port: ['1'] });
});

test.each([
  ['Port', 'config:2: Port has no value.'],
  ['Host', 'config:2: cannot be read: the value is missing. Found: Host'],
  ['User "ann', 'config:2: cannot be read: Unexpected line break at ann. Found: User "ann'],
  [
    'Match exec "test -f x"',
    'config:2: Match exec is not supported: rollout runs no command to find out how to connect. Set ansible_host, ansible_port, ansible_user or ansible_ssh_private_key_file in the inventory, or use a Host block.',
  ],
  [
    'Match tagged x',
    'config:2: Match tagged is not supported: only host, originalhost, user, localuser, final and all are. Set ansible_host, ansible_port, ansible_user or ansible_ssh_private_key_file in the inventory, or use a Host block.',
  ],
  ['Match host', 'config:2: Match host has no value.'],
])('what cannot be read or decided is an error with its line: %s', (line, message) => {
  expect(() => settings(`# comment\n${line}\n  Port 22\n`)).toThrow(message);
});

describe('files', () => {
  let home: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'rollout-config-'));
    await mkdir(join(home, '.ssh', 'conf.d'), { recursive: true });
  });
  afterEach(() => rm(home, { recursive: true }));

  const write = (name: string, text: string): Promise<void> =>
    writeFile(join(home, '.ssh', name), text, { mode: 0o600 });

  test('are included in order, relative to ~/.ssh, and blocks in them end with them', async () => {
    await write('config', 'Include conf.d/*.conf missing\nInclude ~/.ssh/extra\nUser late\nPort 3');
    await write('conf.d/20-b.conf', 'User second');
    await write('conf.d/10-a.conf', 'Host h1\n User first\nHost h2\n Port 9');
    await write('conf.d/.hidden.conf', 'User hidden');
    await write('conf.d/readme', 'User readme');
    await write('extra', 'Compression yes');
    const config = await loadSshConfig(home);
    expect(evaluated(config, 'h1')).toMatchObject({ user: ['first'], compression: ['yes'], port: ['3'] });
    expect(evaluated(config, 'h2')).toMatchObject({ user: ['second'], port: ['9'] });
  });

  test('that are included in a block hold for its hosts only', async () => {
    await write('config', 'Host h1\n Include inner\nHost *\n User outer');
    await write('inner', 'User inner\nHost h2\n Port 2');
    const config = await loadSshConfig(home, join(home, '.ssh', 'config'));
    expect(evaluated(config, 'h1')).toEqual({ user: ['inner'] });
    expect(evaluated(config, 'h2')).toEqual({ user: ['outer'] });
  });

  test('that include themselves are an error', async () => {
    await write('config', '\nInclude a');
    await write('a', 'Include conf*');
    await expect(loadSshConfig(home)).rejects.toThrow(
      `${join(home, '.ssh', 'a')}:1: ${join(home, '.ssh', 'config')} includes itself.`,
    );
  });

  test('that others can write are refused', async () => {
    await write('config', 'User me');
    await chmod(join(home, '.ssh', 'config'), 0o666);
    const path = join(home, '.ssh', 'config');
    await expect(loadSshConfig(home)).rejects.toThrow(
      `${path}: others can write it, so ssh would refuse it. Type: chmod go-w ${path}`,
    );
  });

  test('that are named must be there', async () => {
    await expect(loadSshConfig(home, join(home, 'nowhere'))).rejects.toThrow(/nowhere: cannot be read: ENOENT/);
  });
});
