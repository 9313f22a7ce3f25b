import { createPrivateKey, sign as signBytes, type KeyObject } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import ssh2, { type ParsedKey } from 'ssh2';
import type { Clock } from '../model/clock.ts';
import { createIdentity, type Identity } from './identity.ts';
import { fingerprint } from './known-hosts.ts';
import type { IdentityFile } from './target.ts';

export type KeyFile =
  | { readonly kind: 'identity'; readonly identity: Identity }
  | { readonly kind: 'unusable'; readonly reason: string }
  | { readonly kind: 'missing' };

/** Asks a person for a secret; rejects where they decline. */
export type Prompt = (question: string) => Promise<string>;

const passphraseTries = 3;

/** The private key files of a run: each read once, and its passphrase asked for once. */
export class KeyFiles {
  readonly #files = new Map<string, Promise<KeyFile>>();
  readonly #prompt: Prompt | undefined;
  readonly #clock: Clock;
  #asking: Promise<unknown> = Promise.resolve();
  #askedMs = 0;
  #askingSinceMs: number | undefined;

  constructor(prompt: Prompt | undefined, clock: Clock) {
    this.#prompt = prompt;
    this.#clock = clock;
  }

  /** How long a person has been asked so far, in all. */
  askingMs(): number {
    return this.#askedMs + (this.#askingSinceMs === undefined ? 0 : this.#clock.now() - this.#askingSinceMs);
  }

  identity(file: IdentityFile): Promise<KeyFile> {
    const cached = this.#files.get(file.path) ?? this.#load(file);
    this.#files.set(file.path, cached);
    return cached;
  }

  async #load({ path, origin }: IdentityFile): Promise<KeyFile> {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      if (reason === 'ENOENT' && origin === 'default') return { kind: 'missing' };
      return { kind: 'unusable', reason: `${path} (${reason === 'ENOENT' ? 'no such file' : reason})` };
    }
    if (await isReadableByOthers(path)) {
      return { kind: 'unusable', reason: `${path} (others can read it, so it is not used; type: chmod 600 ${path})` };
    }
    const key = parsePrivateKey(text);
    if (!(key instanceof Error)) {
      return { kind: 'identity', identity: createIdentity(labelOf(path, key), key, (data) => signWith(key, data)) };
    }
    if (!/passphrase|encrypted/i.test(key.message)) {
      return { kind: 'unusable', reason: `${path} (${key.message})` };
    }
    return this.#encrypted(path, text);
  }

  /** The public half is offered first, so that a passphrase is asked for only where a server takes the key. */
  async #encrypted(path: string, text: string): Promise<KeyFile> {
    let unlocked: Promise<ParsedKey> | undefined;
    const unlock = (): Promise<ParsedKey> => (unlocked ??= this.#unlock(path, text));
    try {
      const publicKey = (await readPublicKey(path, text)) ?? (await unlock());
      const sign = async (data: Buffer): Promise<Buffer> => signWith(await unlock(), data);
      return { kind: 'identity', identity: createIdentity(labelOf(path, publicKey), publicKey, sign) };
    } catch (error) {
      return { kind: 'unusable', reason: `${path} (${error instanceof Error ? error.message : String(error)})` };
    }
  }

  async #unlock(path: string, text: string): Promise<ParsedKey> {
    const prompt = this.#prompt;
    if (prompt === undefined) {
      throw new Error('it has a passphrase, and there is no terminal to ask for it; add the key to ssh-agent');
    }
    // One question at a time, whatever number of hosts wait for keys.
    const asked = this.#asking.then(async () => {
      this.#askingSinceMs = this.#clock.now();
      try {
        return await askPassphrase(path, text, prompt);
      } finally {
        this.#askedMs = this.askingMs();
        this.#askingSinceMs = undefined;
      }
    });
    this.#asking = asked.catch(() => undefined);
    return asked;
  }
}

async function askPassphrase(path: string, text: string, prompt: Prompt): Promise<ParsedKey> {
  for (let attempt = 1; attempt <= passphraseTries; attempt++) {
    const key = parsePrivateKey(text, await prompt(`Enter passphrase for key '${path}': `));
    if (!(key instanceof Error)) return key;
  }
  throw new Error(`wrong passphrase, ${passphraseTries} times`);
}

function parsePrivateKey(text: string, passphrase?: string): ParsedKey | Error {
  const parsed = ssh2.utils.parseKey(text, passphrase) as ParsedKey | readonly ParsedKey[] | Error;
  if (parsed instanceof Error) return parsed;
  // A file of several keys: as ssh, the first.
  const key = 'length' in parsed ? parsed[0] : parsed;
  if (key?.isPrivateKey() !== true) return new Error('it holds no private key');
  return key;
}

/**
 * Keys that node has read: ssh2 hands it the text of the key with every signature, and reading that takes ten times as
 * long as signing.
 */
const readKeys = new WeakMap<ParsedKey, KeyObject>();

function signWith(key: ParsedKey, data: Buffer): Promise<Buffer> {
  if (key.type === 'ssh-ed25519') {
    const readKey = readKeys.get(key) ?? createPrivateKey(key.getPrivatePEM());
    readKeys.set(key, readKey);
    return Promise.resolve(signBytes(undefined, data, readKey));
  }
  const signature = key.sign(data, key.type === 'ssh-rsa' ? 'sha256' : undefined) as Buffer | Error;
  return signature instanceof Error ? Promise.reject(signature) : Promise.resolve(signature);
}

/** From the header of OpenSSH's own format, or from the `.pub` file beside it. */
async function readPublicKey(path: string, text: string): Promise<ParsedKey | undefined> {
  const blob = publicKeyInHeader(text) ?? (await readFile(`${path}.pub`, 'utf8').catch(() => undefined));
  if (blob === undefined) return undefined;
  const parsed = ssh2.utils.parseKey(blob);
  return parsed instanceof Error ? undefined : parsed;
}

/** `openssh-key-v1`: cipher, kdf, kdf options, number of keys, public key; the rest is encrypted. */
function publicKeyInHeader(text: string): Buffer | undefined {
  const base64 = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+?)-----END/.exec(text)?.[1];
  const bytes = Buffer.from(base64 ?? '', 'base64');
  const magic = 'openssh-key-v1\0';
  if (bytes.toString('latin1', 0, magic.length) !== magic) return undefined;
  let offset = magic.length;
  const readString = (): Buffer => {
    const start = offset + 4;
    offset = start + bytes.readUInt32BE(offset);
    return bytes.subarray(start, offset);
  };
  try {
    for (let field = 0; field < 3; field++) readString();
    offset += 4;
    return readString();
  } catch {
    // Cut short: then the .pub file, or the passphrase, tells.
    return undefined;
  }
}

async function isReadableByOthers(path: string): Promise<boolean> {
  if (process.getuid === undefined) return false;
  const { mode, uid } = await stat(path);
  return uid === process.getuid() && (mode & 0o077) !== 0;
}

function labelOf(path: string, key: ParsedKey): string {
  return `key ${path} (${fingerprint(key.getPublicSSH())})`;
}
