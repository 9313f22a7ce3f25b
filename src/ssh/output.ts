import { StringDecoder } from 'node:string_decoder';

/** Gathers a stream's bytes within a limit; all of them are read, so that the command never stalls. */
export class OutputCollector {
  readonly #maxBytes: number;
  readonly #keep: 'first' | 'last';
  /** Resolves when everything has been read: an exit code may come before the last of the output. */
  readonly ended: Promise<void>;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(stream: NodeJS.ReadableStream, maxBytes: number, keep: 'first' | 'last') {
    this.#maxBytes = maxBytes;
    this.#keep = keep;
    this.ended = new Promise((resolve) => stream.once('end', resolve));
    stream.on('data', (chunk: Buffer) => this.#add(chunk));
  }

  /** As UTF-8; a character that the limit cut in two is left out. */
  text(): string {
    const bytes = Buffer.concat(this.#chunks);
    if (this.#keep === 'last') return bytes.subarray(startOfCharacter(bytes, bytes.length - this.#maxBytes)).toString();
    if (this.#bytes <= this.#maxBytes) return bytes.toString();
    // A decoder that is not ended holds back a character that is not whole.
    return new StringDecoder('utf8').write(bytes.subarray(0, this.#maxBytes));
  }

  #add(chunk: Buffer): void {
    const had = this.#bytes;
    this.#bytes += chunk.length;
    if (this.#keep === 'first') {
      if (had <= this.#maxBytes) this.#chunks.push(chunk);
      return;
    }
    this.#chunks.push(chunk);
    while (this.#bytes - (this.#chunks[0]?.length ?? 0) >= this.#maxBytes && this.#chunks.length > 1) {
      this.#bytes -= this.#chunks.shift()?.length ?? 0;
    }
  }
}

function startOfCharacter(bytes: Buffer, from: number): number {
  let start = Math.max(0, from);
  if (start === 0) return 0;
  while (start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start++;
  return start;
}
