import { withoutCredentials, withoutUrlCredentials } from '../../model/credentials.ts';
import type { Position, Problem } from '../../model/problem.ts';

/** A file's text, with the means to name a place in it. */
export class Source {
  /** As people are shown it: relative to the working folder where it lies below that. */
  readonly file: string;
  readonly text: string;
  /** Decrypted: problems name the line and do not show it. */
  readonly isConfidential: boolean;
  #lineStarts: number[] | undefined;

  constructor(file: string, text: string, { isConfidential = false } = {}) {
    this.isConfidential = isConfidential;
    this.file = file;
    this.text = text.startsWith('\uFEFF') ? text.slice(1) : text;
  }

  /** Line and column, both from 1, of an offset in UTF-16 units. */
  position(offset: number): Position {
    const starts = this.#starts();
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { file: this.file, line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  }

  /** The text of a line, counted from 1, without its line end. */
  line(number: number): string {
    const starts = this.#starts();
    const start = starts[number - 1];
    if (start === undefined) return '';
    return this.text.slice(start, starts[number] ?? this.text.length).replace(/[\r\n]+$/, '');
  }

  /** The offset of a line's first character; lines are counted from 1. */
  lineOffset(number: number): number {
    return this.#starts()[number - 1] ?? this.text.length;
  }

  problem(offset: number, path: string, message: string): Problem {
    const position = this.position(Math.max(0, Math.min(offset, this.text.length)));
    return {
      ...position,
      path,
      message: withoutUrlCredentials(message),
      ...(this.isConfidential ? {} : { excerpt: withoutCredentials(this.line(position.line)) }),
    };
  }

  #starts(): number[] {
    if (this.#lineStarts === undefined) {
      const starts = [0];
      for (let at = this.text.indexOf('\n'); at !== -1; at = this.text.indexOf('\n', at + 1)) starts.push(at + 1);
      this.#lineStarts = starts;
    }
    return this.#lineStarts;
  }
}

/** A stretch of a source: where a value stands. */
export interface Place {
  readonly source: Source;
  readonly start: number;
  readonly end: number;
  /** In a Compose file: the value replaces (`!override`) or takes away (`!reset`) what an earlier file says. */
  readonly merge?: '!reset' | '!override';
}
