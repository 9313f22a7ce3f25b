import { setMaxListeners } from 'node:events';
import { userInfo } from 'node:os';
import type { Duplex } from 'node:stream';
import pLimit from 'p-limit';
import { noLongerNeeded, type Clock } from '../model/clock.ts';
import type { ConnectionSettings, Host } from '../model/host.ts';
import { Authentication } from './auth.ts';
import { CommandRemote, type OnCommand } from './commands.ts';
import { forwardingHint, forwardTo, isForwardingRefused } from './forward.ts';
import type { Connection } from './connection.ts';
import { dial, HandshakeError, logIn } from './handshake.ts';
import { describeServer, HostKeyCheck } from './host-key.ts';
import { AgentCache, findIdentities, type IdentitiesFound } from './identities.ts';
import { JumpHosts } from './jump-hosts.ts';
import { KeyFiles, type Prompt } from './key-files.ts';
import { fingerprint, type KnownHostLines } from './known-hosts.ts';
import { KnownHostsStore } from './known-hosts-store.ts';
import { LocalTransport } from './local-transport.ts';
import { RemoteError, type Remote } from './remote.ts';
import { loadSshConfig } from './ssh-config-files.ts';
import { SshConfigError } from './ssh-config.ts';
import { SshTransport } from './ssh-transport.ts';
import type { Keepalive } from './settings-reader.ts';
import { resolveTarget, type Target } from './target.ts';
import type { Transport } from './transport.ts';

export interface ConnectOptions {
  /** Trust hosts that are seen for the first time, and remember them. A key that changed is refused all the same. */
  readonly acceptNew: boolean;
  /** For a connection from nothing to logged in; ssh_config's ConnectTimeout, then 10 s, where undefined. */
  readonly connectTimeoutMs?: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeDir: string;
  /** The local user's name; the system's where undefined. */
  readonly localUser?: string;
  /** Instead of `~/.ssh/config` and the system's; `none` reads none. */
  readonly sshConfigFile?: string;
  /** Connections that are being set up at once, over all hosts; 50 where undefined. */
  readonly forks?: number;
  /** A dead peer is noticed within `intervalMs × (countMax + 1)`; 12 s where undefined. */
  readonly keepalive?: Keepalive;
  readonly clock: Clock;
  /** From 0 to below 1, as Math.random. */
  readonly random: () => number;
  /** Asks for a passphrase, once for each key file; undefined where there is no terminal. */
  readonly prompt?: Prompt;
  /** Told of what is no error: a host key that was added. */
  readonly onNotice?: (host: string, message: string) => void;
  readonly onCommand?: OnCommand;
}

/** Opens connections. Everything that hosts share is read once: ssh_config, known_hosts, keys, jump hosts. */
export interface Connector {
  /** @throws RemoteError */
  connect(host: Host): Promise<Remote>;
  /** Closes every connection that is open, and those to jump hosts. */
  close(): Promise<void>;
}

export function createConnector(options: ConnectOptions): Connector {
  return new SshConnector(options);
}

const defaultConnectTimeoutMs = 10_000;
const defaultForks = 50;
/** A dead peer is noticed within 12 s: an answer, three intervals of silence. */
const defaultKeepalive: Keepalive = { intervalMs: 4000, countMax: 2 };
const slowestNoticeMs = 15_000;
const handshakeAttempts = 5;
const retryBaseMs = 200;
const retryLongestMs = 2000;

type SshConnection = Extract<ConnectionSettings, { kind: 'ssh' }>;

class SshConnector implements Connector {
  readonly #options: ConnectOptions;
  readonly #localUser: string;
  readonly #handshakes: ReturnType<typeof pLimit>;
  readonly #knownHosts = new KnownHostsStore();
  readonly #keyFiles: KeyFiles;
  readonly #agents: AgentCache;
  readonly #jumpHosts = new JumpHosts((host, target) => this.#openConnection(host, target));
  readonly #open = new Set<Transport>();
  readonly #closing = new AbortController();
  #config: ReturnType<typeof loadSshConfig> | undefined;

  constructor(options: ConnectOptions) {
    this.#options = options;
    this.#localUser = options.localUser ?? userInfo().username;
    this.#handshakes = pLimit(options.forks ?? defaultForks);
    this.#keyFiles = new KeyFiles(options.prompt, options.clock);
    this.#agents = new AgentCache(options.clock);
    setMaxListeners(0, this.#closing.signal);
  }

  async connect(host: Host): Promise<Remote> {
    const { connection } = host;
    const transport =
      connection.kind === 'local'
        ? new LocalTransport(host.name, this.#localUser, this.#options.env)
        : await this.#connectSsh(host.name, connection);
    this.#open.add(transport);
    void transport.closed.then(() => this.#open.delete(transport));
    return new CommandRemote(transport, connection.become, this.#options.clock, this.#options.onCommand);
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the run is closing its connections'));
    await Promise.all([...this.#open].map((transport) => transport.close()));
    await this.#jumpHosts.close();
  }

  async #connectSsh(host: string, connection: SshConnection): Promise<Transport> {
    const target = await this.#resolve(host, connection);
    const opened = await this.#openConnection(host, target);
    return new SshTransport(opened, { host, user: target.user, server: describeServer(target) });
  }

  async #resolve(host: string, connection: SshConnection): Promise<Target> {
    const { acceptNew, env, homeDir, sshConfigFile } = this.#options;
    try {
      const config = await (this.#config ??= loadSshConfig(homeDir, sshConfigFile));
      return resolveTarget(connection, { config, acceptNew, env, homeDir, localUser: this.#localUser });
    } catch (error) {
      if (!(error instanceof SshConfigError)) throw error;
      throw new RemoteError(host, 'config', error.message, { cause: error });
    }
  }

  /** A connection that is logged in, tried again while that can help. */
  async #openConnection(host: string, target: Target): Promise<Connection> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#openOnce(host, target);
      } catch (error) {
        if (!(error instanceof HandshakeError)) throw error;
        if (!error.isTransient || attempt === handshakeAttempts) throw error.error;
        // Full jitter: hosts that were refused together do not come back together.
        const longestMs = Math.min(retryLongestMs, retryBaseMs * 2 ** attempt);
        const isClosing = await this.#options.clock
          .sleep(this.#options.random() * longestMs, this.#closing.signal)
          .then(
            () => false,
            () => true,
          );
        if (isClosing) throw error.error;
      }
    }
  }

  async #openOnce(host: string, target: Target): Promise<Connection> {
    const known = await this.#readKnownHosts(host, target);
    const found = await findIdentities(target, this.#keyFiles, this.#agents);
    refuseMissingKeys(host, target, found);
    const authentication = new Authentication(target.user, target.password, found);
    const hostKey = new HostKeyCheck(host, target, known);
    const open = (jump?: Connection): Promise<Connection> =>
      this.#handshakes(() => this.#handshake(host, target, { authentication, hostKey, jump }));
    const opened = target.via === undefined ? await open() : await this.#jumpHosts.through(host, target.via, open);
    await this.#remember(host, target, hostKey.acceptedKey);
    return opened;
  }

  async #handshake(
    host: string,
    target: Target,
    using: { authentication: Authentication; hostKey: HostKeyCheck; jump: Connection | undefined },
  ): Promise<Connection> {
    const { clock, connectTimeoutMs = target.connectTimeoutMs ?? defaultConnectTimeoutMs } = this.#options;
    const keepalive = this.#options.keepalive ?? boundedKeepalive(target.keepalive);
    const done = new AbortController();
    const expired = new AbortController();
    const pausedMs = (): number => this.#keyFiles.askingMs();
    expires(clock, connectTimeoutMs, pausedMs, done.signal).then(
      () => expired.abort(connectDeadlineError(host, target, connectTimeoutMs)),
      () => undefined,
    );
    const signal = AbortSignal.any([expired.signal, this.#closing.signal]);
    try {
      const stream = await openStream(host, target, using.jump, signal);
      return await logIn(host, target, stream, using.authentication, using.hostKey, keepalive, signal);
    } finally {
      done.abort(noLongerNeeded);
    }
  }

  async #readKnownHosts(host: string, target: Target): Promise<readonly KnownHostLines[]> {
    try {
      return await this.#knownHosts.load([...target.knownHostsFiles, ...target.globalKnownHostsFiles]);
    } catch (error) {
      throw new RemoteError(host, 'config', `known_hosts cannot be read: ${messageOf(error)}.`, { cause: error });
    }
  }

  /** Only now, when the server has proved that the key is its own. */
  async #remember(host: string, target: Target, key: Buffer | undefined): Promise<void> {
    if (key === undefined) return;
    const [file] = target.knownHostsFiles;
    const notice = `trusts the new host key of ${target.knownHostName}, ${fingerprint(key)}`;
    if (file === undefined) return this.#options.onNotice?.(host, `${notice}, for this run only.`);
    try {
      await this.#knownHosts.add(file, target.knownHostName, key, { hashed: target.hashKnownHosts });
      this.#options.onNotice?.(host, `${notice}, from now on (${file}).`);
    } catch (error) {
      this.#options.onNotice?.(host, `${notice}, for this run only: ${file} cannot be written (${messageOf(error)}).`);
    }
  }
}

/** ssh_config's values where they notice a dead peer in time. */
function boundedKeepalive(configured: Keepalive | undefined): Keepalive {
  if (configured === undefined) return defaultKeepalive;
  return configured.intervalMs * (configured.countMax + 1) <= slowestNoticeMs ? configured : defaultKeepalive;
}

/** Resolves once `timeoutMs` have passed, not counting the time in which a person was asked for a passphrase. */
async function expires(clock: Clock, timeoutMs: number, pausedMs: () => number, signal: AbortSignal): Promise<void> {
  let countedMs = pausedMs();
  for (let leftMs = timeoutMs; leftMs > 0;) {
    await clock.sleep(leftMs, signal);
    leftMs = pausedMs() - countedMs;
    countedMs += leftMs;
  }
}

async function openStream(
  host: string,
  target: Target,
  jump: Connection | undefined,
  signal: AbortSignal,
): Promise<Duplex> {
  try {
    return await (jump === undefined ? dial(target, signal) : forwardTo(jump, target, signal));
  } catch (error) {
    throw explainDial(host, target, error);
  }
}

function explainDial(host: string, target: Target, cause: unknown): HandshakeError {
  if (cause instanceof RemoteError) return new HandshakeError(cause, false);
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const through = target.via === undefined ? '' : ` through jump host ${describeServer(target.via)}`;
  if (target.via !== undefined && isForwardingRefused(cause)) {
    const message = `${describeServer(target)} cannot be reached${through}: TCP forwarding is not allowed there.`;
    const hint = forwardingHint("the jump host's");
    return new HandshakeError(new RemoteError(host, 'forwarding_refused', message, { cause, hint }), false);
  }
  const reason = dialReasons[code] ?? messageOf(cause);
  return new HandshakeError(
    new RemoteError(host, 'unreachable', `${describeServer(target)} cannot be reached${through}: ${reason}.`, {
      cause,
      hint: dialHints[code] ?? 'Is the host up, its address right, and the way to it open?',
    }),
    // A jump host that was lost just now is dialled again with the next try.
    transientDialCodes.has(code) || /not connected|no response from server/i.test(messageOf(cause)),
  );
}

const dialReasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'no such host name',
  EAI_AGAIN: 'the name server does not answer',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to its network',
  ETIMEDOUT: 'no answer',
  ECONNRESET: 'connection reset',
};
const dialHints: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'The host is up, but no SSH server listens there. Check ansible_port, and sshd on the host.',
  ENOTFOUND: 'Check ansible_host, or the name in the inventory.',
};
const transientDialCodes = new Set(['ECONNRESET', 'EAI_AGAIN', 'EADDRNOTAVAIL']);

function connectDeadlineError(host: string, target: Target, timeoutMs: number): RemoteError {
  return new RemoteError(
    host,
    'unreachable',
    `${describeServer(target)} did not answer within ${timeoutMs / 1000} s.`,
    { hint: 'Is the host up, its address right, and does a firewall drop the packets?' },
  );
}

/** A key that the inventory names must be there; one of ssh_config's may be missing, as for ssh. */
function refuseMissingKeys(host: string, target: Target, found: IdentitiesFound): void {
  const named = target.identityFiles.find(({ origin }) => origin === 'inventory')?.path;
  const problem = named === undefined ? undefined : found.skipped.find((reason) => reason.startsWith(`${named} (`));
  if (problem !== undefined) {
    throw new RemoteError(host, 'config', `ansible_ssh_private_key_file cannot be used: ${problem}.`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
