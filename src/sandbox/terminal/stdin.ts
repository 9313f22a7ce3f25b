/** A command's stdin, which sudo may read the first line of. */
export class Stdin {
  /** Resolves at its end, or when its channel closes. */
  readonly ended: Promise<void>;
  #chunks: Buffer[] = [];
  #hasEnded = false;
  #end: () => void = () => {};
  #wake: () => void = () => {};

  constructor() {
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#wake();
  }

  end(): void {
    this.#hasEnded = true;
    this.#end();
    this.#wake();
  }

  /** What has come, or comes next; undefined at its end. */
  async readSome(): Promise<Buffer | undefined> {
    while (this.#chunks.length === 0 && !this.#hasEnded) await new Promise<void>((resolve) => (this.#wake = resolve));
    const some = Buffer.concat(this.#chunks);
    this.#chunks = [];
    return some.length === 0 ? undefined : some;
  }

  /** All that is left of it. */
  async readAll(): Promise<Buffer> {
    await this.ended;
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [];
    return all;
  }

  /** The next line without its end; undefined when stdin ends before one. */
  async readLine(): Promise<string | undefined> {
    for (;;) {
      const held = Buffer.concat(this.#chunks);
      const end = held.indexOf('\n');
      if (end !== -1) {
        this.#chunks = [held.subarray(end + 1)];
        return held.toString('utf8', 0, end);
      }
      if (this.#hasEnded) return undefined;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
