import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import ssh2, { type AuthContext, type ParsedKey } from 'ssh2';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Secret } from '../../../src/model/secret.ts';
import { fingerprint } from '../../../src/ssh/known-hosts.ts';
import { RemoteError } from '../../../src/ssh/remote.ts';
import { SshHome } from '../../support/ssh-client.ts';
import { generateKey, publicKey, startSshServer, type KeyPair, type TestServer } from '../../support/ssh-server.ts';

const key = generateKey();
const ecdsaKey = generateKey('ecdsa');
const rsaKey = generateKey('rsa');
const lockedKey = generateKey('ed25519', 'open sesame');
const closing: { close(): unknown }[] = [];
let home: SshHome;

beforeEach(async () => {
  home = await SshHome.create();
});
afterEach(async () => {
  await home.close();
  await Promise.all(closing.splice(0).map((server) => server.close()));
});

async function serve(options: Parameters<typeof startSshServer>[0]): Promise<TestServer> {
  const server = await startSshServer(options);
  closing.push(server);
  await home.trust(server);
  return server;
}

async function failure(connecting: Promise<unknown>): Promise<RemoteError> {
  const error: unknown = await connecting.catch((reason: unknown) => reason);
  if (!(error instanceof RemoteError)) throw new Error(`no RemoteError: ${String(error)}`);
  return error;
}

/** An ssh-agent on a socket, which counts what it signs. */
async function startAgent(keys: readonly KeyPair[]): Promise<{ socket: string; signed: string[] }> {
  const socket = home.path('agent');
  const signed: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer((stream) => {
    sockets.push(stream);
    const protocol = new ssh2.AgentProtocol(false);
    stream.on('error', () => undefined);
    protocol.on('error', () => undefined);
    protocol.pipe(stream).pipe(protocol);
    protocol.on('identities', (request) => {
      protocol.getIdentitiesReply(
        request,
        keys.map((pair) => publicKey(pair.public)),
      );
    });
    protocol.on('sign', (request, wanted, data, { hash }) => {
      const found = keys.find(({ blob }) => blob.equals(wanted.getPublicSSH()));
      if (found === undefined) {
        protocol.failureReply(request);
        return;
      }
      signed.push(`${wanted.type} ${hash ?? ''}`.trim());
      protocol.signReply(request, privateKey(found).sign(data, hash));
    });
  });
  server.listen(socket);
  await once(server, 'listening');
  closing.push({
    close: () => {
      for (const stream of sockets) stream.destroy();
      server.close();
    },
  });
  return { socket, signed };
}

function privateKey(pair: KeyPair): ParsedKey {
  const key = ssh2.utils.parseKey(pair.private, 'open sesame');
  if (key instanceof Error) throw key;
  return key;
}

/** Refuses everyone, and says what would be taken. */
const accepting = (...methods: string[]) => {
  const rejected = methods as Parameters<AuthContext['reject']>[0];
  return (context: AuthContext): void => context.reject(rejected);
};

describe('a key file', () => {
  test.each([
    ['ed25519', key, 'ssh-ed25519'],
    ['ecdsa', ecdsaKey, 'ecdsa-sha2-nistp256'],
    ['rsa, over SHA-2 only', rsaKey, 'ssh-rsa sha256'],
  ])('logs in: %s', async (_type, pair, algorithm) => {
    const server = await serve({ authorizedKeys: [pair] });
    const privateKeyFile = await home.write('key', pair.private);
    const remote = await home.connector().connect(home.host('h1', server.port, { privateKeyFile }));
    expect(await remote.exec(['true'])).toMatchObject({ exitCode: 0 });
    expect(new Set(server.attempts)).toEqual(new Set([`publickey ${algorithm}`]));
  });

  test('with a passphrase asks for it once, for all hosts, and only where a server takes the key', async () => {
    const server = await serve({ authorizedKeys: [lockedKey] });
    const other = await startSshServer({ authorizedKeys: [key] });
    closing.push(other);
    await home.trust(server, other);
    const privateKeyFile = await home.write('locked', lockedKey.private);
    const questions: string[] = [];
    const connector = home.connector({
      prompt: (question) => {
        questions.push(question);
        return Promise.resolve('open sesame');
      },
    });
    await failure(connector.connect(home.host('h1', other.port, { privateKeyFile })));
    expect(questions).toEqual([]);
    await Promise.all(
      ['h1', 'h2', 'h3'].map((name) => connector.connect(home.host(name, server.port, { privateKeyFile }))),
    );
    expect(questions).toEqual([`Enter passphrase for key '${privateKeyFile}': `]);
  });

  test('may take longer to unlock than a connection may take', async () => {
    const server = await serve({ authorizedKeys: [lockedKey] });
    const privateKeyFile = await home.write('locked', lockedKey.private);
    let typed: ((passphrase: string) => void) | undefined;
    let expired = (): void => undefined;
    let nowMs = 0;
    const connector = home.connector({
      clock: {
        now: () => nowMs,
        sleep: (_delayMs, signal) =>
          new Promise((resolve, reject) => {
            signal?.addEventListener('abort', () => reject(new Error('aborted')));
            expired = resolve;
          }),
      },
      prompt: () =>
        new Promise((resolve) => {
          typed = resolve;
          nowMs += 60_000;
          expired();
          setImmediate(() => typed?.('open sesame'));
        }),
    });
    const remote = await connector.connect(home.host('h1', server.port, { privateKeyFile }));
    expect(remote.host).toBe('h1');
  });

  test('whose passphrase is wrong three times is given up, and the error says so', async () => {
    const server = await serve({ authorizedKeys: [lockedKey] });
    const privateKeyFile = await home.write('locked', lockedKey.private);
    let questions = 0;
    const connector = home.connector({
      prompt: () => {
        questions++;
        return Promise.resolve('wrong');
      },
    });
    const error = await failure(connector.connect(home.host('h1', server.port, { privateKeyFile })));
    expect(questions).toBe(3);
    expect(error.message).toBe(
      `127.0.0.1 port ${server.port} does not let deploy in: tried key ${privateKeyFile} (${fingerprint(lockedKey.blob)}): wrong passphrase, 3 times; the server takes publickey.`,
    );
  });

  test('with a passphrase and no terminal says what to do', async () => {
    const server = await serve({ authorizedKeys: [lockedKey] });
    const privateKeyFile = await home.write('locked', lockedKey.private);
    const error = await failure(home.connector().connect(home.host('h1', server.port, { privateKeyFile })));
    expect(error.message).toContain(
      'it has a passphrase, and there is no terminal to ask for it; add the key to ssh-agent',
    );
  });

  test('that the inventory names must be there, and be nobody else’s to read', async () => {
    const server = await serve({ authorizedKeys: [key] });
    const connect = (privateKeyFile: string) =>
      failure(home.connector().connect(home.host('h1', server.port, { privateKeyFile })));
    const missing = await connect(home.path('missing'));
    expect([missing.kind, missing.message]).toEqual([
      'config',
      `ansible_ssh_private_key_file cannot be used: ${home.path('missing')} (no such file).`,
    ]);
    const open = await home.write('open', key.private);
    await chmod(open, 0o644);
    expect((await connect(open)).message).toBe(
      `ansible_ssh_private_key_file cannot be used: ${open} (others can read it, so it is not used; type: chmod 600 ${open}).`,
    );
    const garbage = await home.write('garbage', 'not a key');
    expect((await connect(garbage)).message).toContain(`${garbage} (Unsupported key format`);
    expect(server.attempts).toEqual([]);
  });
});

describe('ssh-agent', () => {
  test.each([
    ['ed25519', key, 'ssh-ed25519'],
    ['ecdsa', ecdsaKey, 'ecdsa-sha2-nistp256'],
    ['rsa', rsaKey, 'ssh-rsa sha256'],
  ])('signs with its %s key', async (_type, pair, signedAs) => {
    const server = await serve({ authorizedKeys: [pair] });
    const agent = await startAgent([generateKey(), pair]);
    const connector = home.connector({ env: { SSH_AUTH_SOCK: agent.socket } });
    await connector.connect(home.host('h1', server.port));
    expect(agent.signed).toEqual([signedAs]);
  });

  test('is asked first for the key that the inventory names, without its passphrase', async () => {
    const server = await serve({ authorizedKeys: [lockedKey] });
    const agent = await startAgent([...Array.from({ length: 8 }, () => generateKey()), lockedKey]);
    const privateKeyFile = await home.write('locked', lockedKey.private);
    const connector = home.connector({ env: { SSH_AUTH_SOCK: agent.socket } });
    await connector.connect(home.host('h1', server.port, { privateKeyFile }));
    // The question whether the key is good, and the signature.
    expect(server.attempts).toEqual(['publickey ssh-ed25519', 'publickey ssh-ed25519']);
  });

  test('with more keys than a server bears leaves room for the password', async () => {
    const server = await serve({
      authenticate: (context) => {
        if (context.method === 'password' && context.password === 'secret') context.accept();
        else context.reject(['publickey', 'password']);
      },
    });
    const agent = await startAgent(Array.from({ length: 10 }, () => generateKey()));
    const connector = home.connector({ env: { SSH_AUTH_SOCK: agent.socket } });
    const password = new Secret('ansible_password', 'secret');
    await connector.connect(home.host('h1', server.port, { password }));
    expect(server.attempts).toEqual([...Array.from({ length: 4 }, () => 'publickey ssh-ed25519'), 'password deploy']);
  });

  test('that does not answer is passed over, and named when nothing else helps', async () => {
    const server = await serve({ authorizedKeys: [key] });
    const connector = home.connector({ env: { SSH_AUTH_SOCK: home.path('gone') } });
    const error = await failure(connector.connect(home.host('h1', server.port)));
    expect([error.kind, error.message]).toEqual([
      'auth_failed',
      `127.0.0.1 port ${server.port} does not let deploy in: nothing could be offered; not offered: the agent at ${home.path('gone')} (Failed to connect to agent); the server takes publickey.`,
    ]);
    await writeFile(home.path('key'), key.private, { mode: 0o600 });
    await connector.connect(home.host('h1', server.port, { privateKeyFile: home.path('key') }));
  });
});

describe('a password', () => {
  const password = new Secret('ansible_password', 's3cret');

  test('logs in through keyboard-interactive where a server takes it so only', async () => {
    const server = await serve({
      authenticate: (context) => {
        if (context.method !== 'keyboard-interactive') {
          context.reject(['keyboard-interactive']);
          return;
        }
        context.prompt([{ prompt: 'Password: ', echo: false }], (answers) => {
          if (answers[0] === 's3cret') context.accept();
          else context.reject();
        });
      },
    });
    await home.connector().connect(home.host('h1', server.port, { password }));
    expect(server.attempts).toEqual(['password deploy', 'keyboard-interactive deploy']);
  });

  test('completes a login that wants a key as well', async () => {
    const server = await serve({
      authenticate: (context) => {
        if (context.method === 'publickey') {
          if (context.signature === undefined) context.accept();
          else context.reject(['password'], true);
        } else if (context.method === 'password' && context.password === 's3cret') {
          context.accept();
        } else {
          context.reject(['publickey']);
        }
      },
    });
    const privateKeyFile = await home.write('key', key.private);
    await home.connector().connect(home.host('h1', server.port, { password, privateKeyFile }));
    expect(server.attempts.at(-1)).toBe('password deploy');
  });

  test('never stands in an error', async () => {
    const server = await serve({ authenticate: accepting('publickey', 'password') });
    const privateKeyFile = await home.write('key', key.private);
    const error = await failure(home.connector().connect(home.host('h1', server.port, { password, privateKeyFile })));
    expect([error.kind, error.message, error.hint]).toEqual([
      'auth_failed',
      `127.0.0.1 port ${server.port} does not let deploy in: tried key ${privateKeyFile} (${fingerprint(key.blob)}), password; the server takes publickey, password.`,
      'Name the key with ansible_ssh_private_key_file (or --private-key), load it into ssh-agent, or give ansible_password; and check that the user is right and its authorized_keys holds the key.',
    ]);
    expect(JSON.stringify(error)).not.toContain('s3cret');
  });
});

test('default key files are tried in ssh’s order', async () => {
  const server = await serve({ authenticate: accepting('publickey') });
  await mkdir(home.path('.ssh'));
  for (const [name, pair] of [
    ['.ssh/id_rsa', rsaKey],
    ['.ssh/id_ed25519', key],
    ['.ssh/id_ecdsa', ecdsaKey],
  ] as const) {
    await home.write(name, pair.private);
  }
  await failure(home.connector().connect(home.host('h1', server.port)));
  expect(server.attempts).toEqual([
    'publickey ssh-ed25519',
    'publickey ecdsa-sha2-nistp256',
    'publickey ssh-rsa sha256',
    'none deploy',
  ]);
});

test('a fingerprint is ssh-keygen’s', () => {
  const digest = createHash('sha256').update(key.blob).digest('base64').replace(/=+$/, '');
  expect(fingerprint(key.blob)).toBe(`SHA256:${digest}`);
});
