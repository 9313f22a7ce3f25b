const mostMs = 60_000;

/** Durations counted by the millisecond: constant memory, however long it runs. */
export class Latencies {
  readonly #counts = new Uint32Array(mostMs + 1);
  #total = 0;

  add(durationMs: number): void {
    const bin = Math.min(mostMs, Math.max(0, Math.round(durationMs)));
    this.#counts[bin] = (this.#counts[bin] ?? 0) + 1;
    this.#total += 1;
  }

  /** 0 while there is none. */
  percentileMs(percent: number): number {
    let left = Math.ceil((this.#total * percent) / 100);
    if (left === 0) return 0;
    for (const [bin, count] of this.#counts.entries()) {
      left -= count;
      if (left <= 0) return bin;
    }
    return mostMs;
  }
}
