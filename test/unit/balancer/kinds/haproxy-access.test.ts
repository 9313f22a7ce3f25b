import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { Agent, createServer, type Server } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHttpGet } from '../../../../src/balancer/http.ts';
import { unreadable } from '../../../../src/balancer/view.ts';
import { openBalancer } from '../../../support/open-balancer.ts';
import { startTlsFront } from '../../../support/tls-front.ts';

const page = readFileSync(new URL('../../../cases/balancer/haproxy-3.2-scope.csv', import.meta.url), 'utf8');
/** As HAProxy 3.2 answers who has no login, or a wrong one. */
const refusal =
  '<html><body><h1>401 Unauthorized</h1>\nYou need a valid user and password to access this content.\n</body></html>\n';
const password = 'p@ss/1%:x';

// What `stats auth`, `stats realm` and `stats scope` make of the page.
describe('a statistics page behind stats auth', () => {
  let server: Server;
  let host: string;
  beforeAll(async () => {
    server = createServer((request, response) => {
      const given = /^Basic (.*)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
      const isLetIn = Buffer.from(given, 'base64').toString() === `ops:${password}`;
      const realm = `Basic realm="Keep out; it's mine"`;
      if (!isLetIn) response.writeHead(401, { 'www-authenticate': realm, 'content-type': 'text/html' }).end(refusal);
      else response.writeHead(200, { 'content-type': 'text/plain' }).end(page);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    host = `127.0.0.1:${portOf(server)}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const read = async (written: object): Promise<string> => {
    const balancer = openBalancer({ type: 'haproxy', backend: 'web', ...written }, ['up']);
    const view = await balancer.read();
    balancer.close();
    return (
      unreadable(view) ??
      view.readings.map((one) => `${one.balancer}: ${'servers' in one ? one.servers.size : one.error}`).join()
    );
  };
  const encoded = encodeURIComponent(password);

  test.each([
    ['in the address, encoded', () => ({ stats: `http://ops:${encoded}@${host}/stats` })],
    [
      'in the address, with a page of several options',
      () => ({ stats: `http://ops:${encoded}@${host}/stats;csv;norefresh` }),
    ],
    ['under keys of their own', () => ({ stats: `http://${host}/stats`, username: 'ops', password })],
    ['the user in the address, the password under its key', () => ({ stats: `http://ops@${host}/stats`, password })],
    [
      'under keys, above those of the address',
      () => ({ stats: `http://a:b@${host}/stats`, username: 'ops', password }),
    ],
  ])('is read with user and password %s', async (_, written) => {
    expect(await read(written())).toBe(`${host}/stats: 18`);
  });

  test.each([
    ['none', {}, 'the page asks for a user and a password: load_balancer.username and password'],
    ['a wrong one', { username: 'ops', password: 'geheim' }, 'the page does not let ops in with this password'],
    ['none for the user', { username: 'ops' }, 'the page does not let ops in with this password'],
  ])('says so where it is given %s, and never the password', async (_, keys, meaning) => {
    expect(await read({ stats: `http://${host}/stats`, ...keys })).toBe(
      `${host}/stats: answered 401 Unauthorized; ${meaning}`,
    );
    const inUrl = await read({ stats: `http://ops:geheim@${host}/stats` });
    expect(inUrl).toBe(`${host}/stats: answered 401 Unauthorized; the page does not let ops in with this password`);
  });

  test('shows a backend out of its scope for what it may be', async () => {
    expect(await read({ stats: `http://ops:${encoded}@${host}/stats`, backend: 'api' })).toBe(
      `${host}/stats: no backend api; there are stats4, web (where stats scope is set, no others are shown)`,
    );
  });
});

describe('a cache between rollout and a statistics page', () => {
  let age: string | undefined;
  let asked: (string | undefined)[];
  let server: Server;
  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(request.headers['cache-control']);
      response.writeHead(200, age === undefined ? {} : { age }).end(page);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));
  const read = async (header: string | undefined): Promise<string> => {
    age = header;
    asked = [];
    const balancer = openBalancer({ type: 'haproxy', backend: 'web', stats: `http://127.0.0.1:${portOf(server)}/` }, [
      'up',
    ]);
    const view = await balancer.read();
    balancer.close();
    return (unreadable(view) ?? 'read').replace(/^127\.0\.0\.1:\d+/, 'lb');
  };

  test.each(['1', '12', '86400'])(
    'an answer that is %s s old is none: a busy node would look drained',
    async (header) => {
      expect(await read(header)).toBe(
        `lb: a cache on the way answered, with a page ${header} s old; ask the balancer itself, or leave this address out of the cache`,
      );
    },
  );

  test.each([[undefined], ['0'], [''], ['soon']])(
    'what has the age %s is read, and caches are told to ask',
    async (header) => {
      expect(await read(header)).toBe('read');
      expect(asked).toEqual(['no-cache']);
    },
  );
});

test('a password is not sent on where a page redirects from https to http, whatever their ports', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rollout-redirect-'));
  const asked: (string | undefined)[] = [];
  const plain = createServer((request, response) => {
    asked.push(request.headers.authorization);
    response.end('in the clear');
  });
  const redirecting = createServer((_, response) =>
    response.writeHead(302, { location: 'http://localhost/stats' }).end(),
  );
  for (const server of [plain, redirecting])
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const front = await startTlsFront(folder, `http://127.0.0.1:${portOf(redirecting)}`);
  const ca = await readFile(front.certificateFile);
  // Both schemes at their usual ports, as users write them.
  const http = new Agent();
  http.createConnection = () => connect(portOf(plain), '127.0.0.1');
  const https = new TlsAgent();
  https.createConnection = () => connectTls({ port: front.port, host: '127.0.0.1', servername: 'localhost', ca });
  const get = createHttpGet({ http, https });
  try {
    await expect(get('https://localhost/stats', { username: 'ops', password: 'geheim' })).rejects.toThrow(
      'redirects from https to http, where the password would not be encrypted',
    );
    expect(asked).toEqual([]);
    expect(await get('https://localhost/stats', {})).toBe('in the clear');
    expect(asked).toEqual([undefined]);
  } finally {
    await front.close();
    for (const server of [plain, redirecting]) server.close();
    await rm(folder, { recursive: true });
  }
});

const portOf = (server: Server): number => (server.address() as AddressInfo).port;
