import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { startLoad, type Load } from '../../../src/sandbox/load.ts';

const soon = { timeout: 5_000, interval: 5 };
let server: Server | TcpServer | undefined;

async function listen(listening: Server | TcpServer): Promise<string> {
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}/`;
}
afterEach(() => new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve))));

const until = (load: Load, requests: number): Promise<void> =>
  expect.poll(() => load.counts.requests, soon).toBeGreaterThanOrEqual(requests);

/** Answers each request on a connection by the given lines; `undefined` closes it without an answer. */
function scripted(answers: readonly (string | undefined)[]): { server: TcpServer; connections: () => number } {
  let nth = 0;
  let connections = 0;
  const serve = (socket: Socket): void => {
    connections += 1;
    socket.on('error', () => undefined);
    socket.on('data', () => {
      const answer = answers[Math.min(nth, answers.length - 1)];
      nth += 1;
      if (answer === undefined) socket.destroy();
      else socket.write(answer);
    });
  };
  return { server: createTcpServer(serve), connections: () => connections };
}

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-App-Version: 7\r\n\r\nok';

test('every request is answered, counted by version, and timed; the slow ones apart', async () => {
  const url = await listen(
    createServer((request, response) => {
      response.setHeader('X-App-Version', request.url === '/' ? '1' : '2');
      setTimeout(() => response.end('ok'), request.url === '/' ? 0 : 1000);
    }),
  );
  const load = startLoad({ url, connections: 4, slowShare: 0.25, slowMs: [1000, 1000], thinkMs: 1 });
  await until(load, 40);
  const report = await load.stop();
  expect(report).toMatchObject({ failed: 0, retries: 0, failures: [], ok: report.requests });
  expect(Object.keys(report.byVersion).sort()).toEqual(['1', '2']);
  // Half of them would have to wait as long as a slow one is made to.
  expect(report.p50Ms).toBeLessThan(1000);
});

test('a kept connection that was closed meanwhile is no failure: the request is sent once more, and that is counted', async () => {
  const { server: listening, connections } = scripted([ok, undefined, ok]);
  const load = startLoad({ url: await listen(listening), connections: 1, slowShare: 0, thinkMs: 1 });
  await until(load, 5);
  const report = await load.stop();
  expect({ ...report, requests: 0, ok: 0, durationMs: 0, byVersion: 0, p50Ms: 0, p99Ms: 0 }).toEqual({
    requests: 0,
    ok: 0,
    failed: 0,
    retries: 1,
    durationMs: 0,
    failures: [],
    byVersion: 0,
    p50Ms: 0,
    p99Ms: 0,
  });
  expect(connections()).toBe(2);
});

test('a new connection that is cut, an answer that breaks off, and an error status are failures', async () => {
  const half = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf';
  for (const [answers, failure] of [
    [[undefined], { kind: 'reset', path: '/' }],
    [['HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n'], { kind: 'status', status: 500, path: '/' }],
  ] as const) {
    const { server: listening } = scripted(answers);
    const load = startLoad({ url: await listen(listening), connections: 1, slowShare: 0, keepAlive: false });
    await until(load, 2);
    const { failures } = await load.stop();
    expect(failures[0]).toEqual({ atMs: expect.any(Number) as number, ...failure });
    await new Promise((resolve) => listening.close(resolve));
  }
  const breaking = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write(half, () => socket.destroy()));
  });
  const load = startLoad({ url: await listen(breaking), connections: 1, slowShare: 0 });
  await until(load, 1);
  expect((await load.stop()).failures[0]).toMatchObject({ kind: 'reset' });
});

test('a request without an answer is a timeout', async () => {
  const sockets = new Set<Socket>();
  const url = await listen(createTcpServer((socket) => sockets.add(socket.on('error', () => undefined))));
  const load = startLoad({ url, connections: 1, slowShare: 0, timeoutMs: 20 });
  await until(load, 1);
  const { failures } = await load.stop();
  for (const socket of sockets) socket.destroy();
  expect(failures[0]).toMatchObject({ kind: 'timeout', path: '/' });
});
