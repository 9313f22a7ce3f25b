import { Transform, type TransformCallback } from 'node:stream';
import type { StreamMarks } from '../shell/frame.ts';

/** Of what stands before the begin: enough to see whose it is. */
const mostNoiseBytes = 2000;
/** No exit code is longer. */
const mostCodeLength = 10;

/**
 * One stream of a framed command: what stands between its marks. What a login shell prints before the begin is skipped,
 * what comes after the end is dropped. It keeps no more than a mark's length of what it has not handed on.
 */
export class FramedOutput extends Transform {
  /** Resolves when all up to the end mark has been read, with the exit code that it holds; never where it does not come. */
  readonly complete: Promise<number>;
  readonly #begin: Buffer;
  readonly #end: Buffer;
  readonly #last: string;
  #state: 'before' | 'inside' | 'after' = 'before';
  #held: Buffer = Buffer.alloc(0);
  #noise: Buffer = Buffer.alloc(0);
  #completed: (exitCode: number) => void = () => undefined;
  #exitCode: number | undefined;

  constructor({ begin, end, last }: StreamMarks) {
    super();
    this.#begin = Buffer.from(begin);
    this.#end = Buffer.from(end);
    this.#last = last;
    this.complete = new Promise((resolve) => (this.#completed = resolve));
  }

  /** As the end mark holds it, from when that has come: what stands before it may still wait for its reader. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** The command was run, whatever became of it. */
  get hasBegun(): boolean {
    return this.#state !== 'before';
  }

  /** The first of what stands before the begin. */
  get noise(): string {
    return this.#noise.toString();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.#state !== 'after') {
      this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
      if (this.#state === 'before') this.#skip();
      if (this.#state === 'inside') this.#handOn();
    }
    done();
  }

  override _flush(done: TransformCallback): void {
    if (this.#state === 'before') this.#addNoise(this.#held);
    if (this.#state === 'inside') this.push(this.#held);
    done();
  }

  #skip(): void {
    const at = this.#held.indexOf(this.#begin);
    const kept = at === -1 ? Math.max(0, this.#held.length - this.#begin.length + 1) : at;
    this.#addNoise(this.#held.subarray(0, kept));
    this.#held = this.#held.subarray(at === -1 ? kept : at + this.#begin.length);
    if (at !== -1) this.#state = 'inside';
  }

  #handOn(): void {
    const at = this.#held.indexOf(this.#end);
    const kept = at === -1 ? startOfPrefix(this.#held, this.#end) : at;
    if (kept > 0) this.push(this.#held.subarray(0, kept));
    this.#held = this.#held.subarray(kept);
    if (at === -1) return;
    const rest = this.#held.toString('latin1', this.#end.length, this.#end.length + mostCodeLength);
    const last = this.#last === '' ? 0 : rest.indexOf(this.#last);
    if (last === -1) {
      // A host that prints half an end and goes on: what follows is output like any other.
      if (rest.length === mostCodeLength) this.#release();
      return;
    }
    this.#state = 'after';
    this.#held = Buffer.alloc(0);
    const exitCode = Number(rest.slice(0, last));
    this.#exitCode = exitCode;
    this.once('end', () => this.#completed(exitCode));
    this.push(null);
  }

  #release(): void {
    this.push(this.#held.subarray(0, this.#end.length));
    this.#held = this.#held.subarray(this.#end.length);
    this.#handOn();
  }

  #addNoise(bytes: Buffer): void {
    const space = mostNoiseBytes - this.#noise.length;
    if (space > 0 && bytes.length > 0) this.#noise = Buffer.concat([this.#noise, bytes.subarray(0, space)]);
  }
}

/** Where the longest end of `bytes` begins that may go on as `mark`: a line is handed on as soon as it is whole. */
function startOfPrefix(bytes: Buffer, mark: Buffer): number {
  const [first = 0] = mark;
  let at = bytes.indexOf(first, Math.max(0, bytes.length - mark.length + 1));
  while (at !== -1 && !bytes.subarray(at).equals(mark.subarray(0, bytes.length - at)))
    at = bytes.indexOf(first, at + 1);
  return at === -1 ? bytes.length : at;
}
