import { hostname } from 'node:os';
import { expandHome } from './ssh-config-files.ts';
import { SshConfigError, type ConfigFile, type SshSettings } from './ssh-config.ts';

export interface TargetContext {
  readonly config: readonly ConfigFile[];
  readonly acceptNew: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeDir: string;
  readonly localUser: string;
}

export interface Keepalive {
  readonly intervalMs: number;
  readonly countMax: number;
}

const keywordsNotSupported: Readonly<Record<string, string>> = {
  proxycommand: 'Use ProxyJump, or set it to none.',
  revokedhostkeys: 'Mark revoked keys with @revoked in known_hosts.',
};

/** Reads ssh_config's values for one host, with ssh's tokens and `~` expanded. */
export class SettingsReader {
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
