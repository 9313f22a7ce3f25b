import type { Clock } from '../model/clock.ts';
import type { BalancerView, LoadBalancer } from './view.ts';

/** How often a balancer is read while somebody waits; a reading that takes long stretches it. */
const pollIntervalMs = 50;
/** Between two looks that have to agree: a balancer counts a session in well under a millisecond after it chose its server. */
const secondLookMs = 20;
/** A balancer is busy with our page for at most this share of the time. */
const readTimeShare = 5;
/** However slow the page is, as over a long way: a drained node is to be seen soon after it is. */
const longestPauseMs = 500;

/** Polls a balancer for everybody who waits on it: however many nodes are on their way, there is one reading at a time. */
export class BalancerWatch {
  readonly #balancer: LoadBalancer;
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  #reading: Promise<BalancerView> | undefined;
  #following: Promise<BalancerView> | undefined;
  #nextAtMs = 0;
  #latest: BalancerView | undefined;
  readonly #listeners = new Set<(view: BalancerView) => void>();

  constructor(balancer: LoadBalancer, clock: Clock, signal?: AbortSignal) {
    this.#balancer = balancer;
    this.#clock = clock;
    this.#signal = signal;
  }

  /** A reading that begins after this call, at once: for decisions. Callers that ask meanwhile share it. */
  fresh(): Promise<BalancerView> {
    this.#following ??= (this.#reading ?? Promise.resolve()).then(() => {
      this.#following = undefined;
      return this.#read();
    });
    return this.#following;
  }

  /** The next reading in the poll's rhythm: for waits. */
  async next(signal?: AbortSignal): Promise<BalancerView> {
    const delayMs = this.#nextAtMs - this.#clock.now();
    if (delayMs > 0) await this.#clock.sleep(delayMs, signal);
    signal?.throwIfAborted();
    return this.#reading ?? this.fresh();
  }

  /** A reading soon after one whose finding has to be seen twice. */
  async again(signal?: AbortSignal): Promise<BalancerView> {
    await this.#clock.sleep(secondLookMs, signal);
    return this.fresh();
  }

  /** The last reading, for what is only shown. */
  get latest(): BalancerView | undefined {
    return this.#latest;
  }

  /** Hears every reading from now on, whoever has asked for it. @returns ends it */
  listen(listener: (view: BalancerView) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#balancer.close();
  }

  #read(): Promise<BalancerView> {
    const startedMs = this.#clock.now();
    const reading = this.#balancer.read(this.#signal).finally(() => {
      const tookMs = this.#clock.now() - startedMs;
      const pauseMs = Math.min(tookMs * (readTimeShare - 1), longestPauseMs);
      this.#nextAtMs = startedMs + Math.max(pollIntervalMs, tookMs + pauseMs);
      this.#reading = undefined;
    });
    this.#reading = reading;
    void reading.then((view) => {
      this.#latest = view;
      for (const listener of this.#listeners) listener(view);
    });
    return reading;
  }
}
