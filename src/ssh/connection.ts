import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Client } from 'ssh2';

/** How long a server has to answer a farewell. */
const farewellMs = 1000;

/** A client that is logged in. It notes its end from the first moment on: one that comes while nobody listens is not lost. */
export class Connection {
  readonly client: Client;
  /** Resolves when the connection is gone; never rejects. */
  readonly ended: Promise<void>;
  isEnded = false;
  /** The first error, where one ended it. */
  cause: Error | undefined;
  readonly #stream: Duplex;

  constructor(client: Client, stream: Duplex) {
    this.client = client;
    this.#stream = stream;
    client.on('error', (error) => {
      this.cause ??= error;
    });
    this.ended = new Promise((resolve) => {
      client.once('close', () => {
        this.isEnded = true;
        resolve();
      });
    });
  }

  /** Says farewell, and waits for no answer: what was sent before arrives all the same, also when the process ends now. */
  close(): void {
    if (this.isEnded) return;
    this.client.end();
    if (this.#stream instanceof Socket) this.#stream.unref();
    // Keepalive stops with the farewell, so a dead peer would hold a closing connection for a quarter of an hour.
    const tooLate = setTimeout(() => this.#stream.destroy(), farewellMs).unref();
    void this.ended.then(() => clearTimeout(tooLate));
  }
}
