import { resolve } from 'node:path';
import { parseJump } from '../model/connection-words.ts';
import type { ConnectionSettings } from '../model/host.ts';
import type { Secret } from '../model/secret.ts';
import { knownHostName } from './known-hosts.ts';
import { SettingsReader, type Keepalive, type TargetContext } from './settings-reader.ts';
import { evaluateSshConfig, SshConfigError } from './ssh-config.ts';

/** Everything that decides how one server is reached, after inventory, ssh_config and defaults, in that precedence. */
export interface Target {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** 0: IPv4 or IPv6. */
  readonly addressFamily: 0 | 4 | 6;
  readonly password: Secret | undefined;
  /** Key files that someone named; where there are none ssh's default names are tried. */
  readonly identityFiles: readonly IdentityFile[];
  readonly identitiesOnly: boolean;
  readonly agentSocket: string | undefined;
  /** The name that known_hosts lines have. */
  readonly knownHostName: string;
  /** Where the port is not 22: a matching key of the bare host is good too, as for ssh. */
  readonly knownHostFallback: string | undefined;
  /** The first one takes new keys. */
  readonly knownHostsFiles: readonly string[];
  readonly globalKnownHostsFiles: readonly string[];
  readonly hashKnownHosts: boolean;
  readonly acceptNew: boolean;
  /** Someone asked for no checking at all, which is not supported. */
  readonly wantedNoChecking: boolean;
  readonly connectTimeoutMs: number | undefined;
  readonly keepalive: Keepalive | undefined;
  readonly via: Target | undefined;
}

export interface IdentityFile {
  readonly path: string;
  /** From the inventory: it must exist. From ssh_config it may be missing, as for ssh; a default name usually is. */
  readonly origin: 'inventory' | 'ssh_config' | 'default';
}

type SshConnection = Extract<ConnectionSettings, { kind: 'ssh' }>;

const defaultIdentityNames = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

/** @throws SshConfigError for what ssh_config says of this host and cannot be done here. */
export function resolveTarget(connection: SshConnection, context: TargetContext): Target {
  return resolveHop(connection, connection.proxyJump, context, []);
}

function resolveHop(
  connection: SshConnection,
  explicitJumps: readonly string[] | undefined,
  context: TargetContext,
  /** The addresses whose jump host this is, to find circles. */
  behind: readonly string[],
): Target {
  const settings = evaluateSshConfig(context.config, {
    host: connection.address,
    user: connection.user,
    localUser: context.localUser,
  });
  const read = new SettingsReader(settings, connection.address, context);
  const address = read.token('hostname') ?? connection.address;
  const port = connection.port ?? read.integer('port', 1, 65_535) ?? 22;
  const user = connection.user ?? read.token('user') ?? context.localUser;
  read.connection = { address, port, user };
  const jumps = explicitJumps ?? withoutSelf(read.proxyJump(), connection.address);
  if (explicitJumps === undefined) read.refuse('proxycommand');
  read.refuse('revokedhostkeys');
  const alias = read.token('hostkeyalias');
  const checking = (connection.strictHostKeyChecking ?? read.word('stricthostkeychecking') ?? 'ask').toLowerCase();
  const wantedNoChecking = checking === 'no' || checking === 'off';
  const self = `${user}@${address}:${port}`;
  if (behind.includes(self)) {
    const place = settings.get('proxyjump')?.place ?? 'proxy jump of the inventory';
    throw new SshConfigError(place, `the jump hosts go in a circle: ${[...behind, self].join(', ')}.`);
  }
  return {
    address,
    port,
    user,
    addressFamily: read.addressFamily(),
    password: connection.password,
    identityFiles: identityFiles(connection, read),
    identitiesOnly: read.flag('identitiesonly'),
    agentSocket: read.agentSocket(),
    knownHostName: alias?.toLowerCase() ?? knownHostName(address, port),
    knownHostFallback: alias === undefined && port !== 22 ? address.toLowerCase() : undefined,
    knownHostsFiles:
      connection.userKnownHostsFile === undefined
        ? read.files('userknownhostsfile', ['~/.ssh/known_hosts', '~/.ssh/known_hosts2'])
        : read.expandFiles(connection.userKnownHostsFile.split(/\s+/)),
    globalKnownHostsFiles: read.files('globalknownhostsfile', [
      '/etc/ssh/ssh_known_hosts',
      '/etc/ssh/ssh_known_hosts2',
    ]),
    hashKnownHosts: read.flag('hashknownhosts'),
    acceptNew: context.acceptNew || checking === 'accept-new' || wantedNoChecking,
    wantedNoChecking,
    connectTimeoutMs: read.seconds('connecttimeout'),
    keepalive: read.keepalive(),
    via: jumpTarget(jumps, connection, context, [...behind, self], settings.get('proxyjump')?.place),
  };
}

/**
 * The last jump host, which is reached through those before it; the first one as ssh_config says.
 * The inventory's key, known_hosts file and checking hold for jump hosts as well, its user, port and password do not.
 */
function jumpTarget(
  jumps: readonly string[],
  connection: SshConnection,
  context: TargetContext,
  behind: readonly string[],
  place: string | undefined,
): Target | undefined {
  const last = jumps.at(-1);
  if (last === undefined) return undefined;
  const where = place ?? 'proxy jump of the inventory';
  const jump = parseJump(last);
  if (jump === undefined)
    throw new SshConfigError(where, `a jump host is written [user@]host[:port]; got ${JSON.stringify(last)}.`);
  const earlier = jumps.slice(0, -1);
  const hop: SshConnection = {
    kind: 'ssh',
    address: jump.host,
    ...(jump.user === undefined ? {} : { user: jump.user }),
    ...(jump.port === undefined ? {} : { port: jump.port }),
    ...(connection.privateKeyFile === undefined ? {} : { privateKeyFile: connection.privateKeyFile }),
    ...(connection.userKnownHostsFile === undefined ? {} : { userKnownHostsFile: connection.userKnownHostsFile }),
    ...(connection.strictHostKeyChecking === undefined
      ? {}
      : { strictHostKeyChecking: connection.strictHostKeyChecking }),
  };
  return resolveHop(hop, earlier.length > 0 ? earlier : undefined, context, behind);
}

/** `Host *` with a ProxyJump names the jump hosts too: they are not reached through themselves. */
function withoutSelf(jumps: readonly string[], written: string): readonly string[] {
  return jumps.some((jump) => parseJump(jump)?.host === written) ? [] : jumps;
}

function identityFiles(connection: SshConnection, read: SettingsReader): readonly IdentityFile[] {
  const fromInventory =
    connection.privateKeyFile === undefined ? [] : read.expandFiles([connection.privateKeyFile]).map(resolvePath);
  const fromConfig = read.files('identityfile', []).filter((path) => !fromInventory.includes(path));
  if (fromInventory.length + fromConfig.length === 0) {
    return read
      .expandFiles(defaultIdentityNames.map((name) => `~/.ssh/${name}`))
      .map((path) => ({ path, origin: 'default' as const }));
  }
  return [
    ...fromInventory.map((path) => ({ path, origin: 'inventory' as const })),
    ...fromConfig.map((path) => ({ path, origin: 'ssh_config' as const })),
  ];
}

const resolvePath = (path: string): string => resolve(path);
