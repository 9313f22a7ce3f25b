import { createHash } from 'node:crypto';

export const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

/** 64 hexadecimal digits, different for every call and the same in every run: nothing in the sandbox is random. */
export class IdSource {
  readonly #seed: string;
  #count = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  next(): string {
    this.#count += 1;
    return sha256(`${this.#seed}/${this.#count}`);
  }
}
