import {
  readWatchState,
  writeWatchState,
  type KnownTag,
  type WatchAttempt,
  type WatchState,
} from '../../store/watch-state.ts';

/** As many bad digests are kept, the newest. */
const mostBad = 200;

/** What a watch knows, on disk whenever it has changed: a watch that is killed goes on with it. */
export class WatchMemory {
  readonly #file: string;
  readonly #onTrouble: (message: string) => void;
  readonly #tags: Map<string, KnownTag>;
  readonly #bad: Map<string, { readonly run: string; readonly atMs: number }>;
  #attempt: WatchAttempt | undefined;
  #written: string;

  private constructor(file: string, state: WatchState, onTrouble: (message: string) => void) {
    this.#file = file;
    this.#onTrouble = onTrouble;
    this.#tags = new Map(Object.entries(state.tags));
    this.#bad = new Map(Object.entries(state.bad));
    this.#attempt = state.attempt;
    this.#written = JSON.stringify(this.#state());
  }

  /** `onTrouble` hears of a file that cannot be written. @throws ForeignFileError */
  static async open(file: string, onTrouble: (message: string) => void): Promise<WatchMemory> {
    return new WatchMemory(file, await readWatchState(file), onTrouble);
  }

  /** The run that was begun and whose end is not known. */
  get attempt(): WatchAttempt | undefined {
    return this.#attempt;
  }

  begin(attempt: WatchAttempt): void {
    this.#attempt = attempt;
    this.save();
  }

  end(): void {
    this.#attempt = undefined;
    this.save();
  }

  see(tag: string, digest: string, nowMs: number): KnownTag {
    const known = this.#tags.get(tag);
    if (known?.digest === digest) return known;
    const seen = { digest, sinceMs: nowMs, isSettled: false };
    this.#tags.set(tag, seen);
    return seen;
  }

  /** The digest needs nothing any more, unless the tag has moved on since. */
  settle(tag: string, digest: string): void {
    const known = this.#tags.get(tag);
    if (known?.digest === digest) this.#tags.set(tag, { ...known, isSettled: true });
  }

  /** The run that a digest was sent back by. */
  badRun(digest: string): string | undefined {
    return this.#bad.get(digest)?.run;
  }

  markBad(digests: readonly string[], run: string, atMs: number): void {
    for (const digest of digests) if (!this.#bad.has(digest)) this.#bad.set(digest, { run, atMs });
  }

  /** Tags that nobody uses any more are forgotten. */
  keepOnly(tags: readonly string[]): void {
    for (const tag of this.#tags.keys()) if (!tags.includes(tag)) this.#tags.delete(tag);
  }

  save(): void {
    const state = this.#state();
    const text = JSON.stringify(state);
    if (text === this.#written) return;
    try {
      writeWatchState(this.#file, state);
      this.#written = text;
    } catch (error) {
      this.#onTrouble(error instanceof Error ? error.message : String(error));
    }
  }

  #state(): WatchState {
    const bad = [...this.#bad].sort(([, one], [, other]) => other.atMs - one.atMs).slice(0, mostBad);
    return {
      tags: Object.fromEntries(this.#tags),
      bad: Object.fromEntries(bad),
      ...(this.#attempt === undefined ? {} : { attempt: this.#attempt }),
    };
  }
}
