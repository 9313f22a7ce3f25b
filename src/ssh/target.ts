import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { ConnectionSettings } from '../model/host.ts';
import type { Secret } from '../model/secret.ts';
import { knownHostName } from './known-hosts.ts';
import { expandHome } from './ssh-config-files.ts';
import { evaluateSshConfig, SshConfigError, type ConfigFile, type SshSettings } from './ssh-config.ts';

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
  /** The name that known_hosts lines bear. */
  readonly knownHostName: string;
  /** Where the port is not 22: a matching key of the bare host is good too, as for ssh. */
  readonly knownHostFallback: string | undefined;
  /** The first one takes new keys. */
  readonly knownHostsFiles: readonly string[];
  readonly globalKnownHostsFiles: readonly string[];
  readonly hashKnownHosts: boolean;
  readonly acceptNew: boolean;
  /** Someone asked for no checking at all, which is not to be had. */
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

export interface Keepalive {
  readonly intervalMs: number;
  readonly countMax: number;
}

export interface TargetContext {
  readonly config: readonly ConfigFile[];
  readonly acceptNew: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeDir: string;
  readonly localUser: string;
}

type SshConnection = Extract<ConnectionSettings, { kind: 'ssh' }>;

const defaultIdentityNames = ['id_ed25519', 'id_ecdsa', 'id_rsa'];
const keywordsNotSupported: Readonly<Record<string, string>> = {
  proxycommand: 'Use ProxyJump, or set it to none.',
  revokedhostkeys: 'Mark revoked keys with @revoked in known_hosts.',
};

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
  const jumps = explicitJumps ?? read.proxyJump();
  if (explicitJumps === undefined) read.refuse('proxycommand');
  read.refuse('revokedhostkeys');
  const alias = read.token('hostkeyalias');
  const checking = (connection.strictHostKeyChecking ?? read.word('stricthostkeychecking') ?? 'ask').toLowerCase();
  const wantedNoChecking = checking === 'no' || checking === 'off';
  const self = `${user}@${address}:${port}`;
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
  if (behind.length > 16) throw new SshConfigError(where, `the jump hosts go in a circle: ${behind.join(', ')}.`);
  const { user, host, port } = parseJump(last, where);
  const earlier = jumps.slice(0, -1);
  const hop: SshConnection = {
    kind: 'ssh',
    address: host,
    ...(user === undefined ? {} : { user }),
    ...(port === undefined ? {} : { port }),
    ...(connection.privateKeyFile === undefined ? {} : { privateKeyFile: connection.privateKeyFile }),
    ...(connection.userKnownHostsFile === undefined ? {} : { userKnownHostsFile: connection.userKnownHostsFile }),
    ...(connection.strictHostKeyChecking === undefined
      ? {}
      : { strictHostKeyChecking: connection.strictHostKeyChecking }),
  };
  const target = resolveHop(hop, earlier.length > 0 ? earlier : undefined, context, behind);
  // `Host *` with a ProxyJump names the jump host too: it is not reached through itself.
  return behind.at(-1) === `${target.user}@${target.address}:${target.port}` ? undefined : target;
}

/** `[user@]host[:port]`, `[user@][v6address]:port` or `ssh://…`. */
function parseJump(text: string, place: string): { user?: string; host: string; port?: number } {
  const match =
    /^(?:ssh:\/\/)?(?:(?<user>[^@\s]+)@)?(?:\[(?<bracketed>[^\]\s]+)\]|(?<host>[^:\s/]+|[^\s/]*:[^\s/]*:[^\s/]*))(?::(?<port>\d{1,5}))?\/?$/.exec(
      text,
    );
  const { user, bracketed, host, port } = match?.groups ?? {};
  const name = bracketed ?? host;
  if (name === undefined || name.startsWith('-')) {
    throw new SshConfigError(place, `a jump host is written [user@]host[:port]; got ${JSON.stringify(text)}.`);
  }
  return { ...(user === undefined ? {} : { user }), host: name, ...(port === undefined ? {} : { port: Number(port) }) };
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

/** Reads ssh_config's values for one host, with ssh's tokens and `~` expanded. */
class SettingsReader {
  connection: { address: string; port: number; user: string } | undefined;
  readonly #settings: SshSettings;
  readonly #written: string;
  readonly #context: TargetContext;

  constructor(settings: SshSettings, written: string, context: TargetContext) {
    this.#settings = settings;
    this.#written = written;
    this.#context = context;
  }

  word(keyword: string): string | undefined {
    return this.#settings.get(keyword)?.values[0];
  }

  token(keyword: string): string | undefined {
    const setting = this.#settings.get(keyword);
    const value = setting?.values[0];
    return value === undefined || value.toLowerCase() === 'none'
      ? undefined
      : this.#expand(value, setting?.place ?? '');
  }

  flag(keyword: string): boolean {
    return ['yes', 'true'].includes(this.word(keyword)?.toLowerCase() ?? 'no');
  }

  integer(keyword: string, lowest: number, highest: number): number | undefined {
    const setting = this.#settings.get(keyword);
    const value = setting?.values[0];
    if (setting === undefined || value === undefined) return undefined;
    const number = Number(value);
    if (!Number.isInteger(number) || number < lowest || number > highest) {
      throw new SshConfigError(
        setting.place,
        `${keyword} must be a number from ${lowest} to ${highest}; got ${JSON.stringify(value)}.`,
      );
    }
    return number;
  }

  /** A time of ssh_config, `10` or `1m30s`, in milliseconds; undefined for none and 0. */
  seconds(keyword: string): number | undefined {
    const setting = this.#settings.get(keyword);
    const value = setting?.values[0]?.toLowerCase();
    if (setting === undefined || value === undefined || value === 'none') return undefined;
    if (!/^(?:\d+[smhdw]?)+$/.test(value)) {
      throw new SshConfigError(
        setting.place,
        `${keyword} must be a time, as 10 or 1m30s; got ${JSON.stringify(value)}.`,
      );
    }
    const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
    const parts = [...value.matchAll(/(\d+)([smhdw]?)/g)];
    const seconds = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (unitSeconds[unit || 's'] ?? 1), 0);
    return seconds === 0 ? undefined : seconds * 1000;
  }

  keepalive(): Keepalive | undefined {
    const intervalMs = this.seconds('serveraliveinterval');
    return intervalMs === undefined
      ? undefined
      : { intervalMs, countMax: this.integer('serveralivecountmax', 0, 1_000_000) ?? 3 };
  }

  files(keyword: string, defaults: readonly string[]): readonly string[] {
    const setting = this.#settings.get(keyword);
    return this.expandFiles(setting?.values ?? defaults, setting?.place);
  }

  expandFiles(paths: readonly string[], place = 'inventory'): readonly string[] {
    return paths
      .filter((path) => path.toLowerCase() !== 'none')
      .map((path) => expandHome(this.#expand(path, place), this.#context.homeDir));
  }

  addressFamily(): 0 | 4 | 6 {
    const family = this.word('addressfamily')?.toLowerCase();
    return family === 'inet' ? 4 : family === 'inet6' ? 6 : 0;
  }

  agentSocket(): string | undefined {
    const { env, homeDir } = this.#context;
    const setting = this.#settings.get('identityagent');
    const written = setting?.values[0];
    if (written === undefined || written === 'SSH_AUTH_SOCK') return env['SSH_AUTH_SOCK'] || undefined;
    if (written.toLowerCase() === 'none') return undefined;
    if (/^\$\w+$/.test(written)) return env[written.slice(1)] || undefined;
    return expandHome(this.#expand(written, setting?.place ?? ''), homeDir);
  }

  proxyJump(): readonly string[] {
    const jump = this.#settings.get('proxyjump');
    const command = this.#settings.get('proxycommand');
    const value = jump?.values[0];
    if (jump === undefined || value === undefined || value.toLowerCase() === 'none') return [];
    // Whichever of the two came first holds; Map keeps that order.
    const keywords = [...this.#settings.keys()];
    if (command !== undefined && keywords.indexOf('proxycommand') < keywords.indexOf('proxyjump')) return [];
    return value.split(',').map((hop) => this.#expand(hop.trim(), jump.place));
  }

  /** Stops at a keyword that would change who is connected to, and that is not supported. */
  refuse(keyword: string): void {
    const setting = this.#settings.get(keyword);
    if (setting === undefined || setting.values[0]?.toLowerCase() === 'none') return;
    if (keyword === 'proxycommand' && this.proxyJump().length > 0) return;
    throw new SshConfigError(
      setting.place,
      `${keyword} is not supported, and applies to ${this.#written}. ${keywordsNotSupported[keyword] ?? ''}`.trim(),
    );
  }

  #expand(text: string, place: string): string {
    const { env, homeDir, localUser } = this.#context;
    const tokens: Readonly<Record<string, () => string | undefined>> = {
      '%': () => '%',
      h: () => this.connection?.address ?? this.#written,
      n: () => this.#written,
      p: () => this.connection?.port.toString() ?? this.word('port') ?? '22',
      r: () => this.connection?.user ?? this.word('user') ?? localUser,
      u: () => localUser,
      d: () => homeDir,
      i: () => process.getuid?.().toString(),
      l: () => hostname(),
      L: () => hostname().split('.')[0],
      k: () => this.word('hostkeyalias') ?? this.#written,
    };
    const unknown = (what: string): never => {
      throw new SshConfigError(place, `${what} in ${JSON.stringify(text)} is not known.`);
    };
    return text
      .replace(/%(.?)/g, (token, letter: string) => tokens[letter]?.() ?? unknown(token))
      .replace(/\$\{(\w+)\}/g, (token, name: string) => env[name] ?? unknown(token));
  }
}
