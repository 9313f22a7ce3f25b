const firstBytes = 4096;

/** Bytes that come piece by piece, each copied: of what is printed byte by byte each would be a buffer of its own. */
export class GrowingBuffer {
  #held = Buffer.alloc(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Not to be kept: it changes with the next piece. */
  get bytes(): Buffer {
    return this.#held.subarray(0, this.#length);
  }

  append(piece: Buffer): void {
    const length = this.#length + piece.length;
    if (length > this.#held.length) {
      const larger = Buffer.alloc(Math.max(length, 2 * this.#held.length, firstBytes));
      this.#held.copy(larger, 0, 0, this.#length);
      this.#held = larger;
    }
    piece.copy(this.#held, this.#length);
    this.#length = length;
  }

  /** Drops all but the last `length` bytes. */
  keepLast(length: number): void {
    this.#held.copyWithin(0, this.#length - length, this.#length);
    this.#length = length;
  }

  clear(): void {
    this.#held = Buffer.alloc(0);
    this.#length = 0;
  }
}
