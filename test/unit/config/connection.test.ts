import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { connectionOf } from '../../../src/config/inventory/connection.ts';
import type { Value } from '../../../src/model/host.ts';
import { framedLine } from '../../../src/shell/frame.ts';
import { becomeArgv } from '../../../src/ssh/become.ts';

/** What is read from a host's variables, and what is wrong with them. */
function read(variables: Readonly<Record<string, Value>>, host = 'h1') {
  const problems: string[] = [];
  const warnings: string[] = [];
  const settings = connectionOf(host, {
    variable: (name) => variables[name],
    problem: (name, message) => void problems.push(`${name} ${message}`),
    warning: (name, message) => void warnings.push(`${name}: ${message}`),
    env: {},
    user: undefined,
    privateKeyFile: undefined,
    become: false,
  });
  return { settings, problems, warnings };
}

test.each(['10.0.0.1', 'web-1.example.com', 'web_1', 'fe80::1%eth0', '2001:db8::1', 'höst.example', 'localhost'])(
  'the address %j is one',
  (address) => {
    const { settings, problems } = read({ ansible_host: address });
    expect([settings, problems]).toEqual([{ kind: 'ssh', address }, []]);
  },
);

// Nothing of these reaches a name server, an option or another machine.
test.each([
  '',
  ' ',
  '-oProxyCommand=touch /tmp/owned',
  '--help',
  'web1 web2',
  'web1\nweb2',
  'web1\0',
  'web1\t',
  'root@web1',
  '../etc/passwd',
  'http://169.254.169.254/',
  '\u001b[2J',
])('the address %j is none', (address) => {
  expect(read({ ansible_host: address }).problems).toEqual([
    'ansible_host must be a host name or an address: not empty, no blanks, @ or /, no - in front',
  ]);
});

test.each(['-oProxyCommand=id', 'web 1', 'root@web1', 'web1\n', '../x'])(
  "the host's name %j is no address: it needs ansible_host",
  (name) => {
    const words = 'must be a host name or an address: not empty, no blanks, @ or /, no - in front';
    expect(read({}, name).problems).toEqual([
      `ansible_host is not set, and the host's name is no address: it ${words}`,
    ]);
    expect(read({ ansible_host: '10.0.0.1' }, name).problems).toEqual([]);
    expect(read({ ansible_connection: 'local' }, name).problems).toEqual([]);
  },
);

test.each([
  '-oProxyCommand=id',
  'a b',
  'a\nb',
  'jump:0',
  'jump:70000',
  '-u@jump',
  'root@-x',
  '\u0007@jump',
  'a,,b',
  '',
])('the jump host %j is none', (jump) => {
  for (const written of [`-o "ProxyJump=${jump}"`, `-J "${jump}"`]) {
    const { problems } = read({ ansible_ssh_common_args: written });
    expect(problems.length).toBeGreaterThan(0);
    expect(problems[0]).toMatch(/^ansible_ssh_common_args a jump host is written \[user@\]host\[:port\]; got "/);
  }
});

test.each([
  ['jump', ['jump']],
  ['a,b', ['a', 'b']],
  ['deploy@jump:2222', ['deploy@jump:2222']],
  ['root@[2001:db8::1]:22', ['root@[2001:db8::1]:22']],
  ['ssh://o.brien@jump.example:2222', ['ssh://o.brien@jump.example:2222']],
  ['%r@bastion', ['%r@bastion']],
  ['none', []],
])('the jump hosts %j are %j', (jump, proxyJump) => {
  expect(read({ ansible_ssh_common_args: `-J ${jump}` })).toMatchObject({ settings: { proxyJump }, problems: [] });
});

test.each(['a\nb', 'key\0', '\u001b[2J'])('the key file %j is none', (key) => {
  const words = 'must be the path of a file: not empty, in one line';
  expect(read({ ansible_ssh_private_key_file: key }).problems).toEqual([`ansible_ssh_private_key_file ${words}`]);
});

test('an empty key file is none, as for Ansible', () => {
  expect(read({ ansible_ssh_private_key_file: '' })).toEqual({
    settings: { kind: 'ssh', address: 'h1' },
    problems: [],
    warnings: [],
  });
});

test.each(['', ' ', '-u', '-oX=y', 'root\nALL', 'root\0', ' root', 'root ', '\u0007'])('%j is no user', (user) => {
  const words = 'must be the name of a user: not empty, in one line, no - or blank in front';
  expect(read({ ansible_user: user }).problems).toEqual([`ansible_user ${words}`]);
  expect(read({ ansible_become: true, ansible_become_user: user }).problems).toEqual([`ansible_become_user ${words}`]);
});

test.each(['a\nb', 'a\r', '\n', 'a\0'])(
  'a become password with a line break is refused, and not shown: %j',
  (password) => {
    const { problems } = read({ ansible_become: true, ansible_become_password: password });
    expect(problems).toEqual(['ansible_become_password has a line break in it, and sudo reads one line']);
  },
);

test.each([
  '-J -oProxyCommand=x',
  '-J "a b"',
  '-o ProxyCommand="sh -c id"',
  '-o ProxyCommand="ssh -o PermitLocalCommand=yes -W %h:%p b"',
  '-o PermitLocalCommand=yes -o LocalCommand="touch /tmp/owned"',
  '-F /tmp/evil -S /tmp/socket -E /tmp/log',
  '-o "UserKnownHostsFile=/dev/null\nProxyCommand=x"',
  '-o KnownHostsCommand=/tmp/evil -o IdentityAgent=/tmp/evil',
])('of the arguments %j nothing is run: they are left out, refused, or a jump host that is checked', (text) => {
  const { settings, problems, warnings } = read({ ansible_ssh_common_args: text });
  expect(
    Object.keys(settings).filter((key) => !['kind', 'address', 'proxyJump', 'userKnownHostsFile'].includes(key)),
  ).toEqual([]);
  expect(
    problems.length + warnings.length + ('proxyJump' in settings ? 1 : 0) + ('userKnownHostsFile' in settings ? 1 : 0),
  ).toBeGreaterThan(0);
});

/** The words that a program gets which is started so by sshd's shell. */
async function wordsOf(argv: readonly string[]): Promise<unknown> {
  const show = ['node', '-e', 'console.log(JSON.stringify(process.argv.slice(1)))', '--', ...argv];
  const { stdout } = await promisify(execFile)('sh', ['-c', framedLine(show, ['a', 'b'])]);
  return JSON.parse(/\[.*\]/.exec(stdout)?.[0] ?? 'null');
}

test.each(["o'brien", 'DOMAIN\\user name', 'a"b', '$(id)', '`id`', 'a;b', '*', '#1000', 'ü', '!x', '~root', 'a&b|c>d'])(
  'the become user %j reaches sudo as one word',
  async (user) => {
    const argv = becomeArgv({ method: 'sudo', user }, ['docker', 'ps', '--', user]);
    expect(await wordsOf(argv)).toEqual(['sudo', '-n', '-H', '-u', user, '--', 'docker', 'ps', '--', user]);
  },
);
