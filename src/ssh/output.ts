import { finished } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { GrowingBuffer } from './growing-buffer.ts';

/** Gathers a stream's bytes within a limit; all of them are read, so that the command never stalls. */
export class OutputCollector {
  readonly #maxBytes: number;
  readonly #keep: 'first' | 'last';
  /** Resolves when everything has been read: an exit code may come before the last of the output. */
  readonly ended: Promise<void>;
  readonly #held = new GrowingBuffer();
  #isCut = false;

  constructor(stream: NodeJS.ReadableStream, maxBytes: number, keep: 'first' | 'last') {
    this.#maxBytes = maxBytes;
    this.#keep = keep;
    // Whoever read the stream before may have read its end as well: that is not told again.
    this.ended = new Promise((resolve) => finished(stream, { writable: false }, () => resolve()));
    stream.on('data', (chunk: Buffer) => this.#add(chunk));
  }

  /** There was more than it keeps. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** As UTF-8; a character that the limit cut in two is left out. */
  text(): string {
    const { bytes } = this.#held;
    if (this.#keep === 'last') {
      const from = bytes.length - this.#maxBytes;
      return bytes.subarray(this.#isCut || from > 0 ? startOfCharacter(bytes, Math.max(0, from)) : 0).toString();
    }
    // A decoder that is not ended holds back a character that is not whole.
    return this.#isCut ? new StringDecoder('utf8').write(bytes) : bytes.toString();
  }

  #add(chunk: Buffer): void {
    if (this.#keep === 'first') {
      const fits = chunk.subarray(0, this.#maxBytes - this.#held.length);
      this.#isCut ||= fits.length < chunk.length;
      this.#held.append(fits);
      return;
    }
    // Only now and then: to move them all for each chunk would take longer than to print them.
    if (this.#held.length + chunk.length > 2 * this.#maxBytes) {
      this.#held.keepLast(Math.min(this.#held.length, Math.max(0, this.#maxBytes - chunk.length)));
      this.#isCut = true;
    }
    this.#held.append(chunk.subarray(-this.#maxBytes));
  }
}

function startOfCharacter(bytes: Buffer, from: number): number {
  let start = from;
  while (start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start++;
  return start;
}
