import { Stdin } from './stdin.ts';

const [interrupt, endOfInput, deletes, carriageReturn] = ['\u0003', '\u0004', '\u007f', '\r'];

/**
 * A terminal as the kernel of a host makes one: it shows what is typed, gives whole lines, and turns Ctrl-C into the end
 * of the command. What is printed ends its lines with CR and LF.
 */
export class PseudoTerminal {
  rows: number;
  columns: number;
  readonly stdin = new Stdin();
  readonly #show: (text: string) => void;
  #line = '';
  #killed = new AbortController();

  constructor(rows: number, columns: number, show: (text: string) => void) {
    this.rows = rows;
    this.columns = columns;
    this.#show = show;
  }

  /** Of the command in front: aborted by Ctrl-C. */
  get interrupted(): AbortSignal {
    return this.#killed.signal;
  }

  /** A new command is in front. */
  resume(): void {
    this.#killed = new AbortController();
  }

  type(keys: string): void {
    for (const key of keys) this.#press(key);
  }

  print(text: string): void {
    this.#show(text.replace(/\r?\n/g, '\r\n'));
  }

  #press(key: string): void {
    if (key === interrupt) {
      this.#line = '';
      this.print('^C\n');
      this.#killed.abort();
    } else if (key === endOfInput) {
      if (this.#line === '') this.stdin.end();
    } else if (key === deletes) {
      if (this.#line !== '') this.print('\b \b');
      this.#line = this.#line.slice(0, -1);
    } else if (key === carriageReturn || key === '\n') {
      this.print('\n');
      this.stdin.push(Buffer.from(`${this.#line}\n`));
      this.#line = '';
    } else {
      this.print(key);
      this.#line += key;
    }
  }
}
