import type { Duplex } from 'node:stream';
import type { Client } from 'ssh2';
import { noLongerNeeded, type Clock } from '../model/clock.ts';

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

  async close(clock: Clock): Promise<void> {
    if (this.isEnded) return;
    this.client.end();
    const answered = new AbortController();
    const patience = clock.sleep(farewellMs, answered.signal).catch(() => undefined);
    const isGone = await Promise.race([this.ended.then(() => true), patience.then(() => false)]);
    answered.abort(noLongerNeeded);
    // Keepalive stops with the farewell, so a dead peer would hold a closing connection for a quarter of an hour.
    if (!isGone) this.#stream.destroy();
  }
}
