/** An operator's wish to stop: first to a safe point, then at once. */
export class Interrupt {
  readonly #now = new AbortController();
  readonly #soon = new AbortController();
  #wish: 'pause' | 'end' | undefined;
  #isOver = false;

  /** No new node starts; started ones finish or are put back. */
  get isRequested(): boolean {
    return this.#wish !== undefined;
  }

  /** What is wished for is a pause: the run is to go on later. */
  get isPause(): boolean {
    return this.#wish === 'pause';
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
  }

  request(): void {
    if (this.#wish === 'end') this.#now.abort(new Interrupted('end'));
    else this.#stop('end');
  }

  /** To the same safe point as the first request; one that has come before counts for more. */
  pause(): void {
    if (this.#wish === undefined) this.#stop('pause');
  }

  #stop(wish: 'pause' | 'end'): void {
    this.#wish = wish;
    this.#soon.abort(new Interrupted(wish));
  }
}

export class Interrupted extends Error {
  readonly wish: 'pause' | 'end';

  constructor(wish: 'pause' | 'end') {
    super(wish === 'pause' ? 'paused' : 'interrupted');
    this.name = 'Interrupted';
    this.wish = wish;
  }
}
