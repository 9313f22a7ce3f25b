/** A place where a run holds, and where an operator may let it go on before its time. */
export class Gate {
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
export class Gates {
  readonly #open = new Set<Gate>();

  /** Work that holds at a gate for as long as it lasts. */
  async during<T>(subject: string, work: (gate: Gate) => Promise<T>): Promise<T> {
    const gate = new Gate(subject);
    this.#open.add(gate);
    try {
      return await work(gate);
    } finally {
      this.#open.delete(gate);
    }
  }

  /** Lets everything go on that holds. @returns what that is; none: nothing holds */
  promote(by: string): readonly string[] {
    const gates = [...this.#open];
    for (const gate of gates) gate.promote(by);
    return gates.map(({ subject }) => subject);
  }
}
