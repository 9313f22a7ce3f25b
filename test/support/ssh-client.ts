import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../../src/model/clock.ts';
import type { ConnectionSettings, Host } from '../../src/model/host.ts';
import { createConnector, type ConnectOptions, type Connector } from '../../src/ssh/connect.ts';
import { formatKnownHost, knownHostName } from '../../src/ssh/known-hosts.ts';
import type { KeyPair, TestServer } from './ssh-server.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (delayMs, signal) => wait(delayMs, undefined, signal === undefined ? {} : { signal }),
};

type SshSettings = Extract<ConnectionSettings, { kind: 'ssh' }>;

/** A home folder with `.ssh`, and connectors that read nothing outside it. */
export class SshHome {
  readonly dir: string;
  readonly #connectors: Connector[] = [];

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async create(): Promise<SshHome> {
    return new SshHome(await mkdtemp(join(tmpdir(), 'rollout-ssh-')));
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  async write(name: string, text: string): Promise<string> {
    const path = this.path(name);
    await writeFile(path, text, { mode: 0o600 });
    return path;
  }

  /** Makes the servers known under their address and port. */
  trust(...servers: readonly TestServer[]): Promise<string> {
    return this.write(
      'known_hosts',
      servers.map(({ port, hostKeys }) => knownHostLines('127.0.0.1', port, hostKeys)).join(''),
    );
  }

  connector(options: Partial<ConnectOptions> = {}): Connector {
    const connector = createConnector({
      acceptNew: false,
      env: {},
      homeDir: this.dir,
      localUser: 'tester',
      sshConfigFile: 'none',
      clock: systemClock,
      random: () => 0,
      ...options,
    });
    this.#connectors.push(connector);
    return connector;
  }

  host(name: string, port: number, settings: Partial<SshSettings> = {}): Host {
    return {
      name,
      groups: [],
      vars: {},
      connection: {
        kind: 'ssh',
        address: '127.0.0.1',
        port,
        user: 'deploy',
        userKnownHostsFile: this.path('known_hosts'),
        ...settings,
      },
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#connectors.map((connector) => connector.close()));
    await rm(this.dir, { recursive: true, force: true });
  }
}

export function knownHostLines(address: string, port: number, keys: readonly KeyPair[]): string {
  return keys.map(({ blob }) => formatKnownHost(knownHostName(address, port), blob)).join('');
}
