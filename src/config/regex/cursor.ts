/** What Python refuses in an expression or a replacement, and the little that has no counterpart here. */
export class RegexSyntaxError extends Error {}

/** A place in a text that is read character by character. */
export class Cursor {
  protected at = 0;
  readonly #characters: readonly string[];

  constructor(text: string) {
    this.#characters = Array.from(text);
  }

  protected peek(): string | undefined {
    return this.#characters[this.at];
  }

  protected read(): string | undefined {
    const character = this.#characters[this.at];
    if (character !== undefined) this.at += 1;
    return character;
  }

  /** Goes past this character if it is next. */
  protected take(character: string): boolean {
    if (this.peek() !== character) return false;
    this.at += 1;
    return true;
  }

  /** The next characters, at most `length` of them. */
  protected rest(length: number): string {
    return this.#characters.slice(this.at, this.at + length).join('');
  }

  protected fail(message: string, at = this.at): never {
    throw new RegexSyntaxError(`${message} at position ${at}`);
  }
}
