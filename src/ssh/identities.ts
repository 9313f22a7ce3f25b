import { within, type Clock } from '../model/clock.ts';
import ssh2, { type ParsedKey } from 'ssh2';
import { createIdentity, type Identity } from './identity.ts';
import { fingerprint } from './known-hosts.ts';
import type { IdentityFile, Target } from './target.ts';
import type { KeyFiles } from './key-files.ts';

/** To tell its keys: it asks nobody for that. */
export const agentTimeoutMs = 5000;

export interface IdentitiesFound {
  readonly identities: readonly Identity[];
  /** Keys that could not be offered, and why. */
  readonly skipped: readonly string[];
}

/**
 * The keys for a target, in the order in which they are offered: those that someone named (signed by the agent where
 * it holds them), the agent's others unless IdentitiesOnly, ssh's default files.
 */
export async function findIdentities(target: Target, files: KeyFiles, agents: AgentCache): Promise<IdentitiesFound> {
  const skipped: string[] = [];
  const agentKeys = await agents.list(target.agentSocket).catch((error: unknown) => {
    skipped.push(
      `the agent at ${target.agentSocket ?? ''} (${error instanceof Error ? error.message : String(error)})`,
    );
    return [];
  });
  const named = target.identityFiles.filter(({ origin }) => origin !== 'default');
  const fromFiles = async (list: readonly IdentityFile[]): Promise<readonly Identity[]> => {
    const found = await Promise.all(list.map((file) => files.identity(file)));
    return found.flatMap((file) => {
      if (file.kind === 'unusable') skipped.push(file.reason);
      return file.kind === 'identity' ? [heldByAgent(agentKeys, file.identity.publicKey) ?? file.identity] : [];
    });
  };
  const explicit = await fromFiles(named);
  const defaults = named.length === 0 ? await fromFiles(target.identityFiles) : [];
  const others = target.identitiesOnly ? [] : agentKeys;
  return { identities: withoutRepeats([...explicit, ...others, ...defaults]), skipped };
}

/** The keys of each agent, asked for once. */
export class AgentCache {
  readonly #clock: Clock;
  readonly #keys = new Map<string, Promise<readonly Identity[]>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  list(socket: string | undefined): Promise<readonly Identity[]> {
    if (socket === undefined) return Promise.resolve([]);
    const cached = this.#keys.get(socket) ?? this.#ask(socket);
    this.#keys.set(socket, cached);
    return cached;
  }

  /** An agent that was forwarded from a machine that sleeps takes the question, and never answers. */
  async #ask(socket: string): Promise<readonly Identity[]> {
    const found = listAgentKeys(socket);
    found.catch(() => undefined);
    const keys = await within(this.#clock, agentTimeoutMs, found);
    if (keys === undefined) throw new Error(`it has not answered within ${agentTimeoutMs / 1000} s`);
    return keys;
  }
}

async function listAgentKeys(socket: string): Promise<readonly Identity[]> {
  const agent = ssh2.createAgent(socket);
  const keys = await new Promise<readonly ParsedKey[]>((resolve, reject) => {
    agent.getIdentities((error, found) => {
      if (error) reject(error);
      else resolve((found ?? []).flatMap((key) => parseAgentKey(key)));
    });
  });
  return keys.map((key) => {
    const sign = (data: Buffer): Promise<Buffer> =>
      new Promise((resolve, reject) => {
        agent.sign(key, data, key.type === 'ssh-rsa' ? { hash: 'sha256' } : {}, (error, signature) => {
          if (signature === undefined) reject(error ?? new Error('the agent did not sign'));
          else resolve(signature);
        });
      });
    const label = `agent key ${key.comment === '' ? '' : `${key.comment} `}(${fingerprint(key.getPublicSSH())})`;
    return createIdentity(label, key, sign);
  });
}

function parseAgentKey(key: unknown): readonly ParsedKey[] {
  const parsed = ssh2.utils.parseKey(key as ParsedKey);
  // Certificates and FIDO keys, which ssh2 cannot use.
  return parsed instanceof Error ? [] : [parsed];
}

function heldByAgent(agentKeys: readonly Identity[], key: ParsedKey): Identity | undefined {
  return agentKeys.find(({ publicKey }) => publicKey.getPublicSSH().equals(key.getPublicSSH()));
}

function withoutRepeats(identities: readonly Identity[]): readonly Identity[] {
  const seen = new Set<string>();
  return identities.filter(({ publicKey }) => {
    const blob = publicKey.getPublicSSH().toString('base64');
    return !seen.has(blob) && seen.add(blob);
  });
}
