import { afterEach, beforeEach, expect, test } from 'vitest';
import { RemoteError } from '../../../src/ssh/remote.ts';
import { knownHostLines, SshHome } from '../../support/ssh-client.ts';
import { generateKey, startSshServer, type TestServer, type TestServerOptions } from '../../support/ssh-server.ts';

const key = generateKey();
const closing: TestServer[] = [];
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

const through = (...jumps: TestServer[]) => ({
  privateKeyFile,
  proxyJump: jumps.map(({ port }) => `ops@127.0.0.1:${port}`),
});

async function failure(connecting: Promise<unknown>): Promise<{ host: string; kind: string; message: string }> {
  const error: unknown = await connecting.catch((reason: unknown) => reason);
  if (!(error instanceof RemoteError)) throw new Error(`no RemoteError: ${String(error)}`);
  return { host: error.host, kind: error.kind, message: error.message };
}

test('a jump host is connected to once for all the hosts behind it, and closed with the connector', async () => {
  const [bastion, ...targets] = await Promise.all([serve(), serve(), serve(), serve()]);
  await home.trust(bastion, ...targets);
  const connector = home.connector();
  const remotes = await Promise.all(
    targets.map((target, index) => connector.connect(home.host(`h${index}`, target.port, through(bastion)))),
  );
  for (const remote of remotes) expect(await remote.exec(['true'])).toMatchObject({ exitCode: 0 });
  expect([bastion, ...targets].map(({ connectionCount }) => connectionCount())).toEqual([1, 1, 1, 1]);
  expect(new Set(bastion.attempts)).toEqual(new Set(['publickey ssh-ed25519']));
  await connector.close();
  expect(await Promise.all(remotes.map((remote) => remote.closed))).toEqual([undefined, undefined, undefined]);
});

test('several hops lead on in order', async () => {
  const [first, second, target] = await Promise.all([serve(), serve(), serve()]);
  await home.trust(first, second, target);
  const remote = await home.connector().connect(home.host('h1', target.port, through(first, second)));
  expect(await remote.exec(['hostname'])).toMatchObject({ exitCode: 0 });
  expect([first, second, target].map(({ connectionCount }) => connectionCount())).toEqual([1, 1, 1]);
});

test('the key of every hop is checked', async () => {
  const [bastion, target] = await Promise.all([serve(), serve()]);
  await home.trust(target);
  const connector = home.connector();
  expect(await failure(connector.connect(home.host('h1', target.port, through(bastion))))).toMatchObject({
    host: 'h1',
    kind: 'host_key_unknown',
    message: expect.stringContaining(
      `jump host ops@127.0.0.1 port ${bastion.port}: 127.0.0.1 port ${bastion.port} is not in known_hosts.`,
    ) as string,
  });
  expect(target.connectionCount()).toBe(0);
  await home.write(
    'known_hosts',
    knownHostLines('127.0.0.1', bastion.port, bastion.hostKeys) +
      knownHostLines('127.0.0.1', target.port, [generateKey()]),
  );
  expect(await failure(home.connector().connect(home.host('h1', target.port, through(bastion))))).toMatchObject({
    kind: 'host_key_changed',
  });
});

test('at most eight handshakes go through one jump host at once', async () => {
  let inFlight = 0;
  let most = 0;
  const target = await serve({
    authenticate: (context) => {
      most = Math.max(most, ++inFlight);
      setImmediate(() => {
        inFlight--;
        context.accept();
      });
    },
  });
  const bastion = await serve();
  await home.trust(bastion, target);
  const connector = home.connector();
  await Promise.all(
    Array.from({ length: 30 }, (_, index) => connector.connect(home.host(`h${index}`, target.port, through(bastion)))),
  );
  expect(target.connectionCount()).toBe(30);
  expect(bastion.connectionCount()).toBe(1);
  expect(most).toBeLessThanOrEqual(8);
});

test('a jump host that allows no forwarding says so', async () => {
  const [bastion, target] = await Promise.all([serve({ forwarding: false }), serve()]);
  await home.trust(bastion, target);
  expect(await failure(home.connector().connect(home.host('h1', target.port, through(bastion))))).toMatchObject({
    kind: 'forwarding_refused',
    message: `127.0.0.1 port ${target.port} cannot be reached through jump host 127.0.0.1 port ${bastion.port}: TCP forwarding is not allowed there.`,
  });
});

test('a jump host that fails does so under the name of every host behind it, and is tried anew afterwards', async () => {
  const bastion = await startSshServer({ authorizedKeys: [key] });
  await bastion.close();
  const target = await serve();
  await home.trust(bastion, target);
  const connector = home.connector();
  const connect = (name: string) => failure(connector.connect(home.host(name, target.port, through(bastion))));
  const message = `jump host ops@127.0.0.1 port ${bastion.port}: 127.0.0.1 port ${bastion.port} cannot be reached: connection refused.`;
  expect(await Promise.all([connect('h1'), connect('h2')])).toEqual([
    { host: 'h1', kind: 'unreachable', message },
    { host: 'h2', kind: 'unreachable', message },
  ]);
  expect(await connect('h3')).toEqual({ host: 'h3', kind: 'unreachable', message });
});

test('a jump host that is lost ends the connections behind it, and the next one dials it again', async () => {
  const [bastion, target] = await Promise.all([serve(), serve()]);
  await home.trust(bastion, target);
  const connector = home.connector();
  const host = home.host('h1', target.port, through(bastion));
  const remote = await connector.connect(host);
  bastion.sockets[0]?.destroy();
  expect(await remote.closed).toMatchObject({ kind: 'connection_lost' });
  const again = await connector.connect(host);
  expect(await again.exec(['true'])).toMatchObject({ exitCode: 0 });
  expect(bastion.connectionCount()).toBe(2);
});
