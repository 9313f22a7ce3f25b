import { Secret } from '../../model/secret.ts';
import { SealedSecret } from '../text/sealed-secret.ts';
import type { Place } from '../text/source.ts';
import type { Problems } from '../text/problems.ts';

/** The first word of everything that ansible-vault writes. */
export const header = '$ANSIBLE_VAULT';

/** Why a text cannot be decrypted, in words that say what to do. */
export class VaultError extends Error {}

export function isVaultText(text: string): boolean {
  return text.startsWith(header);
}

// Ansible prints an encrypted value as it stands in the file, and so does `rollout inventory`.
const ciphertexts = new WeakMap<Secret, string>();

/** The encrypted form that a secret was read from, if it was. */
export function ciphertextOf(secret: Secret): string | undefined {
  return ciphertexts.get(secret);
}

/** The text of what ansible-vault encrypted. @throws VaultError when it cannot be decrypted. */
export type Decrypt = (ciphertext: string) => string;

/** Decrypts what the configuration's files hold, each text once, and keeps every value for the redactor. */
export class Vault {
  /** Every value read so far. */
  readonly secrets: Secret[] = [];
  readonly #open: Decrypt | undefined;
  readonly #problems: Problems;
  readonly #read = new Map<string, Secret>();

  /** `decrypt` is undefined without a password; with `opaque` values then stay encrypted, for commands that only list them. */
  constructor(
    decrypt: Decrypt | undefined,
    problems: Problems,
    readonly opaque = false,
  ) {
    this.#open = decrypt;
    this.#problems = problems;
  }

  /** A `!vault` value; a {@link SealedSecret} when it cannot be read. */
  value(ciphertext: string, place: Place): Secret {
    const known = this.#read.get(ciphertext);
    if (known !== undefined) return known;
    const position = place.source.position(place.start);
    const name = `vault ${position.file}:${position.line}`;
    const text = this.#decrypt(ciphertext, this.opaque);
    if (typeof text !== 'string') return new SealedSecret(name, place.source.problem(place.start, '', text.message));
    const secret = new Secret(name, text);
    ciphertexts.set(secret, ciphertext);
    this.#read.set(ciphertext, secret);
    this.secrets.push(secret);
    return secret;
  }

  /** The text of a file that is encrypted as a whole; without a password a problem, as nobody knows what is missing. */
  file(ciphertext: string, place: Place): string | undefined {
    const text = this.#decrypt(ciphertext, false);
    if (typeof text === 'string') return text;
    this.#problems.add(place.source.problem(place.start, '', text.message));
    return undefined;
  }

  /** A value from a file that is encrypted as a whole. */
  valueOfFile(text: string, name: string): Secret {
    const secret = new Secret(name, text);
    this.secrets.push(secret);
    return secret;
  }

  /** What was encrypted, for callers that report problems themselves. @throws VaultError */
  text(ciphertext: string): string {
    if (this.#open !== undefined) return this.#open(ciphertext);
    throw new VaultError(
      'no password was given; use --vault-password-file FILE, --ask-vault-pass or ANSIBLE_VAULT_PASSWORD_FILE',
    );
  }

  #decrypt(ciphertext: string, opaque: boolean): string | VaultError {
    if (this.#open === undefined) {
      if (opaque) return ciphertext;
      return new VaultError(
        'this is encrypted with ansible-vault and no password was given; use --vault-password-file FILE, --ask-vault-pass or ANSIBLE_VAULT_PASSWORD_FILE',
      );
    }
    try {
      return this.#open(ciphertext);
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      return new VaultError(`this vault value cannot be decrypted: ${error.message}`, { cause: error });
    }
  }
}
