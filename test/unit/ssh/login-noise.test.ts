import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ServerChannel } from 'ssh2';
import { unframe } from '../../../src/shell/frame.ts';
import { shellRules, splitWords } from '../../../src/shell/words.ts';
import { RemoteError, type Remote } from '../../../src/ssh/remote.ts';
import { SshHome } from '../../support/ssh-client.ts';
import { generateKey, marked, startSshServer, type ExecHandler, type TestServer } from '../../support/ssh-server.ts';

const key = generateKey();
let home: SshHome;
let server: TestServer | undefined;

beforeEach(async () => {
  home = await SshHome.create();
});
afterEach(async () => {
  await home.close();
  await server?.close();
});

async function connect(login: ExecHandler): Promise<Remote> {
  server = await startSshServer({ authorizedKeys: [key], login });
  await home.trust(server);
  const privateKeyFile = await home.write('key', key.private);
  return home.connector().connect(home.host('h1', server.port, { privateKeyFile }));
}

function framed(channel: ServerChannel, line: string): ServerChannel {
  const found = unframe(splitWords(line, shellRules));
  if (found === undefined) throw new Error(`not framed: ${line}`);
  return marked(channel, found.key);
}

/** Prints the way a start file does, then runs the command, which prints `answer` on both streams. */
const afterNoise =
  (noise: string | Buffer, answer = '{"a":1}\n'): ExecHandler =>
  (channel, line) => {
    channel.stderr.write(noise.slice(0, 10_000));
    channel.write(noise, () => {
      const inner = framed(channel, line);
      inner.write(answer);
      inner.stderr.write(answer);
      inner.exit(3);
      channel.end();
    });
  };

async function failure(working: Promise<unknown>): Promise<Pick<RemoteError, 'kind' | 'message' | 'hint'>> {
  const error: unknown = await working.catch((reason: unknown) => reason);
  if (!(error instanceof RemoteError)) throw new Error(`no RemoteError: ${String(error)}`);
  return { kind: error.kind, message: error.message, hint: error.hint };
}

describe('what a login prints', () => {
  test.each<[string, string | Buffer]>([
    ['a banner', 'Welcome to prod\n'],
    ['an open quote', `15" screen, it's here\n`],
    ['JSON', '{}\n[{"Id":"x"}]\n'],
    ['no line end', 'no end of line'],
    ['mesg without a terminal', 'mesg: ttyname failed: Inappropriate ioctl for device\nstdin: is not a tty\n'],
    ['a prompt with its marks', '\x1b]133;A\x07\x1b[32mdeploy@h1\x1b[0m:~$ \x1b]133;B\x07'],
    ['a list of updates', '\n0 updates can be applied.\n\n*** System restart required ***\n'],
    ['CRLF', 'one\r\ntwo\r\n'],
    ['terminal escapes', '\x1b[2J\x1b]0;title\x07\x1e0 \n'],
    ['what is no UTF-8', Buffer.of(0xff, 0xfe, 0x00, 0x80)],
    ['ten megabytes', 'noise '.repeat(1_700_000)],
  ])('is no part of the answer: %s', async (_, noise) => {
    const remote = await connect(afterNoise(noise, 'häß\r\n{"a":1}'));
    const { durationMs: _durationMs, noise: _noise, ...result } = await remote.exec(['docker', 'ps']);
    expect(result).toEqual({ exitCode: 3, stdout: 'häß\r\n{"a":1}', stderr: 'häß\r\n{"a":1}' });
  });

  test('is told beside the answer, of both streams and cut', async () => {
    const remote = await connect((channel, line) => {
      channel.stderr.write('mesg: no tty\n');
      channel.write(`Welcome!\n${'x'.repeat(5000)}`);
      const inner = framed(channel, line);
      inner.write('done\n');
      inner.exit(0);
      channel.end();
    });
    const { noise = '' } = await remote.exec(['docker', 'ps']);
    expect(noise.replace(/x+/, (run) => String(run.length))).toBe('Welcome!\n1991mesg: no tty\n');
  });

  test('is nothing where nothing was printed', async () => {
    const remote = await connect(afterNoise(''));
    expect(await remote.exec(['docker', 'ps'])).not.toHaveProperty('noise');
  });

  test('is none either where it is the command itself, as with set -x and a log of SSH_ORIGINAL_COMMAND', async () => {
    const remote = await connect((channel, line) => {
      channel.stderr.write(`+ ${line}\n`);
      channel.write(`running: ${line}\n`);
      afterNoise('')(channel, line);
    });
    expect(await remote.exec(['docker', 'ps'])).toMatchObject({
      stdout: '{"a":1}\n',
      stderr: '{"a":1}\n',
      exitCode: 3,
    });
  });

  test('after the command, and a channel that stays open for it, keep nobody waiting', async () => {
    const channels: ServerChannel[] = [];
    const remote = await connect((channel, line) => {
      channels.push(channel);
      const inner = framed(channel, line);
      inner.write('done\n');
      inner.exit(0);
      channel.write('Goodbye\n{}');
    });
    for (let count = 0; count < 3; count += 1)
      expect(await remote.exec(['docker', 'ps'])).toMatchObject({ stdout: 'done\n', stderr: '', exitCode: 0 });
    expect(channels).toHaveLength(3);
  });

  test('is told where no command was run: a forced command, a shell that refuses', async () => {
    const remote = await connect((channel) => {
      channel.stderr.write('This account is \x1b[31mcurrently not available.\r\n');
      channel.exit(1);
      channel.end();
    });
    expect(await failure(remote.exec(['docker', 'ps']))).toEqual({
      kind: 'channel_refused',
      message: `127.0.0.1 port ${server?.port ?? 0} does not run commands: it printed "This account is  [31mcurrently not available." instead, and ended with exit code 1.`,
      hint: expect.stringMatching(/ForceCommand.*\.bashrc.*getent passwd/) as string,
    });
  });

  test('is told where it ends with success too', async () => {
    const remote = await connect((channel) => {
      channel.write('{"Containers":0}\n[]\n');
      channel.exit(0);
      channel.end();
    });
    expect(await failure(remote.exec(['docker', 'ps']))).toMatchObject({
      kind: 'channel_refused',
      message: expect.stringContaining(String.raw`it printed "{\"Containers\":0} []" instead`) as string,
    });
  });
});

describe('an answer that breaks off', () => {
  test.each<[string, (inner: ServerChannel) => void, string]>([
    ['before the first byte', () => undefined, 'with exit code 0'],
    ['in the middle', (inner) => inner.write('[{"Id":'), 'with exit code 0'],
  ])('is none, %s, whatever the exit code says', async (_, print, how) => {
    const remote = await connect((channel, line) => {
      const exit = channel.exit.bind(channel) as (status: number) => void;
      print(framed(channel, line));
      exit(0);
      channel.end();
    });
    expect(await failure(remote.exec(['docker', 'ps']))).toEqual({
      kind: 'connection_lost',
      message: `127.0.0.1 port ${server?.port ?? 0} broke off the command's answer, ${how}.`,
      hint: undefined,
    });
  });
});
