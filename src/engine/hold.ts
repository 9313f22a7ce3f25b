/** A place where a run holds, and where an operator may let it go on before its time. */
export class Hold {
  /** What holds: `the canary h1`. */
  readonly subject: string;
  /** Resolves when it is promoted. */
  readonly promoted: Promise<void>;
  readonly #promotion = new AbortController();
  #promotedBy: string | undefined;

  constructor(subject: string) {
    this.subject = subject;
    this.promoted = new Promise((resolve) => this.#promotion.signal.addEventListener('abort', () => resolve()));
  }

  /** Who let it go on; undefined while nobody has. */
  get promotedBy(): string | undefined {
    return this.#promotedBy;
  }

  /** Aborted when it is promoted: a question that is open has its answer. */
  get signal(): AbortSignal {
    return this.#promotion.signal;
  }

  promote(by: string): void {
    this.#promotedBy ??= by;
    this.#promotion.abort();
  }
}

/** Where a run holds right now. */
export class Holds {
  readonly #open = new Set<Hold>();

  /** Work during which the run holds. */
  async during<T>(subject: string, work: (hold: Hold) => Promise<T>): Promise<T> {
    const hold = new Hold(subject);
    this.#open.add(hold);
    try {
      return await work(hold);
    } finally {
      this.#open.delete(hold);
    }
  }

  /** Lets everything go on that holds. @returns what that is; none: nothing holds */
  promote(by: string): readonly string[] {
    const holds = [...this.#open];
    for (const hold of holds) hold.promote(by);
    return holds.map(({ subject }) => subject);
  }
}
