import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';

/** A connection over a long way: every chunk arrives `delayMs` later, in both directions. */
export class LongWay extends Duplex {
  readonly #socket: Socket;
  readonly #delayMs: number;

  constructor(socket: Socket, delayMs: number) {
    super();
    this.#socket = socket;
    this.#delayMs = delayMs;
    socket.on('data', (chunk: Buffer) => this.#later(() => this.push(chunk)));
    socket.once('end', () => this.#later(() => this.push(null)));
    socket.once('close', () => this.destroy());
  }

  // Timers of one length fire in the order they were set.
  #later(arrive: () => void): void {
    setTimeout(() => {
      if (!this.destroyed) arrive();
    }, this.#delayMs);
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#later(() => this.#socket.write(chunk));
    done();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#later(() => this.#socket.end());
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
