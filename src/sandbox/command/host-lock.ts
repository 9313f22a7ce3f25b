/** `flock` on one file of a host: exclusive, and gone with whoever holds it. */
export class HostLock {
  #holder: string | undefined;

  get holder(): string | undefined {
    return this.#holder;
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
