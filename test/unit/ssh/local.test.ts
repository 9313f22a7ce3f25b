import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Remote } from '../../../src/ssh/remote.ts';
import { SshHome } from '../../support/ssh-client.ts';

let home: SshHome;
let remote: Remote;

beforeEach(async () => {
  home = await SshHome.create();
  remote = await home
    .connector({ env: process.env })
    .connect({ name: 'h1', groups: [], vars: {}, connection: { kind: 'local' } });
});
afterEach(() => home.close());

/** This machine's own node: the one program that is on every platform. */
const node = (program: string, ...args: string[]): readonly string[] => [
  process.execPath,
  '-e',
  program,
  '--',
  ...args,
];

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function untilGone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('a host that is this machine', () => {
  test('runs commands without a shell in between', async () => {
    const echo =
      'process.stdin.pipe(process.stdout); process.stderr.write(process.argv.slice(1).join("|")); process.exitCode = 3';
    const { durationMs: _durationMs, ...result } = await remote.exec(node(echo, '$HOME', "it's"), { stdin: 'grüße' });
    expect(result).toEqual({ exitCode: 3, stdout: 'grüße', stderr: "$HOME|it's" });
  });

  test('tells of a command that is not there', async () => {
    await expect(remote.exec(['no-such-command-here'])).rejects.toMatchObject({
      kind: 'channel_refused',
      message: 'cannot run no-such-command-here: spawn no-such-command-here ENOENT.',
    });
  });

  test.skipIf(process.platform === 'win32')('ends a command and its children at the deadline', async () => {
    const process_ = await remote.spawn(['sh', '-c', 'sleep 60 & echo $!; echo $$; wait']);
    let output = '';
    for await (const chunk of process_.stdout) {
      output += String(chunk);
      if (output.split('\n').length > 2) break;
    }
    const [child, parent] = output.trim().split('\n').map(Number);
    process_.close();
    expect(await process_.exited).toBe(143);
    await untilGone(child ?? 0);
    expect([isAlive(child ?? 0), isAlive(parent ?? 0)]).toEqual([false, false]);
  });

  test('ends what still runs when it is closed', async () => {
    const running = await remote.spawn(node('setInterval(() => {}, 1000)'));
    await remote.close();
    expect(await running.exited).toBe(143);
    expect(await remote.closed).toBeUndefined();
  });

  test('opens TCP connections', async () => {
    const server = createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const stream = await remote.openTcp(port);
    const [chunk] = (await once(stream, 'data')) as [Buffer];
    expect(chunk.toString()).toBe('hello');
    stream.destroy();
    server.close();
    await once(server, 'close');
    await expect(remote.openTcp(port)).rejects.toMatchObject({
      kind: 'channel_refused',
      message: `nothing answers at 127.0.0.1 port ${port} (connect ECONNREFUSED 127.0.0.1:${port}).`,
    });
  });
});
