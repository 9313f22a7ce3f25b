interface Held {
  text: string;
  readonly broken: AbortController;
}

/** `flock` on one file of a host: exclusive, and gone with whoever holds it. */
export class HostLock {
  #held: Held | undefined;
  #taken = 0;

  get holder(): string | undefined {
    return this.#held?.text;
  }

  /** How often it was taken. */
  get taken(): number {
    return this.#taken;
  }

  /** @returns the way to release it, and to say more of its holder; undefined while somebody holds it. */
  take(text: string): { release(): void; describe(text: string): void; readonly broken: AbortSignal } | undefined {
    if (this.#held !== undefined) return undefined;
    const held: Held = { text, broken: new AbortController() };
    this.#held = held;
    this.#taken += 1;
    return {
      broken: held.broken.signal,
      describe: (more) => void (held.text = more),
      release: () => {
        if (this.#held === held) this.#held = undefined;
      },
    };
  }

  /** Whoever holds it is killed, and somebody else may have been waiting for just that. */
  breakUp(next?: string): void {
    const held = this.#held;
    this.#held = undefined;
    if (next !== undefined) this.take(next);
    held?.broken.abort();
  }
}
