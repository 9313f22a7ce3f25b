import { controlEscapes } from '../model/escapes.ts';
import { interpolateText, type Lookup } from './variables.ts';

export interface DotenvContext {
  /** Variables that stand above those of the file. */
  readonly lookup: Lookup;
  /** Where the variables go; a value may use those that are there already. */
  readonly into: Map<string, string>;
  /** `line` is counted from 1. */
  readonly report: (line: number, message: string) => void;
}

/**
 * Reads a file of variables as Compose reads `env_file` and `.env`: `NAME=value`, `NAME: value`, `export NAME=value`,
 * and `NAME` alone for the variable of that name around it. Values in quotes may have several lines; in double quotes
 * escapes count, and outside of single quotes `$NAME` and its forms do. The syntax is that of compose-go's `dotenv`.
 */
export function readDotenv(text: string, context: DotenvContext): void {
  new Reader(text.replace(/^\uFEFF/, ''), context).read();
}

/** Reads `format: raw`: a line is `NAME=value` or `NAME`, and everything behind the `=` is the value as it stands. */
export function readRawVariables(text: string, { lookup, into, report }: DotenvContext): void {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  for (const [index, written] of lines.entries()) {
    const line = written.replace(/^[ \t]+/, '');
    if (line === '' || line.startsWith('#')) continue;
    const equals = line.indexOf('=');
    const name = equals === -1 ? line : line.slice(0, equals);
    const value = equals === -1 ? lookup(name) : line.slice(equals + 1);
    if (name === '' || /[ \t]/.test(name)) report(index + 1, `is not NAME=value; got ${shown(line)}`);
    else if (value !== undefined) into.set(name, value);
  }
}

/** Spaces within a line, as Go's parser counts them. */
const blanks = /[\t\v\f\r \u0085\u00A0]*/y;

class Reader {
  readonly #text: string;
  readonly #context: DotenvContext;
  #at = 0;

  constructor(text: string, context: DotenvContext) {
    this.#text = text;
    this.#context = context;
  }

  read(): void {
    for (;;) {
      this.#skip(/(?:\s|#.*)*/y);
      if (this.#at >= this.#text.length || !this.#statement()) return;
    }
  }

  /** One variable; false after which nothing can be made of the rest. */
  #statement(): boolean {
    const start = this.#at;
    this.#skip(/export[\t\v\f\r \u0085\u00A0]+/y);
    const [name] = this.#skip(/[\p{L}\p{N}_.[\]\t\v\f\r \u0085\u00A0-]*/uy);
    const next = this.#text[this.#at];
    const key = name.trim();
    if (next !== undefined && !'=:\n'.includes(next)) return this.#refuse(start, `has ${shown(next)} in a name`);
    if (key.includes(' ')) return this.#refuse(start, 'has a space in a name');
    this.#at++;
    if (next === '\n' || next === undefined) this.#set(key, this.#context.lookup(key));
    else {
      this.#skip(blanks);
      const value = this.#value(start);
      if (value === undefined) return false;
      this.#set(key, value);
    }
    return true;
  }

  #value(start: number): string | undefined {
    const quote = this.#text[this.#at];
    if (quote !== '"' && quote !== "'") {
      const [line] = this.#skip(/[^\n]*/y);
      const comment = line.indexOf(' #');
      return this.#expanded((comment === -1 ? line : line.slice(0, comment)).trimEnd(), start);
    }
    const [whole] = this.#skip(quote === '"' ? /"(?:\\[^]|[^"\\])*"/y : /'(?:\\[^]|[^'\\])*'/y);
    if (whole === '') {
      this.#refuse(start, `has a value whose ${quote} is never closed`);
      return undefined;
    }
    const inner = whole.slice(1, -1).replaceAll(`\\${quote}`, quote);
    return quote === '"' ? this.#expanded(unescaped(inner), start) : inner;
  }

  #expanded(value: string, start: number): string {
    const { lookup, into, report } = this.#context;
    return interpolateText(
      value,
      (name) => lookup(name) ?? into.get(name),
      (message) => report(this.#line(start), message),
    );
  }

  #set(name: string, value: string | undefined): void {
    if (value !== undefined) this.#context.into.set(name, value);
  }

  #skip(pattern: RegExp): readonly [string] {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [''];
    this.#at += found.length;
    return [found];
  }

  #refuse(at: number, message: string): false {
    this.#context.report(this.#line(at), `${message}: ${shown(this.#text.slice(at).split('\n', 1)[0] ?? '')}`);
    return false;
  }

  #line(at: number): number {
    return this.#text.slice(0, at).split('\n').length;
  }
}

const escapes: Readonly<Record<string, string>> = {
  ...controlEscapes,
  $: '$$',
  '"': '"',
  '\\': '\\',
};

/** The escapes of a value in double quotes. `\$` becomes `$$`, which then stands for a dollar. */
function unescaped(text: string): string {
  return text.replace(/\\([abcfnrtv$"\\]|0\d{0,3})/g, (written, escape: string) => {
    if (!escape.startsWith('0')) return escapes[escape] ?? written;
    const digits = escape.slice(1);
    return /^[0-3][0-7]{2}$/.test(digits) ? String.fromCodePoint(parseInt(digits, 8)) : `\\${digits}`;
  });
}

/** Not more of a line than shows which one it is: it may hold a password. */
function shown(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 39)}…` : text);
}
