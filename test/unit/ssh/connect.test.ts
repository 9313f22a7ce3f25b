import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RemoteError } from '../../../src/ssh/remote.ts';
import { fingerprint, formatKnownHost } from '../../../src/ssh/known-hosts.ts';
import { knownHostLines, SshHome } from '../../support/ssh-client.ts';
import {
  generateKey,
  publicKey,
  startSshServer,
  type TestServer,
  type TestServerOptions,
} from '../../support/ssh-server.ts';

const key = generateKey();
const closing: { close(): unknown }[] = [];
let home: SshHome;
let privateKeyFile: string;

beforeEach(async () => {
  home = await SshHome.create();
  privateKeyFile = await home.write('key', key.private);
});
afterEach(async () => {
  await home.close();
  await Promise.all(closing.splice(0).map((server) => server.close()));
});

async function serve(options: TestServerOptions = {}): Promise<TestServer> {
  const server = await startSshServer({ authorizedKeys: [key], ...options });
  closing.push(server);
  return server;
}

async function listen(server: Server): Promise<number> {
  closing.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function failure(
  connecting: Promise<unknown>,
): Promise<{ kind: string; message: string; hint: string | undefined }> {
  const error: unknown = await connecting.catch((reason: unknown) => reason);
  if (!(error instanceof RemoteError)) throw new Error(`no RemoteError: ${String(error)}`);
  expect(error.host).toBe('h1');
  return { kind: error.kind, message: error.message, hint: error.hint };
}

describe('a host that cannot be reached', () => {
  test('with nothing listening is refused at once', async () => {
    const gone = await startSshServer();
    await gone.close();
    expect(await failure(home.connector().connect(home.host('h1', gone.port)))).toEqual({
      kind: 'unreachable',
      message: `127.0.0.1 port ${gone.port} cannot be reached: connection refused.`,
      hint: 'The host is up, but no SSH server listens there. Check ansible_port, and sshd on the host.',
    });
  });

  test('and says nothing is given up at the deadline', async () => {
    const port = await listen(createServer(() => undefined));
    const connector = home.connector({ connectTimeoutMs: 60 });
    expect(await failure(connector.connect(home.host('h1', port)))).toEqual({
      kind: 'unreachable',
      message: `127.0.0.1 port ${port} did not answer within 0.06 s.`,
      hint: 'Is the host up, its address right, and does a firewall drop the packets?',
    });
  });

  test('and is no SSH server is told so', async () => {
    const port = await listen(createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
    expect(await failure(home.connector().connect(home.host('h1', port)))).toMatchObject({
      kind: 'handshake_failed',
      hint: 'Is it an SSH server, and does its log (MaxStartups, AllowUsers, hosts.deny, fail2ban) say why?',
    });
  });

  test('but drops handshakes while it is busy is tried again, with jitter', async () => {
    const server = await serve();
    await home.trust(server);
    const delaysMs: number[] = [];
    let dropped = 0;
    const port = await listen(
      createServer((socket) => {
        if (dropped < 3) {
          dropped++;
          socket.destroy();
        } else {
          server.injectSocket(socket);
        }
      }),
    );
    await home.write('known_hosts', knownHostLines('127.0.0.1', port, server.hostKeys));
    const connector = home.connector({
      random: () => 0.5,
      clock: {
        now: () => 0,
        sleep: (delayMs, signal) => {
          if (delayMs < 5000) {
            delaysMs.push(delayMs);
            return Promise.resolve();
          }
          return new Promise((_resolve, reject) => {
            signal?.addEventListener('abort', () => reject(new Error('aborted')));
          });
        },
      },
    });
    await connector.connect(home.host('h1', port, { privateKeyFile }));
    expect(delaysMs).toEqual([200, 400, 800]);
  });

  test('and drops every handshake is given up after five', async () => {
    let connections = 0;
    const port = await listen(
      createServer((socket) => {
        connections++;
        socket.destroy();
      }),
    );
    expect(await failure(home.connector().connect(home.host('h1', port)))).toEqual({
      kind: 'handshake_failed',
      message: `127.0.0.1 port ${port} closed the connection before the handshake.`,
      hint: 'Is it an SSH server, and does its log (MaxStartups, AllowUsers, hosts.deny, fail2ban) say why?',
    });
    expect(connections).toBe(5);
  });
});

describe('a host key', () => {
  test('that is unknown is refused, with its fingerprint and the line that would trust it', async () => {
    const server = await serve();
    const [hostKey] = server.hostKeys;
    const base64 = hostKey?.blob.toString('base64') ?? '';
    const print = fingerprint(hostKey?.blob ?? Buffer.of());
    expect(await failure(home.connector().connect(home.host('h1', server.port, { privateKeyFile })))).toEqual({
      kind: 'host_key_unknown',
      message: `127.0.0.1 port ${server.port} is not in known_hosts. It shows the ED25519 key ${print}.`,
      hint:
        "Compare the fingerprint on the host's console (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub); if it is the same, trust it with:\n" +
        `  echo '[127.0.0.1]:${server.port} ssh-ed25519 ${base64}' >> ${home.path('known_hosts')}\n` +
        'or run again with --accept-new, which trusts every host that is seen for the first time.',
    });
    expect(server.attempts).toEqual([]);
  });

  test('that is unknown where ~/.ssh is not there yet: the line makes the folder, for its user alone', async () => {
    const server = await serve();
    const folder = home.path('nobody/.ssh');
    const host = home.host('h1', server.port, { privateKeyFile, userKnownHostsFile: `${folder}/known_hosts` });
    const { hint = '' } = await failure(home.connector().connect(host));
    const [, line = ''] = /^ {2}(mkdir .*)$/m.exec(hint) ?? [];
    await promisify(execFile)('sh', ['-c', line]);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(hint).toContain(`  mkdir -p -m 700 ${folder} && echo '[127.0.0.1]:${server.port} ssh-ed25519 `);
    await home.connector().connect(host);
  });

  test.each([
    ['--accept-new', { acceptNew: true }, {}],
    ['accept-new in the inventory', {}, { strictHostKeyChecking: 'accept-new' }],
    ['checking switched off', {}, { strictHostKeyChecking: 'no' }],
  ])('that is unknown is remembered with %s', async (_what, options, settings) => {
    const server = await serve();
    const notices: string[] = [];
    const connector = home.connector({ ...options, onNotice: (host, message) => notices.push(`${host} ${message}`) });
    await connector.connect(home.host('h1', server.port, { privateKeyFile, ...settings }));
    expect(await readFile(home.path('known_hosts'), 'utf8')).toBe(
      knownHostLines('127.0.0.1', server.port, server.hostKeys),
    );
    expect(notices).toEqual([
      `h1 trusts the new host key of [127.0.0.1]:${server.port}, ${fingerprint(server.hostKeys[0]?.blob ?? Buffer.of())}, from now on (${home.path('known_hosts')}).`,
    ]);
    await home.connector().connect(home.host('h1', server.port, { privateKeyFile }));
  });

  test('that is unknown is not remembered when the server does not let the user in', async () => {
    const server = await serve({ authorizedKeys: [] });
    const connector = home.connector({ acceptNew: true });
    expect(await failure(connector.connect(home.host('h1', server.port, { privateKeyFile })))).toMatchObject({
      kind: 'auth_failed',
    });
    await expect(readFile(home.path('known_hosts'), 'utf8')).rejects.toThrow('ENOENT');
  });

  test.each(['yes', 'accept-new', 'no'])(
    'that changed is refused with both fingerprints, also with StrictHostKeyChecking=%s',
    async (strictHostKeyChecking) => {
      const server = await serve();
      const old = generateKey();
      await home.write('known_hosts', `# ours\n${knownHostLines('127.0.0.1', server.port, [old])}`);
      const shown = fingerprint(server.hostKeys[0]?.blob ?? Buffer.of());
      const connector = home.connector({ acceptNew: strictHostKeyChecking === 'accept-new' });
      const host = home.host('h1', server.port, { privateKeyFile, strictHostKeyChecking });
      expect(await failure(connector.connect(host))).toEqual({
        kind: 'host_key_changed',
        message:
          `THE HOST KEY OF 127.0.0.1 port ${server.port} HAS CHANGED. Someone may be listening in, or the host was reinstalled.\n` +
          `  shown: ED25519 key ${shown}\n` +
          `  known: ED25519 key ${fingerprint(old.blob)}, ${home.path('known_hosts')}:2` +
          (strictHostKeyChecking === 'no'
            ? '\nStrictHostKeyChecking=no is read as accept-new: a key that changed is refused all the same.'
            : ''),
        hint:
          'If the host was reinstalled, check the new fingerprint on its console (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then type:\n' +
          `  ssh-keygen -R '[127.0.0.1]:${server.port}' -f ${home.path('known_hosts')}\n` +
          'and trust the new key. If not, somebody may be listening in: do not connect.',
      });
      expect(server.attempts).toEqual([]);
    },
  );

  test('of another type than the known ones counts as changed', async () => {
    const server = await serve();
    await home.write('known_hosts', knownHostLines('127.0.0.1', server.port, [generateKey('ecdsa')]));
    const connector = home.connector({ acceptNew: true });
    expect(await failure(connector.connect(home.host('h1', server.port, { privateKeyFile })))).toMatchObject({
      kind: 'host_key_changed',
    });
  });

  test.each(['ecdsa', 'rsa'] as const)(
    'of the type that is known (%s) is asked for, where a server has several',
    async (type) => {
      const known = generateKey(type);
      const server = await serve({ hostKeys: [generateKey(), known, generateKey(type === 'rsa' ? 'ecdsa' : 'rsa')] });
      await home.write('known_hosts', knownHostLines('127.0.0.1', server.port, [known]));
      await home.connector().connect(home.host('h1', server.port, { privateKeyFile }));
    },
  );

  test('that is revoked is refused, though it is known', async () => {
    const server = await serve();
    const [hostKey] = server.hostKeys;
    const known = knownHostLines('127.0.0.1', server.port, server.hostKeys);
    const revoked = formatKnownHost('*', hostKey?.blob ?? Buffer.of());
    await home.write('known_hosts', `${known}@revoked ${revoked}`);
    expect(await failure(home.connector().connect(home.host('h1', server.port, { privateKeyFile })))).toEqual({
      kind: 'host_key_revoked',
      message: `127.0.0.1 port ${server.port} shows a revoked host key: ED25519 key ${fingerprint(hostKey?.blob ?? Buffer.of())}, marked @revoked at ${home.path('known_hosts')}:2.`,
      hint: 'Do not connect. Find out why the key was revoked, and give the host a new one.',
    });
  });

  test('known for the bare host is good on another port, as for ssh', async () => {
    const server = await serve();
    await home.write('known_hosts', formatKnownHost('127.0.0.1', server.hostKeys[0]?.blob ?? Buffer.of()));
    await home.connector().connect(home.host('h1', server.port, { privateKeyFile }));
  });

  test('is judged again at a rekey, the same way', async () => {
    const server = await serve();
    const connector = home.connector({ acceptNew: true });
    const remote = await connector.connect(home.host('h1', server.port, { privateKeyFile }));
    const [connection] = server.connections;
    await new Promise<void>((resolve) => connection?.rekey(resolve));
    expect(await remote.exec(['true'])).toMatchObject({ exitCode: 0 });
    expect(await readFile(home.path('known_hosts'), 'utf8')).toBe(
      knownHostLines('127.0.0.1', server.port, server.hostKeys),
    );
  });

  test.each([false, true])(
    'that is another one at a rekey ends the connection, before a command goes through it (accept-new: %s)',
    async (acceptNew) => {
      const server = await serve();
      if (!acceptNew) await home.write('known_hosts', knownHostLines('127.0.0.1', server.port, server.hostKeys));
      const connector = home.connector({ acceptNew });
      const remote = await connector.connect(home.host('h1', server.port, { privateKeyFile }));
      expect(await remote.exec(['true'])).toMatchObject({ exitCode: 0 });
      const [connection] = server.connections;
      showAnotherKey(connection);
      const closed = new Promise<void>((resolve) => connection?.once('close', () => resolve()));
      connection?.rekey();
      const { kind } = await failure(closed.then(() => remote.exec(['false'])));
      expect(kind).toBe('connection_lost');
      expect(server.commands).toEqual(['true']);
      // What known_hosts says has not changed either.
      expect(await readFile(home.path('known_hosts'), 'utf8')).toBe(
        knownHostLines('127.0.0.1', server.port, server.hostKeys),
      );
    },
  );
});

/** From now on the server signs with another key of the same type, as somebody in between would. */
function showAnotherKey(connection: unknown): void {
  // Where ssh2 keeps a server's keys, by type.
  const { _protocol: protocol } = connection as { readonly _protocol: { readonly _hostKeys: Record<string, unknown> } };
  protocol._hostKeys['ssh-ed25519'] = publicKey(generateKey().private);
}

describe('algorithms', () => {
  test.each([
    ['hmac-sha1', { hmac: ['hmac-sha1'], cipher: ['aes128-ctr'] }],
    ['CBC', { cipher: ['aes128-cbc'] }],
    ['SHA-1 key exchange', { kex: ['diffie-hellman-group14-sha1'] }],
    ['ssh-rsa host keys', { serverHostKey: ['ssh-rsa'] }],
  ] satisfies [string, TestServerOptions['algorithms']][])(
    'that are weak are not used: %s',
    async (_what, algorithms) => {
      const server = await serve({
        hostKeys: [generateKey('rsa')],
        algorithms,
      });
      expect(
        await failure(home.connector({ acceptNew: true }).connect(home.host('h1', server.port, { privateKeyFile }))),
      ).toMatchObject({
        kind: 'handshake_failed',
        message: expect.stringContaining(`127.0.0.1 port ${server.port} offers no algorithm that is safe: `) as string,
      });
    },
  );
});

test('connections that are set up at once never exceed the forks', async () => {
  let inFlight = 0;
  let most = 0;
  const server = await serve({
    authenticate: (context) => {
      inFlight++;
      most = Math.max(most, inFlight);
      setImmediate(() => {
        inFlight--;
        context.accept();
      });
    },
  });
  await home.trust(server);
  const connector = home.connector({ forks: 3 });
  const hosts = Array.from({ length: 12 }, (_, index) => home.host(`h${index}`, server.port, { privateKeyFile }));
  await Promise.all(hosts.map((host) => connector.connect(host)));
  expect(server.connectionCount()).toBe(12);
  expect(most).toBeLessThanOrEqual(3);
});

test('closing the connector closes every connection, without an error', async () => {
  const server = await serve();
  await home.trust(server);
  const connector = home.connector();
  const remotes = await Promise.all(
    [1, 2].map(() => connector.connect(home.host('h1', server.port, { privateKeyFile }))),
  );
  await connector.close();
  expect(await Promise.all(remotes.map((remote) => remote.closed))).toEqual([undefined, undefined]);
  await expect(remotes[0]?.exec(['true'])).rejects.toThrow(
    `the connection to 127.0.0.1 port ${server.port} was closed.`,
  );
});
