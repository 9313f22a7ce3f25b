/**
 * Reads a document of `docker container inspect` or `docker image inspect` by dotted path. What is absent, null or of
 * another type reads as empty: docker leaves fields out or adds them from version to version.
 */
export class Inspected {
  readonly #root: unknown;

  constructor(document: unknown) {
    this.#root = document;
  }

  #at(path: string): unknown {
    let value = this.#root;
    for (const key of path.split('.')) {
      if (!isRecord(value)) return undefined;
      value = value[key];
    }
    return value;
  }

  text(path: string): string {
    const value = this.#at(path);
    return typeof value === 'string' ? value : '';
  }

  number(path: string): number {
    const value = this.#at(path);
    return typeof value === 'number' ? value : 0;
  }

  flag(path: string): boolean {
    return this.#at(path) === true;
  }

  /** The items of a list; each one can be read by path itself. */
  items(path: string): readonly Inspected[] {
    const value = this.#at(path);
    return Array.isArray(value) ? value.map((item) => new Inspected(item)) : [];
  }

  texts(path: string): readonly string[] {
    const value = this.#at(path);
    return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
  }

  /** A list of lists of texts. */
  lists(path: string): readonly (readonly string[])[] {
    const value = this.#at(path);
    const lists = Array.isArray(value) ? value.filter((item): item is unknown[] => Array.isArray(item)) : [];
    return lists.map((list) => list.filter((item) => typeof item === 'string'));
  }

  /** A mapping's keys in order, each with its value ready to be read; for a map of texts there is {@link textMap}. */
  entries(path: string): readonly (readonly [string, Inspected])[] {
    const value = this.#at(path);
    return isRecord(value) ? Object.entries(value).map(([key, item]) => [key, new Inspected(item)]) : [];
  }

  textMap(path: string): Readonly<Record<string, string>> {
    const value = this.#at(path);
    const pairs = isRecord(value) ? Object.entries(value) : [];
    return Object.fromEntries(pairs.filter((pair): pair is [string, string] => typeof pair[1] === 'string'));
  }

  /** The items where the document itself is a list, as the bindings of a port are. */
  get rootItems(): readonly Inspected[] {
    return Array.isArray(this.#root) ? this.#root.map((item) => new Inspected(item)) : [];
  }

  has(path: string): boolean {
    const value = this.#at(path);
    return value !== undefined && value !== null;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
