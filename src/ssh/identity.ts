import ssh2, { type BaseAgent, type ParsedKey, type SigningRequestOptions } from 'ssh2';

/** A key that can be offered to a server. Signing may ask for a passphrase, and only happens if the server wants the key. */
export interface Identity {
  /** `key ~/.ssh/id_ed25519 (SHA256:…)`, for errors. */
  readonly label: string;
  readonly publicKey: ParsedKey;
  /** ssh2 asks its keys from an agent; this one holds a single key. */
  readonly agent: BaseAgent;
  /** Why it could not sign, once it was asked to. */
  readonly failure: () => string | undefined;
}

export function createIdentity(label: string, key: ParsedKey, sign: (data: Buffer) => Promise<Buffer>): Identity {
  const publicKey = withoutSha1(key);
  const agent = new SingleKeyAgent(publicKey, sign);
  return { label, publicKey, agent, failure: () => agent.failure };
}

/**
 * ssh2 signs with an RSA key over SHA-1 where the server does not list its algorithms. Under the name of the algorithm
 * itself the key has no such choice, and ssh2 takes it as it is.
 */
function withoutSha1(key: ParsedKey): ParsedKey {
  if (key.type !== 'ssh-rsa') return key;
  return Object.create(key, { type: { value: 'rsa-sha2-256' } }) as ParsedKey;
}

class SingleKeyAgent extends ssh2.BaseAgent {
  failure: string | undefined;
  readonly #key: ParsedKey;
  readonly #sign: (data: Buffer) => Promise<Buffer>;

  constructor(key: ParsedKey, sign: (data: Buffer) => Promise<Buffer>) {
    super();
    this.#key = key;
    this.#sign = sign;
  }

  override getIdentities(callback: (error: Error | undefined, keys?: ParsedKey[]) => void): void {
    callback(undefined, [this.#key]);
  }

  override sign(
    _key: unknown,
    data: Buffer,
    options: SigningRequestOptions | ((error?: Error, signature?: Buffer) => void),
    callback?: (error?: Error, signature?: Buffer) => void,
  ): void {
    const done = typeof options === 'function' ? options : callback;
    this.#sign(data).then(
      (signature) => done?.(undefined, signature),
      (reason: unknown) => {
        const error = reason instanceof Error ? reason : new Error(String(reason));
        this.failure = error.message;
        done?.(error);
      },
    );
  }
}
