export interface LogLine {
  readonly atMs: number;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

const keptLines = 1_000;

/** A container's output, across its restarts: the last thousand lines. */
export class ContainerLog {
  #lines: LogLine[] = [];
  readonly #followers = new Set<(line: LogLine) => void>();

  append(line: LogLine): void {
    this.#lines.push(line);
    if (this.#lines.length > keptLines) this.#lines = this.#lines.slice(-keptLines);
    for (const follower of this.#followers) follower(line);
  }

  /** The last `count` lines; all of them when undefined. */
  tail(count: number | undefined): readonly LogLine[] {
    return count === undefined ? [...this.#lines] : this.#lines.slice(Math.max(0, this.#lines.length - count));
  }

  /** @returns the way to stop following. */
  follow(listener: (line: LogLine) => void): () => void {
    this.#followers.add(listener);
    return () => this.#followers.delete(listener);
  }
}
