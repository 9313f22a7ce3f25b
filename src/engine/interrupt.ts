/** An operator's wish to stop: first to a safe point, then at once. */
export class Interrupt {
  readonly #now = new AbortController();
  readonly #soon = new AbortController();
  #isOver = false;

  /** No new node starts; started ones finish or are put back. */
  get isRequested(): boolean {
    return this.#soon.signal.aborted;
  }

  /** Aborted at the first request: for waits that nothing depends on, such as a bake. */
  get soon(): AbortSignal {
    return this.#soon.signal;
  }

  /** Aborted at the second request: everything stops where it is. */
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
    if (this.isRequested) this.#now.abort(new Interrupted());
    else this.#soon.abort(new Interrupted());
  }
}

export class Interrupted extends Error {
  constructor() {
    super('interrupted');
    this.name = 'Interrupted';
  }
}
