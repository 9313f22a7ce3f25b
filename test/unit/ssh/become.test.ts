import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Become } from '../../../src/model/host.ts';
import { Secret } from '../../../src/model/secret.ts';
import { RemoteError, type Remote } from '../../../src/ssh/remote.ts';
import { SshHome } from '../../support/ssh-client.ts';
import { answer, generateKey, startSshServer, type ExecHandler, type TestServer } from '../../support/ssh-server.ts';

const key = generateKey();
const become: Become = { method: 'sudo', user: 'root' };
const withPassword: Become = { ...become, password: new Secret('ansible_become_password', 's3cret') };
const started = `'echo rollout-become-started >&2; exec "$@"'`;
let home: SshHome;
let server: TestServer | undefined;

beforeEach(async () => {
  home = await SshHome.create();
});
afterEach(async () => {
  await home.close();
  await server?.close();
});

async function connect(
  settings: { become: Become; user?: string },
  exec: ExecHandler = (channel) => answer(channel, 'ok'),
): Promise<Remote> {
  server = await startSshServer({ authorizedKeys: [key], exec });
  await home.trust(server);
  const privateKeyFile = await home.write('key', key.private);
  return home.connector().connect(home.host('h1', server.port, { privateKeyFile, ...settings }));
}

/** sudo as it is: asks up to `tries` times, and then runs what reads its stdin and prints it. */
const sudo =
  (password: string | undefined, tries = 3): ExecHandler =>
  (channel) => {
    let input = '';
    let wrong = 0;
    let isRunning = password === undefined;
    const start = (): void => {
      isRunning = true;
      channel.stderr.write('rollout-become-started\nwarning of the command\n');
    };
    channel.on('data', (chunk: Buffer) => {
      input += chunk.toString();
      const end = input.indexOf('\n');
      if (isRunning || end === -1) return;
      const given = input.slice(0, end);
      input = input.slice(end + 1);
      if (given === password) {
        start();
        return;
      }
      if (++wrong < tries) return void channel.stderr.write('Sorry, try again.\nrollout-become-password:');
      answer(channel, '', 1, `sudo: ${tries} incorrect password attempts\n`);
    });
    channel.on('end', () => {
      if (isRunning) answer(channel, input);
      else answer(channel, '', 1, '\nsudo: no password was provided\nsudo: 1 incorrect password attempt\n');
    });
    if (isRunning) start();
    else channel.stderr.write('We trust you have received the usual lecture.\nrollout-become-password:');
  };

async function failure(working: Promise<unknown>): Promise<Pick<RemoteError, 'kind' | 'message' | 'hint'>> {
  const error: unknown = await working.catch((reason: unknown) => reason);
  if (!(error instanceof RemoteError)) throw new Error(`no RemoteError: ${String(error)}`);
  return { kind: error.kind, message: error.message, hint: error.hint };
}

describe('become', () => {
  test('puts sudo before the command, and the deadline behind it, where a signal reaches what runs', async () => {
    const remote = await connect({ become });
    await remote.exec(['docker', 'ps']);
    await remote.exec(['docker', 'ps'], { timeoutMs: 30_000 });
    await remote.exec(['id'], { withoutBecome: true });
    expect(server?.commands).toEqual([
      'sudo -n -H -u root -- docker ps',
      'sudo -n -H -u root -- timeout -k 5 29 docker ps',
      'id',
    ]);
  });

  test('is left out where the user is that one already', async () => {
    const remote = await connect({ become, user: 'root' });
    await remote.exec(['id']);
    expect(server?.commands).toEqual(['id']);
  });

  test('gives the password on stdin when sudo asks, and the command’s own stdin once it runs', async () => {
    const remote = await connect({ become: withPassword }, sudo('s3cret'));
    const { durationMs: _durationMs, ...result } = await remote.exec(['cat'], { stdin: 'KEY=value\n' });
    expect(result).toEqual({ exitCode: 0, stdout: 'KEY=value\n', stderr: 'warning of the command\n' });
    expect(server?.commands).toEqual([
      `sudo -S -p rollout-become-password: -H -u root -- sh -c ${started} rollout-become cat`,
    ]);
  });

  test('never gives the password to the command, where sudo does not ask', async () => {
    const remote = await connect({ become: withPassword }, sudo(undefined));
    expect(await remote.exec(['cat'], { stdin: 'mine' })).toMatchObject({ stdout: 'mine' });
  });

  test.each(['', 'a warning\n'])(
    'has an answer where the command ends at once, and the end of its stderr comes with the begin: %j',
    async (warning) => {
      const stderr = `rollout-become-started\n${warning}`;
      const asking: ExecHandler = (channel) => {
        channel.once('data', () => answer(channel, 'done', 3, stderr));
        channel.stderr.write('rollout-become-password:');
      };
      const remote = await connect({ become: withPassword }, asking);
      const { durationMs: _durationMs, ...result } = await remote.exec(['true']);
      expect(result).toEqual({ exitCode: 3, stdout: 'done', stderr: warning });
    },
  );

  test('holds for processes as well', async () => {
    const remote = await connect({ become: withPassword }, sudo('s3cret'));
    const process = await remote.spawn(['cat']);
    const [warning] = (await once(process.stderr, 'data')) as [Buffer];
    expect(warning.toString()).toBe('warning of the command\n');
    process.stdin.end('x');
    const [output] = (await once(process.stdout, 'data')) as [Buffer];
    expect(output.toString()).toBe('x');
    expect(await process.exited).toBe(0);
  });

  test('with a wrong password fails after one try, without the password in the error', async () => {
    const remote = await connect({ become: withPassword }, sudo('another'));
    const error = await failure(remote.exec(['cat']));
    expect(error).toEqual({
      kind: 'become_failed',
      message: 'sudo does not make the user root: the password is wrong (sudo: 1 incorrect password attempt).',
      hint: 'Check ansible_become_password.',
    });
  });

  test.each([
    [
      'sudo: a password is required\n',
      'a password is required',
      'Give ansible_become_password, or allow the user NOPASSWD in sudoers.',
    ],
    [
      'sudo: sorry, you must have a tty to run sudo\n',
      'it wants a terminal',
      'Take requiretty out of sudoers for this user: Defaults:USER !requiretty',
    ],
    [
      'deploy is not in the sudoers file.\nThis incident has been reported to the administrator.\n',
      'the user may not',
      'Allow the user in sudoers, for every command: rollout runs docker, sh and timeout.',
    ],
    [
      "sudo: unable to resolve host h1: Name or service not known\nSorry, user deploy is not allowed to execute '/usr/bin/id' as root on h1.\n",
      'the user may not',
      'Allow the user in sudoers, for every command: rollout runs docker, sh and timeout.',
    ],
    ['sudo: unknown user: nobody2\n', 'that user does not exist', 'Check ansible_become_user.'],
    ['sudo: ein Passwort ist notwendig\n', 'see what it says', undefined],
    // sudo-rs 0.2.13, of Ubuntu 26.04
    [
      'sudo: interactive authentication is required\n',
      'a password is required',
      'Give ansible_become_password, or allow the user NOPASSWD in sudoers.',
    ],
    [
      'sudo: A terminal is required to authenticate\n',
      'a password is required',
      'Give ansible_become_password, or allow the user NOPASSWD in sudoers.',
    ],
    ['sudo: Authentication required but not attempted\n', 'the password is wrong', 'Check ansible_become_password.'],
    ['sudo: maximum 3 incorrect authentication attempts\n', 'the password is wrong', 'Check ansible_become_password.'],
    [
      "sudo: I'm sorry deploy. I'm afraid I can't do that\n",
      'the user may not',
      'Allow the user in sudoers, for every command: rollout runs docker, sh and timeout.',
    ],
    [
      'sudo: Sorry, user deploy may not run sh on h1.\n',
      'the user may not',
      'Allow the user in sudoers, for every command: rollout runs docker, sh and timeout.',
    ],
    ["sudo: user 'nobody2' not found\n", 'that user does not exist', 'Check ansible_become_user.'],
    [
      'sudo: Account or password is expired, reset your password and try again\n',
      'the account is locked or expired',
      'Look at it there: chage -l USER; passwd -S USER',
    ],
  ])('says what sudo means by %j', async (stderr, reason, hint) => {
    const remote = await connect({ become }, (channel) => answer(channel, '', 1, stderr));
    const lastLine = stderr.trim().split('\n').at(-1) ?? '';
    expect(await failure(remote.exec(['id']))).toEqual({
      kind: 'become_failed',
      message: `sudo does not make the user root: ${reason} (${lastLine}).`,
      hint,
    });
  });

  test('tells a missing sudo', async () => {
    const remote = await connect({ become }, (channel) => answer(channel, '', 127, 'sh: 1: sudo: not found\n'));
    expect(await failure(remote.exec(['id']))).toEqual({
      kind: 'become_failed',
      message: 'sudo is not installed, and become asks for it.',
      hint: 'Install sudo, or connect as root without become.',
    });
  });

  test.each([
    [1, 'Error: No such container: app\n'],
    [1, 'sudo: unable to resolve host h1: Name or service not known\nError: No such container: app\n'],
    [2, 'sudo: a password is required\n'],
  ])('leaves a command’s own failure alone: exit %i, %j', async (exitCode, stderr) => {
    const remote = await connect({ become }, (channel) => answer(channel, '', exitCode, stderr));
    expect(await remote.exec(['docker', 'inspect', 'app'])).toMatchObject({ exitCode, stderr });
  });
});
