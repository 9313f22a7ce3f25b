import pLimit from 'p-limit';

export interface SlotOptions<T> {
  /** It ends when somebody closes it, not by itself: the lock, a log that is followed. */
  readonly isLasting: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Ends a channel that opened after the signal was aborted. */
  readonly abandon: (channel: T) => void;
}

/**
 * First come, first served turns on one connection. A server that refuses a channel while others are open has a lower
 * limit (sshd's MaxSessions), and the refused one is tried again when one of them has ended, as opening a channel has no
 * effect. Where it is refused once more, the limit follows the server's.
 *
 * sshd counts a session for a moment after it has told of its end: it takes several messages at once, and clears away
 * what has ended only then. So a refusal right after an end says nothing yet of the limit, nor that it is reached.
 */
export class ChannelSlots {
  readonly #limit: ReturnType<typeof pLimit>;
  readonly #waiting: (() => void)[] = [];
  #open = 0;
  #openLasting = 0;
  #ended = 0;

  constructor(limit: number) {
    this.#limit = pLimit(limit);
  }

  /**
   * Opens a channel when it is its turn, and holds the turn until `ended` of it settles.
   * @throws the signal's reason when it is aborted while waiting, or what `open` throws.
   */
  async run<T>(open: () => Promise<T>, ended: (channel: T) => Promise<unknown>, options: SlotOptions<T>): Promise<T> {
    const { signal, isLasting, abandon } = options;
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(signal?.reason as Error);
      signal?.addEventListener('abort', abort, { once: true });
      void this.#limit(async () => {
        if (isAborted(signal)) return;
        try {
          const channel = await this.#openWhenAllowed(open, signal);
          if (isLasting) this.#openLasting++;
          signal?.removeEventListener('abort', abort);
          resolve(channel);
          if (isAborted(signal)) abandon(channel);
          await ended(channel).catch(() => undefined);
          if (isLasting) this.#openLasting--;
          this.#open--;
          this.#ended++;
        } catch (error) {
          signal?.removeEventListener('abort', abort);
          reject(asError(error));
        }
        this.#waiting.shift()?.();
      });
    });
  }

  async #openWhenAllowed<T>(open: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    let endedBefore = 0;
    for (let refusals = 1; ; refusals++) {
      signal?.throwIfAborted();
      this.#open++;
      try {
        return await open();
      } catch (error) {
        this.#open--;
        if (!isRefusedChannel(error)) throw error;
        if (this.#open <= this.#openLasting) {
          // Where only lasting ones are open, waiting for one to end would never end. But the server may count others yet.
          if (this.#ended === endedBefore) throw error;
          endedBefore = this.#ended;
          continue;
        }
        if (refusals > 1) this.#limit.concurrency = Math.min(this.#limit.concurrency, this.#open);
        await new Promise<void>((retry) => this.#waiting.push(retry));
      }
    }
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** ssh2's words for a channel that the server did not open. */
export function isRefusedChannel(error: unknown): boolean {
  return error instanceof Error && /channel open failure/i.test(error.message);
}

function asError(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value));
}
