/**
 * A value that never reaches argv, a log, the journal or a report.
 * It prints as its name; only {@link Secret.reveal} gives the text, and only the code that writes it to a channel's
 * stdin or to a hash calls that.
 */
export class Secret {
  readonly name: string;
  readonly #value: string;

  constructor(name: string, value: string) {
    this.name = name;
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return `[secret ${this.name}]`;
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}
