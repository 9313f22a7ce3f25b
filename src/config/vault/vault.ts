import { createDecipheriv, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import { Secret } from '../../model/secret.ts';
import type { Place } from '../text/source.ts';
import type { Problems } from '../text/problems.ts';

/** The first word of everything that ansible-vault writes. */
const header = '$ANSIBLE_VAULT';

/** Why a text cannot be decrypted, in words that say what to do. */
export class VaultError extends Error {}

export function isVaultText(text: string): boolean {
  return text.startsWith(header);
}

/**
 * Decrypts what ansible-vault wrote (format 1.1 or 1.2, AES256): PBKDF2-SHA256 gives two keys and a counter, an HMAC
 * over the ciphertext proves the password, AES-CTR with PKCS#7 padding holds the text.
 * @throws VaultError for a wrong password, another format, or damage.
 */
export function decryptVault(text: string, password: string): string {
  const [first = '', ...lines] = text.trim().split(/\r?\n/);
  const [mark, version = '', cipher = ''] = first.trim().split(';');
  if (mark !== header) throw new VaultError(`it does not begin with ${header}`);
  if (version !== '1.1' && version !== '1.2')
    throw new VaultError(`format ${version} is not supported; 1.1 and 1.2 are`);
  if (cipher !== 'AES256') throw new VaultError(`the cipher ${cipher} is not supported; AES256 is`);
  const [salt, mac, ciphertext] = fromHex(lines.map((line) => line.trim()).join(''))
    .toString('latin1')
    .split('\n', 3);
  if (salt === undefined || mac === undefined || ciphertext === undefined)
    throw new VaultError('it is cut off or damaged');
  const keys = pbkdf2Sync(password, fromHex(salt), 10_000, 80, 'sha256');
  const data = fromHex(ciphertext);
  const expected = createHmac('sha256', keys.subarray(32, 64)).update(data).digest();
  const found = fromHex(mac);
  if (found.length !== expected.length || !timingSafeEqual(found, expected))
    throw new VaultError('the vault password does not fit it, or it is damaged');
  const decipher = createDecipheriv('aes-256-ctr', keys.subarray(0, 32), keys.subarray(64, 80));
  const padded = Buffer.concat([decipher.update(data), decipher.final()]);
  return padded.subarray(0, padded.length - (padded.at(-1) ?? 0)).toString('utf8');
}

function fromHex(text: string): Buffer {
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(text)) throw new VaultError('it is cut off or damaged');
  return Buffer.from(text, 'hex');
}

// Ansible prints an encrypted value as it stands in the file, and so does `rollout inventory`.
const ciphertexts = new WeakMap<Secret, string>();

/** The encrypted form that a secret was read from, if it was. */
export function ciphertextOf(secret: Secret): string | undefined {
  return ciphertexts.get(secret);
}

/** Decrypts what the configuration's files hold, each text once, and keeps every value for the redactor. */
export class Vault {
  /** Every value read so far. */
  readonly secrets: Secret[] = [];
  readonly #password: string | undefined;
  readonly #problems: Problems;
  readonly #read = new Map<string, Secret | undefined>();

  /** `password: undefined` with `opaque`: values stay encrypted, for commands that only list them. */
  constructor(
    password: string | undefined,
    problems: Problems,
    readonly opaque = false,
  ) {
    this.#password = password;
    this.#problems = problems;
  }

  /** A `!vault` value; its problem is noted, and the value undefined, when it cannot be read. */
  value(ciphertext: string, place: Place): Secret | undefined {
    const known = this.#read.get(ciphertext);
    if (known !== undefined) return known;
    const text = this.#decrypt(ciphertext, place);
    if (text === undefined) return undefined;
    const position = place.source.position(place.start);
    const secret = new Secret(`vault ${position.file}:${position.line}`, text);
    ciphertexts.set(secret, ciphertext);
    this.#read.set(ciphertext, secret);
    this.secrets.push(secret);
    return secret;
  }

  /** The text of a file that is encrypted as a whole. */
  file(ciphertext: string, place: Place): string | undefined {
    return this.opaque && this.#password === undefined ? undefined : this.#decrypt(ciphertext, place);
  }

  /** A value from a file that is encrypted as a whole. */
  valueOfFile(text: string, name: string): Secret {
    const secret = new Secret(name, text);
    this.secrets.push(secret);
    return secret;
  }

  /** What was encrypted, for callers that report problems themselves. @throws VaultError */
  text(ciphertext: string): string {
    if (this.#password !== undefined) return decryptVault(ciphertext, this.#password);
    throw new VaultError(
      'no password was given; use --vault-password-file FILE, --ask-vault-pass or ANSIBLE_VAULT_PASSWORD_FILE',
    );
  }

  #decrypt(ciphertext: string, place: Place): string | undefined {
    const report = (message: string): void => this.#problems.add(place.source.problem(place.start, '', message));
    if (this.#password === undefined) {
      if (this.opaque) return ciphertext;
      report(
        'this is encrypted with ansible-vault and no password was given; use --vault-password-file FILE, --ask-vault-pass or ANSIBLE_VAULT_PASSWORD_FILE',
      );
      return undefined;
    }
    try {
      return decryptVault(ciphertext, this.#password);
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      report(`this vault value cannot be decrypted: ${error.message}`);
      return undefined;
    }
  }
}
