import { Cursor } from './cursor.ts';
import type { ClassLetter, Flags, Node, ParsedRegex, SetItem } from './node.ts';

const flagOf: Readonly<Record<string, keyof Flags | 'none'>> = {
  i: 'ignoreCase',
  m: 'multiLine',
  s: 'dotAll',
  x: 'verbose',
  a: 'ascii',
  u: 'none',
};
const simpleEscapes: Readonly<Record<string, string>> = {
  a: '\x07',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
/** As deep as nobody writes, and far from the end of the stack. */
const mostNested = 200;

/** @throws RegexSyntaxError in Python's words where it has some */
export function parseRegex(text: string, given: Partial<Flags> = {}): ParsedRegex {
  const parser = new Parser(text, { ...noFlags, ...given });
  return parser.parse();
}

const noFlags: Flags = { ignoreCase: false, multiLine: false, dotAll: false, verbose: false, ascii: false };

/** Python's grammar, from the top: branches, sequences, atoms and their repeats. */
class Parser extends Cursor {
  readonly #names = new Map<string, number>();
  readonly #open = new Set<number>();
  #flags: Flags;
  #groups = 0;
  #depth = 0;

  constructor(text: string, flags: Flags) {
    super(text);
    this.#flags = flags;
  }

  parse(): ParsedRegex {
    // Flags of the whole stand at its beginning.
    for (let match = this.#leadingFlags(); match !== undefined; match = this.#leadingFlags()) this.#flags = match;
    const flags = this.#flags;
    const root = this.#choice();
    if (this.peek() === ')') this.fail('unbalanced parenthesis');
    return { root, groups: this.#groups, names: this.#names, flags };
  }

  #leadingFlags(): Flags | undefined {
    const match = /^\(\?([aimsux]+)\)/.exec(this.rest(16));
    if (match === null) return undefined;
    this.at += match[0].length;
    return this.#withFlags(this.#flags, match[1] ?? '', true);
  }

  #choice(): Node {
    if ((this.#depth += 1) > mostNested) this.fail('groups are nested too deeply');
    const branches = [this.#sequence()];
    while (this.take('|')) branches.push(this.#sequence());
    this.#depth -= 1;
    const [only] = branches;
    return only !== undefined && branches.length === 1 ? only : { kind: 'choice', branches };
  }

  #sequence(): Node {
    const nodes: Node[] = [];
    for (;;) {
      if (this.#flags.verbose) this.#skipVerbose();
      const next = this.peek();
      if (next === undefined || next === '|' || next === ')') return { kind: 'sequence', nodes };
      const start = this.at;
      const bounds = this.#quantifier();
      if (bounds === undefined) {
        const node = this.#atom();
        if (node !== undefined) nodes.push(node);
        continue;
      }
      const last = nodes.pop();
      if (last === undefined || last.kind === 'anchor') this.fail('nothing to repeat', start);
      if (last.kind === 'repeat') this.fail('multiple repeat', start);
      const mode = this.take('?') ? 'lazy' : this.take('+') ? 'possessive' : 'greedy';
      nodes.push({ kind: 'repeat', node: last, mode, ...bounds });
    }
  }

  /** Braces that are no quantifier stand for themselves. */
  #quantifier(): { readonly min: number; readonly max: number } | undefined {
    if (this.take('*')) return { min: 0, max: Infinity };
    if (this.take('+')) return { min: 1, max: Infinity };
    if (this.take('?')) return { min: 0, max: 1 };
    const match = /^\{(?!\})(\d{0,15})(?:(,)(\d{0,15}))?\}/.exec(this.rest(32));
    if (match === null) return undefined;
    const [whole, low = '', comma, high = ''] = match;
    const start = this.at;
    this.at += whole.length;
    const min = Number(low);
    const max = comma === undefined ? min : high === '' ? Infinity : Number(high);
    if (max < min) this.fail('min repeat greater than max repeat', start);
    return { min, max };
  }

  #atom(): Node | undefined {
    const flags = this.#flags;
    const character = this.read() ?? '';
    switch (character) {
      case '.':
        return { kind: 'any', flags };
      case '^':
      case '$':
        return { kind: 'anchor', what: character, flags };
      case '[':
        return this.#set();
      case '(':
        return this.#group();
      case '\\':
        return this.#escape();
      default:
        return this.#literal(character);
    }
  }

  #literal(character: string): Node {
    return { kind: 'literal', point: character.codePointAt(0) ?? 0, flags: this.#flags };
  }

  #group(): Node | undefined {
    const start = this.at - 1;
    if (!this.take('?')) return this.#capture(start);
    const before = this.#flags;
    const look = /^(?:<?[=!])/.exec(this.rest(2))?.[0];
    if (look !== undefined) {
      this.at += look.length;
      return { kind: 'look', open: `?${look}` as '?=', body: this.#body(start) };
    }
    if (this.take(':')) return { kind: 'group', number: undefined, body: this.#body(start) };
    if (this.take('>')) return { kind: 'atomic', body: this.#body(start) };
    if (this.take('#')) {
      while (this.peek() !== ')') if (this.read() === undefined) this.fail('missing ), unterminated comment', start);
      this.at += 1;
      return undefined;
    }
    const name = /^P<([^>]*)>/s.exec(this.rest(300));
    if (name !== null) {
      this.at += name[0].length;
      return this.#capture(start, name[1]);
    }
    const reference = /^P=([^)]*)\)/s.exec(this.rest(300));
    if (reference !== null) {
      this.at += reference[0].length;
      return this.#reference(this.#names.get(reference[1] ?? ''), reference[1] ?? '', start);
    }
    const switched = /^([aimsux]*)(?:-([imsx]+))?:/.exec(this.rest(16));
    if (switched === null) this.fail(unknownExtension(this.rest(2)), start);
    const [whole, on = '', off = ''] = switched;
    this.at += whole.length;
    this.#flags = this.#withFlags(this.#withFlags(before, on, true), off, false);
    const body = this.#body(start);
    this.#flags = before;
    return { kind: 'group', number: undefined, body };
  }

  #capture(start: number, name?: string): Node {
    const number = (this.#groups += 1);
    if (name !== undefined) {
      if (!/^[\p{L}_][\p{L}\p{N}_]*$/u.test(name)) this.fail(`bad character in group name '${name}'`, start);
      if (this.#names.has(name)) this.fail(`redefinition of group name '${name}'`, start);
      this.#names.set(name, number);
    }
    this.#open.add(number);
    const body = this.#body(start);
    this.#open.delete(number);
    return { kind: 'group', number, body };
  }

  #body(start: number): Node {
    const body = this.#choice();
    if (!this.take(')')) this.fail('missing ), unterminated subpattern', start);
    return body;
  }

  #reference(number: number | undefined, written: string, start: number): Node {
    if (number === undefined) this.fail(`unknown group name '${written}'`, start);
    if (number > this.#groups) this.fail(`invalid group reference ${number}`, start);
    if (this.#open.has(number)) this.fail('cannot refer to an open group', start);
    return { kind: 'reference', number, flags: this.#flags };
  }

  #escape(): Node {
    const start = this.at - 1;
    const flags = this.#flags;
    const character = this.read();
    if (character === undefined) this.fail('bad escape (end of pattern)', start);
    if (/^[AZbB]$/.test(character)) return { kind: 'anchor', what: character as 'A', flags };
    if (/^[dDsSwW]$/.test(character)) {
      return { kind: 'set', negated: false, items: [{ class: character as ClassLetter }], flags };
    }
    if (/^[1-9]$/.test(character)) {
      const octal = /^[0-3][0-7]{2}/.exec(character + this.rest(2))?.[0];
      if (octal !== undefined) {
        this.at += 2;
        return this.#literal(String.fromCodePoint(parseInt(octal, 8)));
      }
      const more = /^\d/.exec(this.rest(1))?.[0] ?? '';
      this.at += more.length;
      return this.#reference(Number(character + more), '', start);
    }
    return this.#literal(this.#character(character, start));
  }

  /** What stands for one character, in a set too. */
  #character(character: string, start: number): string {
    const simple = simpleEscapes[character];
    if (simple !== undefined) return simple;
    if (character === '0') {
      const more = /^[0-7]{0,2}/.exec(this.rest(2))?.[0] ?? '';
      this.at += more.length;
      return String.fromCodePoint(parseInt(`0${more}`, 8));
    }
    const digits = { x: 2, u: 4, U: 8 }[character];
    if (digits !== undefined) {
      const hex = this.rest(digits);
      const point = new RegExp(`^[0-9a-fA-F]{${digits}}$`).test(hex) ? parseInt(hex, 16) : Infinity;
      if (point > 0x10ffff) this.fail(`incomplete escape \\${character}${hex}`, start);
      this.at += digits;
      return String.fromCodePoint(point);
    }
    // Python keeps letters for later; everything else stands for itself: \- \_ \/ \ü
    if (/^[A-Za-z]$/.test(character)) this.fail(`bad escape \\${character}`, start);
    return character;
  }

  #set(): Node {
    const start = this.at - 1;
    const negated = this.take('^');
    const items: SetItem[] = [];
    for (let isFirst = true; isFirst || this.peek() !== ']'; isFirst = false) {
      const from = this.#setItem(start);
      if (this.peek() !== '-' || this.rest(2).endsWith(']')) {
        items.push(from);
        continue;
      }
      this.at += 1;
      const to = this.#setItem(start);
      if ('class' in from || 'class' in to || to.from < from.from) this.fail('bad character range', start);
      items.push({ from: from.from, to: to.from });
    }
    this.at += 1;
    return { kind: 'set', negated, items, flags: this.#flags };
  }

  #setItem(start: number): SetItem {
    const character = this.read();
    if (character === undefined) this.fail('unterminated character set', start);
    if (character !== '\\') return point(character);
    const escaped = this.read();
    if (escaped === undefined) this.fail('unterminated character set', start);
    if (/^[dDsSwW]$/.test(escaped)) return { class: escaped as ClassLetter };
    if (escaped === 'b') return point('\b');
    if (/^[0-7]$/.test(escaped)) {
      const octal = /^[0-7]{0,2}/.exec(this.rest(2))?.[0] ?? '';
      this.at += octal.length;
      return point(String.fromCodePoint(parseInt(escaped + octal, 8)));
    }
    if (/^[89]$/.test(escaped)) this.fail(`bad escape \\${escaped}`, this.at - 2);
    return point(this.#character(escaped, this.at - 2));
  }

  #withFlags(flags: Flags, letters: string, value: boolean): Flags {
    const changed = Array.from(letters).map((letter) => [flagOf[letter] ?? 'none', value] as const);
    return { ...flags, ...Object.fromEntries(changed.filter(([name]) => name !== 'none')) };
  }

  #skipVerbose(): void {
    for (let character = this.peek(); character !== undefined; character = this.peek()) {
      if (/^[ \t\n\r\f\v]$/.test(character)) this.at += 1;
      else if (character === '#') while (!['\n', undefined].includes(this.read()));
      else return;
    }
  }
}

function point(character: string): { readonly from: number; readonly to: number } {
  const code = character.codePointAt(0) ?? 0;
  return { from: code, to: code };
}

function unknownExtension(next: string): string {
  if (next.startsWith('(')) return 'conditional groups are not supported';
  if (/^[aimsuxL]/.test(next)) return 'global flags not at the start of the expression';
  return `unknown extension ?${next}`;
}
