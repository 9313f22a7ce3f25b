/** `flock` on one file of a host: exclusive, and gone with whoever holds it. */
export class HostLock {
  #holder: string | undefined;

  get holder(): string | undefined {
    return this.#holder;
  }

  /** Another text of who holds it. */
  describe(holder: string): void {
    if (this.#holder !== undefined) this.#holder = holder;
  }

  /** @returns the way to release it; undefined while somebody holds it. */
  take(holder: string): (() => void) | undefined {
    if (this.#holder !== undefined) return undefined;
    this.#holder = holder;
    let isHeld = true;
    return () => {
      if (isHeld) this.#holder = undefined;
      isHeld = false;
    };
  }
}
