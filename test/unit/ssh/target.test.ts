import { describe, expect, test } from 'vitest';
import { parseSshConfig } from '../../../src/ssh/ssh-config.ts';
import { resolveTarget, type Target } from '../../../src/ssh/target.ts';

type Settings = Omit<Parameters<typeof resolveTarget>[0], 'kind'>;

function resolve(config: string, settings: Partial<Settings> = {}, env: Record<string, string> = {}): Target {
  return resolveTarget(
    { kind: 'ssh', address: 'h1', ...settings },
    { config: [parseSshConfig(config, 'config')], acceptNew: false, env, homeDir: '/home/me', localUser: 'me' },
  );
}

/** The way to a host, first hop first: `user@address:port`. */
function route(target: Target): string {
  const hop = `${target.user}@${target.address}:${target.port}`;
  return target.via === undefined ? hop : `${route(target.via)} → ${hop}`;
}

test('without any setting a host is what ssh makes of its name', () => {
  expect(resolve('')).toEqual({
    address: 'h1',
    port: 22,
    user: 'me',
    addressFamily: 0,
    password: undefined,
    identityFiles: ['id_ed25519', 'id_ecdsa', 'id_rsa'].map((name) => ({
      path: `/home/me/.ssh/${name}`,
      origin: 'default',
    })),
    identitiesOnly: false,
    agentSocket: undefined,
    knownHostName: 'h1',
    knownHostFallback: undefined,
    knownHostsFiles: ['/home/me/.ssh/known_hosts', '/home/me/.ssh/known_hosts2'],
    globalKnownHostsFiles: ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'],
    hashKnownHosts: false,
    acceptNew: false,
    wantedNoChecking: false,
    connectTimeoutMs: undefined,
    keepalive: undefined,
    via: undefined,
  });
});

test('the inventory goes before ssh_config', () => {
  const config =
    'User conf\nPort 1\nIdentityFile ~/conf\nUserKnownHostsFile /conf\nStrictHostKeyChecking yes\nHostName h1.example.com';
  const target = resolve(config, {
    user: 'inv',
    port: 2,
    privateKeyFile: '~/inv',
    userKnownHostsFile: '/inv',
    strictHostKeyChecking: 'accept-new',
  });
  expect(route(target)).toBe('inv@h1.example.com:2');
  expect(target.identityFiles).toEqual([
    { path: '/home/me/inv', origin: 'inventory' },
    { path: '/home/me/conf', origin: 'ssh_config' },
  ]);
  expect([target.knownHostsFiles, target.acceptNew]).toEqual([['/inv'], true]);
  expect(route(resolve(config))).toBe('conf@h1.example.com:1');
});

test('every keyword that is honoured changes what it says', () => {
  const config = `
    HostName %h.example.com
    Port 2222
    User %u-ops
    AddressFamily inet6
    IdentityFile %d/.ssh/%r@%h
    IdentityFile \${KEYS}/100%%
    IdentitiesOnly yes
    IdentityAgent $OTHER_AGENT
    HostKeyAlias Alias
    UserKnownHostsFile ~/a /b none
    GlobalKnownHostsFile none
    HashKnownHosts yes
    StrictHostKeyChecking off
    ConnectTimeout 1m5
    ServerAliveInterval 3
    ServerAliveCountMax 4
  `;
  expect(resolve(config, {}, { KEYS: '/keys', OTHER_AGENT: '/agent', SSH_AUTH_SOCK: '/first' })).toEqual({
    address: 'h1.example.com',
    port: 2222,
    user: 'me-ops',
    addressFamily: 6,
    password: undefined,
    identityFiles: [
      { path: '/home/me/.ssh/me-ops@h1.example.com', origin: 'ssh_config' },
      { path: '/keys/100%', origin: 'ssh_config' },
    ],
    identitiesOnly: true,
    agentSocket: '/agent',
    knownHostName: 'alias',
    knownHostFallback: undefined,
    knownHostsFiles: ['/home/me/a', '/b'],
    globalKnownHostsFiles: [],
    hashKnownHosts: true,
    acceptNew: true,
    wantedNoChecking: true,
    connectTimeoutMs: 65_000,
    keepalive: { intervalMs: 3000, countMax: 4 },
    via: undefined,
  });
});

test.each([
  ['', '/first'],
  ['IdentityAgent none', undefined],
  ['IdentityAgent SSH_AUTH_SOCK', '/first'],
  ['IdentityAgent ~/agent', '/home/me/agent'],
])('the agent with %j is %s', (config, socket) => {
  expect(resolve(config, {}, { SSH_AUTH_SOCK: '/first' }).agentSocket).toBe(socket);
});

describe('jump hosts', () => {
  test.each([
    ['ProxyJump bastion', {}, 'me@bastion:22 → me@h1:22'],
    ['ProxyJump none', {}, 'me@h1:22'],
    ['ProxyJump a,ops@b:2222', {}, 'me@a:22 → ops@b:2222 → me@h1:22'],
    ['ProxyJump ssh://ops@b:2222', {}, 'ops@b:2222 → me@h1:22'],
    ['ProxyJump [fe80::1]:2222', {}, 'me@fe80::1:2222 → me@h1:22'],
    ['Host h1\n ProxyJump conf', { proxyJump: ['inv'] }, 'me@inv:22 → me@h1:22'],
    ['ProxyJump conf', { proxyJump: [] }, 'me@h1:22'],
    ['Host h1\n ProxyJump b\nHost b\n ProxyJump a\n User ops', {}, 'me@a:22 → ops@b:22 → me@h1:22'],
    [
      'Host h1\n ProxyJump b,c\nHost c\n ProxyJump ignored\nHost b\n ProxyJump a',
      {},
      'me@a:22 → me@b:22 → me@c:22 → me@h1:22',
    ],
    ['Host *\n ProxyJump bastion', {}, 'me@bastion:22 → me@h1:22'],
    ['Host *\n ProxyJump a,b', {}, 'me@a:22 → me@b:22 → me@h1:22'],
    ['ProxyCommand none\nProxyJump bastion', {}, 'me@h1:22'],
    ['Host h1\n ProxyJump bastion\nMatch originalhost h1\n ProxyCommand nc %h %p', {}, 'me@bastion:22 → me@h1:22'],
  ])('of %j lead %s', (config, settings, expected) => {
    expect(route(resolve(config, settings))).toBe(expected);
  });

  test('take the inventory’s key and known_hosts, but not its user, port and password', () => {
    const target = resolve('', {
      proxyJump: ['bastion'],
      user: 'inv',
      port: 2,
      privateKeyFile: '/key',
      userKnownHostsFile: '/known',
    });
    expect(route(target)).toBe('me@bastion:22 → inv@h1:2');
    expect(target.via?.identityFiles).toEqual([{ path: '/key', origin: 'inventory' }]);
    expect(target.via?.knownHostsFiles).toEqual(['/known']);
  });

  test('in a circle are an error', () => {
    expect(() => resolve('Host h1\n ProxyJump a\nHost a\n ProxyJump b\nHost b\n ProxyJump a')).toThrow(
      'config:4: the jump hosts go in a circle: me@h1:22, me@a:22, me@b:22, me@a:22.',
    );
  });
});

test.each([
  [
    'ProxyCommand nc %h %p',
    'config:1: proxycommand is not supported, and applies to h1. Use ProxyJump, or set it to none.',
  ],
  [
    'ProxyCommand nc %h %p\nProxyJump late',
    'config:1: proxycommand is not supported, and applies to h1. Use ProxyJump, or set it to none.',
  ],
  [
    'RevokedHostKeys /krl',
    'config:1: revokedhostkeys is not supported, and applies to h1. Mark revoked keys with @revoked in known_hosts.',
  ],
  ['Port ssh', 'config:1: port must be a number from 1 to 65535; got "ssh".'],
  ['Port 0', 'config:1: port must be a number from 1 to 65535; got "0".'],
  ['ConnectTimeout soon', 'config:1: connecttimeout must be a time, as 10 or 1m30s; got "soon".'],
  ['ProxyJump -oProxyCommand=evil', 'config:1: a jump host is written [user@]host[:port]; got "-oProxyCommand=evil".'],
  ['IdentityFile %z', 'config:1: %z in "%z" is not known.'],
  ['IdentityFile ${NOWHERE}', 'config:1: ${NOWHERE} in "${NOWHERE}" is not known.'],
])('%j is an error with its line', (config, message) => {
  expect(() => resolve(config)).toThrow(message);
});

test('a port of its own has a name of its own in known_hosts, and the bare host’s key is good too', () => {
  const { knownHostName, knownHostFallback } = resolve('', { address: 'H1', port: 2222 });
  expect([knownHostName, knownHostFallback]).toEqual(['[h1]:2222', 'h1']);
});
