import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectTo, exec, openChannel } from '../support/sandbox-ssh-client.ts';
import { startSandboxFleet, type SandboxFleet } from '../support/sandbox-fleet.ts';

let fleet: SandboxFleet;

beforeAll(async () => {
  fleet = await startSandboxFleet({ hosts: 2, delayFactor: 0 });
  const image = await fleet.publish('shop/app', '1');
  for (const host of fleet.hosts) {
    await fleet.docker(host, ['pull', '-q', image]);
    await fleet.docker(host, ['create', '--name', 'app', '-p', '8080:8080', '--restart', 'always', image]);
    await fleet.docker(host, ['start', 'app']);
  }
});
afterAll(() => fleet.close());

test('a command comes back with its exit code, stdout and stderr', async () => {
  const client = await connectTo(fleet.sandbox, 'h1');
  const ran = [
    await exec(client, "echo 'it'\\''s fine'"),
    await exec(client, 'timeout -k 5 9 sudo -n -H -u root -- docker start missing'),
    await exec(client, "sh -c 'echo out; echo err >&2; exit 4' rollout-unknown"),
    await exec(client, "sh -c 'echo out; echo err >&2; exit 4'"),
    await exec(client, 'rm -rf /'),
    await exec(client, 'echo $HOME'),
    await exec(client, 'cat', 'from stdin'),
    await exec(client, 'timeout -k 5 0.01 sleep 5'),
  ];
  client.end();
  expect(ran).toEqual([
    { code: 0, stdout: "it's fine\n", stderr: '' },
    {
      code: 1,
      stdout: '',
      stderr: 'Error response from daemon: No such container: missing\nError: failed to start containers: missing\n',
    },
    {
      code: 127,
      stdout: '',
      stderr: expect.stringMatching(/^sandbox: no script rollout-unknown; known are rollout-survey, .*\n$/) as string,
    },
    { code: 4, stdout: 'out\n', stderr: 'err\n' },
    { code: 127, stdout: '', stderr: 'sh: 1: rm: not found\n' },
    {
      code: 127,
      stdout: '',
      stderr: 'sandbox: only simple commands with quoted words are understood, not: echo $HOME\n',
    },
    { code: 0, stdout: 'from stdin', stderr: '' },
    { code: 124, stdout: '', stderr: '' },
  ]);
});

test('only the right user with the right key gets in', async () => {
  await expect(connectTo(fleet.sandbox, 'h1', 'somebody')).rejects.toThrow(
    'All configured authentication methods failed',
  );
});

test('the eleventh session on a connection is refused, and room is made by one that ends', async () => {
  const client = await connectTo(fleet.sandbox, 'h1');
  const held = await Promise.all(Array.from({ length: 10 }, () => openChannel(client, 'cat')));
  await expect(openChannel(client, 'true')).rejects.toThrow('Channel open failure');
  const [first] = held;
  first?.resume().end();
  await once(first ?? client, 'close');
  expect((await exec(client, 'true')).code).toBe(0);
  client.end();
});

test('a published port is reached through the connection, an unpublished one is refused', async () => {
  const client = await connectTo(fleet.sandbox, 'h1');
  const answer = await new Promise<string>((resolve, reject) => {
    client.forwardOut('127.0.0.1', 0, '127.0.0.1', 8080, (error, stream) => {
      if (error) {
        reject(error);
        return;
      }
      let text = '';
      stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
      stream.on('close', () => resolve(text));
      stream.write('GET /ready HTTP/1.1\r\nConnection: close\r\n\r\n');
    });
  });
  expect(answer).toBe(
    'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\nConnection: close\r\nX-App-Version: 1\r\n\r\nready\n',
  );
  const refused = new Promise((resolve) => {
    client.forwardOut('127.0.0.1', 0, '127.0.0.1', 9999, (error) => resolve(error?.message));
  });
  expect(await refused).toBe('(SSH) Channel open failure: ');
  client.end();
});

test('the lock is held as long as stdin is open, one holder at a time, also when the connection is cut', async () => {
  const [first, second] = [await connectTo(fleet.sandbox, 'h1'), await connectTo(fleet.sandbox, 'h1')];
  const held = await openChannel(first, 'sh -c text rollout-lock 0 run-1 going-on mark');
  const [greeting] = (await once(held, 'data')) as [Buffer];
  const refused = await exec(second, 'sh -c text rollout-lock 0 run-2 going-on mark');
  first.destroy();
  let retried = await exec(second, 'sh -c text rollout-lock 0 run-2 going-on mark');
  while (retried.code !== 0) retried = await exec(second, 'sh -c text rollout-lock 0 run-2 going-on mark');
  second.end();
  expect([greeting.toString(), refused, retried]).toEqual([
    'held\n',
    { code: 75, stdout: 'busy ? ? rollout.lock run-1\n', stderr: '' },
    { code: 0, stdout: 'held\nmark bye\n', stderr: '' },
  ]);
});

test('a power failure resets connections; afterwards the host is back with what its restart policies start', async () => {
  const client = await connectTo(fleet.sandbox, 'h2');
  await fleet.docker('h2', ['stop', 'app']);
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
  await fleet.hostDown('h2');
  await closed;
  await expect(connectTo(fleet.sandbox, 'h2')).rejects.toThrow('ECONNREFUSED');
  await fleet.hostUp('h2');
  const again = await connectTo(fleet.sandbox, 'h2');
  expect(await exec(again, "docker ps -a --format '{{.Names}} {{.State}}'")).toEqual({
    code: 0,
    stdout: 'app running\n',
    stderr: '',
  });
  again.end();
});

test('a partition silences open connections without closing them, and healing lets them go on', async () => {
  const client = await connectTo(fleet.sandbox, 'h2');
  await fleet.partition('h2');
  let isAnswered = false;
  const answered = exec(client, 'true').then(() => (isAnswered = true));
  await fleet.docker('h2', ['ps']);
  expect(isAnswered).toBe(false);
  await fleet.heal('h2');
  await answered;
  client.end();
});
