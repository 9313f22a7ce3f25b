import { once } from 'node:events';
import { Agent, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Duplex } from 'node:stream';
import { got } from 'got';
import type { ServerChannel } from 'ssh2';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '../../../src/model/clock.ts';
import type { ConnectOptions } from '../../../src/ssh/connect.ts';
import { RemoteError, type Remote } from '../../../src/ssh/remote.ts';
import { SshHome } from '../../support/ssh-client.ts';
import {
  answer,
  generateKey,
  type ExecHandler,
  startSshServer,
  type TestServer,
  type TestServerOptions,
} from '../../support/ssh-server.ts';

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

async function connect(options: TestServerOptions, connecting: Partial<ConnectOptions> = {}): Promise<Remote> {
  server = await startSshServer({ authorizedKeys: [key], ...options });
  await home.trust(server);
  const privateKeyFile = await home.write('key', key.private);
  return home.connector(connecting).connect(home.host('h1', server.port, { privateKeyFile }));
}

/** Reads all of stdin, then answers. */
const afterStdin =
  (reply: (channel: ServerChannel, stdin: Buffer) => void): ExecHandler =>
  (channel) => {
    const chunks: Buffer[] = [];
    channel.on('data', (chunk: Buffer) => chunks.push(chunk));
    channel.on('end', () => reply(channel, Buffer.concat(chunks)));
  };
const never: ExecHandler = () => undefined;

async function failure(working: Promise<unknown>): Promise<{ kind: string; message: string }> {
  const error: unknown = await working.catch((reason: unknown) => reason);
  if (!(error instanceof RemoteError)) throw new Error(`no RemoteError: ${String(error)}`);
  return { kind: error.kind, message: error.message };
}

describe('a command', () => {
  test('is quoted once, gets its stdin, and gives stdout, stderr and exit code', async () => {
    const remote = await connect({ exec: afterStdin((channel, stdin) => answer(channel, stdin, 3, 'careful\n')) });
    const { durationMs, ...result } = await remote.exec(['echo', "it's", 'a b', '$HOME', ''], { stdin: 'häß 🚢' });
    expect(result).toEqual({ exitCode: 3, stdout: 'häß 🚢', stderr: 'careful\n' });
    expect(durationMs).toBeGreaterThanOrEqual(0);
    expect(server?.commands).toEqual([String.raw`echo 'it'\''s' 'a b' '$HOME' ''`]);
  });

  test('without stdin reads nothing', async () => {
    const remote = await connect({ exec: afterStdin((channel, stdin) => answer(channel, `${stdin.length}`)) });
    expect(await remote.exec(['cat'])).toMatchObject({ stdout: '0', exitCode: 0 });
  });

  test('that a signal ended exits with 128 and its number', async () => {
    const remote = await connect({
      exec: (channel) => {
        channel.exit('KILL');
        channel.end();
      },
    });
    expect(await remote.exec(['sleep', '9'])).toMatchObject({ exitCode: 137 });
  });

  test('whose channel closes without a status has not succeeded', async () => {
    const remote = await connect({ exec: (channel) => channel.end('output') });
    expect(await failure(remote.exec(['true']))).toEqual({
      kind: 'connection_lost',
      message: `127.0.0.1 port ${server?.port ?? 0} broke off the command's answer, without an exit status.`,
    });
  });

  test('may not hold a NUL byte', async () => {
    const remote = await connect({});
    await expect(remote.exec(['echo', 'a\0b'])).rejects.toThrow(
      String.raw`a command's argument holds a NUL byte: "a\u0000b"`,
    );
    expect(server?.commands).toEqual([]);
  });

  test('with much output keeps the first of stdout and the last of stderr, whole characters only', async () => {
    const remote = await connect({
      exec: (channel) => {
        const ships = '🚢'.repeat(200_000);
        channel.write(ships, () => {
          channel.stderr.write(`${ships}end`, () => answer(channel, ''));
        });
      },
    });
    const { stdout, stderr } = await remote.exec(['ships'], { maxOutputBytes: 10 });
    expect({ stdout, stderr }).toEqual({ stdout: '🚢🚢', stderr: '🚢end' });
  });

  test('is no stranger to characters that are cut between packets', async () => {
    const bytes = Buffer.from('grüße 🚢');
    const remote = await connect({
      exec: (channel) => {
        for (const byte of bytes) channel.write(Buffer.of(byte));
        answer(channel, '');
      },
    });
    expect(await remote.exec(['greet'])).toMatchObject({ stdout: 'grüße 🚢' });
  });
});

describe('a deadline', () => {
  test('is kept by the host as well, a little earlier', async () => {
    const remote = await connect({});
    await remote.exec(['docker', 'ps'], { timeoutMs: 30_000 });
    await remote.exec(['true'], { timeoutMs: 200 });
    expect(server?.commands).toEqual(['timeout -k 5 29 docker ps', 'timeout -k 5 1 true']);
  });

  test('that passes ends the wait, with the command’s name', async () => {
    const remote = await connect({ exec: never });
    const argv = ['sh', '-c', 'a long text', 'rollout-observe', 'app'];
    expect(await failure(remote.exec(argv, { timeoutMs: 20 }))).toEqual({
      kind: 'timeout',
      message: 'rollout-observe app did not end within 0.02 s.',
    });
  });

  test('that the host kept is one too', async () => {
    let nowMs = 0;
    const clock: Clock = { now: () => nowMs, sleep: () => new Promise(() => undefined) };
    const remote = await connect(
      {
        exec: (channel) => {
          nowMs += 9000;
          answer(channel, '', 124);
        },
      },
      { clock },
    );
    expect(await failure(remote.exec(['sleep', '99'], { timeoutMs: 10_000 }))).toEqual({
      kind: 'timeout',
      message: 'sleep 99 did not end within 10 s.',
    });
  });

  test('is not what a command means that exits with 124 by itself', async () => {
    const remote = await connect({ exec: (channel) => answer(channel, '', 124) });
    expect(await remote.exec(['odd'], { timeoutMs: 10_000 })).toMatchObject({ exitCode: 124 });
  });

  test('also counts the wait for a turn', async () => {
    const remote = await connect({ exec: never });
    for (let count = 0; count < 8; count++) await remote.spawn(['logs']);
    expect(await failure(remote.exec(['true'], { timeoutMs: 20 }))).toMatchObject({ kind: 'timeout' });
    expect(server?.commands).toHaveLength(8);
  });
});

test('an aborted command rejects with the reason, and its turn is free again', async () => {
  const remote = await connect({ exec: (channel, command) => (command === 'true' ? answer(channel, '') : undefined) });
  const aborter = new AbortController();
  const running = Array.from({ length: 8 }, () => remote.exec(['sleep', '99'], { signal: aborter.signal }));
  const queued = remote.exec(['never'], { signal: aborter.signal });
  const settled = Promise.allSettled([...running, queued]);
  aborter.abort(new Error('enough'));
  for (const outcome of await settled)
    expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'enough' } });
  expect(await remote.exec(['true'])).toMatchObject({ exitCode: 0 });
  expect(server?.commands).not.toContain('never');
  await expect(remote.exec(['true'], { signal: aborter.signal })).rejects.toThrow('enough');
});

test('a command that is aborted while its channel opens gives its turn back', async () => {
  const remote = await connect({ exec: (channel, command) => (command === 'true' ? answer(channel, '') : undefined) });
  for (let count = 0; count < 12; count++) {
    const aborter = new AbortController();
    const running = remote.exec(['sleep', '99'], { signal: aborter.signal });
    setImmediate(() => aborter.abort(new Error('enough')));
    await expect(running).rejects.toThrow('enough');
  }
  expect(await remote.exec(['true'])).toMatchObject({ exitCode: 0 });
});

describe('channels', () => {
  test('are eight at most, and the rest wait in order', async () => {
    const held: ServerChannel[] = [];
    let [most, left] = [0, 30];
    const remote = await connect({
      exec: (channel) => {
        most = Math.max(most, held.push(channel));
        // Answered only once eight are open, or all that are left: how fast they open does not matter.
        if (held.length < Math.min(8, left)) return;
        setImmediate(() => {
          left -= held.length;
          for (const open of held.splice(0)) answer(open, '');
        });
      },
    });
    await Promise.all(Array.from({ length: 30 }, (_, index) => remote.exec(['run', String(index)])));
    expect(most).toBe(8);
    expect(server?.commands).toEqual(Array.from({ length: 30 }, (_, index) => `run ${index}`));
  });

  test('that the server refuses lower the limit, and every command runs once', async () => {
    const remote = await connect({
      maxSessions: 3,
      exec: (channel) => setImmediate(() => answer(channel, '')),
    });
    const lasting = await remote.spawn(['hold']);
    const commands = Array.from({ length: 20 }, (_, index) => `run ${index}`);
    await Promise.all(commands.map((command) => remote.exec(command.split(' '))));
    expect(server?.commands.toSorted()).toEqual(['hold', ...commands].toSorted());
    lasting.close();
  });

  test('that are all taken for good are an error, not a wait without end', async () => {
    const remote = await connect({ maxSessions: 1, exec: never });
    await remote.spawn(['hold']);
    expect(await failure(remote.exec(['true']))).toEqual({
      kind: 'channel_refused',
      message: `127.0.0.1 port ${server?.port ?? 0} opens no further session on this connection: (SSH) Channel open failure: .`,
    });
  });
});

describe('a connection that is lost', () => {
  test('fails what runs and what waits, once, and says so', async () => {
    const remote = await connect({ exec: never });
    const running = Array.from({ length: 12 }, () => failure(remote.exec(['sleep', '99'])));
    const waiting = failure(remote.spawn(['follow']));
    server?.sockets[0]?.destroy();
    const lost = {
      kind: 'connection_lost',
      message: `the connection to 127.0.0.1 port ${server?.port ?? 0} was lost: the server closed it.`,
    };
    expect(await Promise.all(running)).toEqual(running.map(() => lost));
    expect(await waiting).toEqual(lost);
    expect(await remote.closed).toMatchObject(lost);
    expect(await failure(remote.exec(['true']))).toEqual(lost);
    expect(await failure(remote.openTcp(80))).toEqual(lost);
  });

  test('also ends a process whose output nobody reads', async () => {
    const remote = await connect({ exec: (channel) => channel.write('unread') });
    const process = await remote.spawn(['follow']);
    server?.sockets[0]?.destroy();
    expect(await failure(process.exited)).toMatchObject({ kind: 'connection_lost' });
  });

  test('without a sign is noticed by its silence', async () => {
    const remote = await connect({ exec: never }, { keepalive: { intervalMs: 15, countMax: 2 } });
    const running = failure(remote.exec(['sleep', '99']));
    server?.sockets[0]?.pause();
    expect(await running).toEqual({
      kind: 'connection_lost',
      message: `the connection to 127.0.0.1 port ${server?.port ?? 0} was lost: it no longer answers.`,
    });
  });
});

test('a connection to a dead peer is closed without waiting for it', async () => {
  const remote = await connect({}, { keepalive: { intervalMs: 60_000, countMax: 2 } });
  server?.sockets[0]?.pause();
  await remote.close();
  expect(await remote.closed).toBeUndefined();
});

describe('a process', () => {
  test('gives its output as it comes, and ends when its stdin does', async () => {
    const remote = await connect({
      exec: (channel) => {
        channel.write('line 1\n');
        channel.on('data', (chunk: Buffer) => channel.write(`got ${chunk.toString()}`));
        channel.on('end', () => answer(channel, 'bye', 4));
      },
    });
    const process = await remote.spawn(['follow']);
    const [first] = (await once(process.stdout, 'data')) as [Buffer];
    process.stdin.write('x');
    const [second] = (await once(process.stdout, 'data')) as [Buffer];
    process.stdin.end();
    const [third] = (await once(process.stdout, 'data')) as [Buffer];
    expect([first, second, third].map(String)).toEqual(['line 1\n', 'got x', 'bye']);
    expect(await process.exited).toBe(4);
  });

  test.each([
    ['a line', 'line 1\n', 0],
    ['nothing', '', 0],
    ['more than a stream holds', 'x'.repeat(100_000), 0],
    ['a line of a command that fails', 'Error: No such container: app\n', 1],
  ])('whose output is read only after its channel has closed has ended all the same: %s', async (_, text, code) => {
    const remote = await connect({
      exec: (channel, command) => answer(channel, command === 'true' ? '' : text, code),
    });
    const process = await remote.spawn(['logs']);
    // What comes later on the connection has been told after everything that came before it.
    for (let count = 0; count < 3; count++) await remote.exec(['true']);
    let read = '';
    for await (const chunk of process.stdout) read += String(chunk);
    expect({ isWhole: read === text, exitCode: await process.exited }).toEqual({ isWhole: true, exitCode: code });
  });

  test('whose answer is whole has ended, though the connection is lost before anybody reads it', async () => {
    const remote = await connect({ exec: (channel, command) => answer(channel, command === 'true' ? '' : 'all', 0) });
    const process = await remote.spawn(['logs']);
    await remote.exec(['true']);
    server?.sockets[0]?.destroy();
    await remote.closed;
    expect(await process.exited).toBe(0);
    expect(String(process.stdout.read())).toBe('all');
  });
});

describe('a TCP connection through the host', () => {
  test('carries HTTP', async () => {
    const web = createServer((request, response) => response.end(`hello ${request.url ?? ''}`)).listen(0, '127.0.0.1');
    await once(web, 'listening');
    const { port } = web.address() as AddressInfo;
    const remote = await connect({});
    const agent = new Agent();
    agent.createConnection = (_options, callback) => {
      remote.openTcp(port).then(
        (stream) => callback?.(null, stream),
        (error: unknown) => callback?.(error as Error, new Duplex()),
      );
      return undefined;
    };
    const body = await got(`http://h1.test:${port}/health`, {
      agent: { http: agent },
      timeout: { request: 5000 },
    }).text();
    expect(body).toBe('hello /health');
    agent.destroy();
    web.close();
    await once(web, 'close');
  });

  test('to where nothing listens is refused, and the connection goes on', async () => {
    const remote = await connect({});
    const gone = createServer().listen(0, '127.0.0.1');
    await once(gone, 'listening');
    const { port } = gone.address() as AddressInfo;
    gone.close();
    await once(gone, 'close');
    expect(await failure(remote.openTcp(port))).toMatchObject({
      kind: 'channel_refused',
      message: expect.stringContaining(`nothing answers at 127.0.0.1 port ${port}, as seen from 127.0.0.1`) as string,
    });
    expect(await remote.exec(['true'])).toMatchObject({ exitCode: 0 });
  });
});
