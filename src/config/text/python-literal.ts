import { controlEscapes } from '../../model/escapes.ts';
import type { Value } from '../../model/host.ts';

/**
 * Reads a Python literal, as Ansible types the values of INI inventories: numbers, quoted strings, True, False, None,
 * lists, tuples (as lists) and dicts (with every key as text); a `#` after the literal starts a comment. `undefined` when the text is no literal, and then
 * it is plain text: so `yes`, `010` and `1.2.3` are.
 */
export function parsePythonLiteral(text: string): Value | undefined {
  const first = text.trimStart()[0];
  if (first === undefined || !/[-+.0-9'"([{TFNbBrRuU]/.test(first)) return undefined;
  const reader = new Reader(text.replace(/^[ \t]+/, ''));
  try {
    const value = readTuple(reader, '');
    return reader.atEnd() ? value : undefined;
  } catch (error) {
    if (error instanceof NotALiteral) return undefined;
    throw error;
  }
}

class NotALiteral extends Error {}

class Reader {
  at = 0;
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** The next character that is neither space nor comment; empty at the end. */
  peek(): string {
    const blank = /(?:[ \t\f]|#.*$)*/y;
    blank.lastIndex = this.at;
    blank.exec(this.text);
    this.at = blank.lastIndex;
    return this.text[this.at] ?? '';
  }

  take(pattern: RegExp): RegExpExecArray | undefined {
    this.peek();
    const sticky = new RegExp(pattern, 'y');
    sticky.lastIndex = this.at;
    const match = sticky.exec(this.text);
    if (match === null) return undefined;
    this.at = sticky.lastIndex;
    return match;
  }

  expect(character: string): void {
    if (this.peek() !== character) throw new NotALiteral();
    this.at++;
  }

  atEnd(): boolean {
    return this.peek() === '';
  }
}

/** Values with commas between them, up to `closing`: one value is itself, more (or a trailing comma) are a tuple. */
function readTuple(reader: Reader, closing: string): Value {
  if (reader.peek() === closing) {
    if (closing === '') throw new NotALiteral();
    return [];
  }
  const first = readValue(reader);
  if (reader.peek() !== ',') return first;
  const items = [first];
  while (reader.peek() === ',') {
    reader.at++;
    if (reader.peek() === closing) break;
    items.push(readValue(reader));
  }
  return items;
}

function readValue(reader: Reader): Value {
  const next = reader.peek();
  if (next === '[') return readList(reader);
  if (next === '{') return readDict(reader);
  if (next === '(') {
    reader.at++;
    const value = readTuple(reader, ')');
    reader.expect(')');
    return value;
  }
  const word = reader.take(/(?:True|False|None)(?![\w'"])/)?.[0];
  if (word !== undefined) return word === 'None' ? null : word === 'True';
  return readString(reader) ?? readNumber(reader);
}

function readList(reader: Reader): Value {
  reader.expect('[');
  const items: Value[] = [];
  while (reader.peek() !== ']') {
    items.push(readValue(reader));
    if (reader.peek() !== ']') reader.expect(',');
  }
  reader.expect(']');
  return items;
}

function readDict(reader: Reader): Value {
  reader.expect('{');
  const entries: [string, Value][] = [];
  while (reader.peek() !== '}') {
    const key = readValue(reader);
    if (typeof key === 'object' && key !== null) throw new NotALiteral();
    reader.expect(':');
    entries.push([String(key), readValue(reader)]);
    if (reader.peek() !== '}') reader.expect(',');
  }
  reader.expect('}');
  return Object.fromEntries(entries);
}

function readNumber(reader: Reader): number {
  const sign = reader.take(/[-+]/)?.[0] === '-' ? -1 : 1;
  const float =
    /(?:\d(?:_?\d)*\.(?:\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:[eE][-+]?\d(?:_?\d)*)?|\d(?:_?\d)*[eE][-+]?\d(?:_?\d)*/;
  const text =
    reader.take(float)?.[0] ??
    reader.take(/0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|[1-9](?:_?\d)*|0(?:_?0)*/)?.[0];
  if (text === undefined || /[\w.'"]/.test(reader.text[reader.at] ?? '')) throw new NotALiteral();
  const value = Number(text.replaceAll('_', ''));
  // A number that JavaScript cannot hold exactly stays text.
  if (!Number.isFinite(value) || (/^\w+$/.test(text) && !/^\d+[eE]/.test(text) && !Number.isSafeInteger(value)))
    throw new NotALiteral();
  return value === 0 ? 0 : sign * value;
}

/** One string, or several side by side, which Python joins. */
function readString(reader: Reader): string | undefined {
  let text: string | undefined;
  let bytes: boolean | undefined;
  for (;;) {
    const start = reader.take(/([rR]?[bB]|[bB][rR]|[rR]|[uU])?('''|"""|'|")/);
    if (start === undefined) return text;
    const prefix = (start[1] ?? '').toLowerCase();
    if (bytes !== undefined && bytes !== prefix.includes('b')) throw new NotALiteral();
    bytes = prefix.includes('b');
    const quote = start[2] ?? '';
    const body = new RegExp(`(?:\\\\[^]|(?!${quote})[^\\\\])*`, 'y');
    body.lastIndex = reader.at;
    const raw = body.exec(reader.text)?.[0] ?? '';
    reader.at += raw.length;
    if (!reader.text.startsWith(quote, reader.at)) throw new NotALiteral();
    reader.at += quote.length;
    text = (text ?? '') + (prefix.includes('r') ? raw : unescape(raw, bytes));
  }
}

const shortEscapes: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  ...controlEscapes,
};

function unescape(raw: string, bytes: boolean): string {
  return raw.replace(
    /\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([^]))/g,
    (
      whole: string,
      octal: string | undefined,
      hex: string | undefined,
      short: string | undefined,
      long: string | undefined,
      other: string | undefined,
    ) => {
      if (octal !== undefined) return String.fromCodePoint(parseInt(octal, 8));
      if (hex !== undefined) return String.fromCodePoint(parseInt(hex, 16));
      const code = short ?? long;
      if (code !== undefined) {
        const point = parseInt(code, 16);
        if (bytes) return whole;
        if (point > 0x10ffff) throw new NotALiteral();
        return String.fromCodePoint(point);
      }
      if (other === 'x' || (!bytes && (other === 'u' || other === 'U' || other === 'N'))) throw new NotALiteral();
      // Python keeps the backslash of an escape that it does not know.
      return shortEscapes[other ?? ''] ?? whole;
    },
  );
}
