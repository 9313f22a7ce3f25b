import { setMaxListeners } from 'node:events';
import { noLongerNeeded, type Clock } from '../model/clock.ts';

/** When a run has to pause by itself, and why. */
interface Closing {
  readonly atMs: number;
  readonly reason: string;
}

/** Timers take 24 days at most. */
const longestSleepMs = 86_400_000;

/** The wish to stop, an operator's or that of a window that closes: first to a safe point, then at once. */
export class Interrupt {
  readonly #now = new AbortController();
  readonly #soon = new AbortController();
  #wish: 'pause' | 'end' | undefined;
  readonly #clock: Clock;
  readonly #end = new AbortController();
  #pauseReason = '';
  #closing: Closing | undefined;
  #hasClosed = false;
  #isOver = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    // Every node listens: of ten and more Node would tell the operator.
    setMaxListeners(0, this.#now.signal, this.#soon.signal, this.#end.signal);
  }

  /** No new node starts; started ones finish or are put back. */
  get isRequested(): boolean {
    // A timer may be late, and no node may start by it.
    this.#closeWhenDue();
    return this.#wish !== undefined;
  }

  /** What is wished for is a pause: the run is to go on later. */
  get isPause(): boolean {
    return this.#wish === 'pause';
  }

  /** Why it is to pause. */
  get pauseReason(): string {
    return this.#pauseReason;
  }

  /** It pauses because its window has closed, or a freeze has begun. */
  get hasClosed(): boolean {
    return this.#hasClosed;
  }

  /** Aborted at the first request: for waits that nothing depends on, such as a bake. */
  get soon(): AbortSignal {
    return this.#soon.signal;
  }

  /** Aborted at the second request to end: everything stops where it is. */
  get now(): AbortSignal {
    return this.#now.signal;
  }

  /** The run has its end: what comes now stops nothing, and is not said. */
  get isOver(): boolean {
    return this.#isOver;
  }

  close(): void {
    this.#isOver = true;
    this.#end.abort(noLongerNeeded);
  }

  /** It is to pause by itself, unless it is over by then. */
  pauseAt(closing: Closing): void {
    this.#closing = closing;
    void this.#waitForClosing(closing.atMs).catch(() => undefined);
  }

  request(): void {
    if (this.#wish === 'end') this.#now.abort(new Interrupted('end', ''));
    else this.#stop('end');
  }

  /** To the same safe point as the first request; one that has come before counts for more. */
  pause(reason: string): void {
    if (this.#wish !== undefined) return;
    this.#pauseReason = reason;
    this.#stop('pause');
  }

  async #waitForClosing(atMs: number): Promise<void> {
    for (let leftMs = atMs - this.#clock.now(); leftMs > 0; leftMs = atMs - this.#clock.now())
      await this.#clock.sleep(Math.min(leftMs, longestSleepMs), this.#end.signal);
    this.#closeWhenDue();
  }

  #closeWhenDue(): void {
    const closing = this.#closing;
    if (closing === undefined || this.#isOver || this.#clock.now() < closing.atMs) return;
    this.#closing = undefined;
    this.#hasClosed = this.#wish === undefined;
    this.pause(closing.reason);
  }

  #stop(wish: 'pause' | 'end'): void {
    this.#wish = wish;
    this.#soon.abort(new Interrupted(wish, this.#pauseReason));
  }
}

export class Interrupted extends Error {
  readonly wish: 'pause' | 'end';

  constructor(wish: 'pause' | 'end', reason: string) {
    super(wish === 'pause' ? `paused: ${reason}` : 'interrupted');
    this.name = 'Interrupted';
    this.wish = wish;
  }
}
