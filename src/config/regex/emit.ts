import { RegexSyntaxError } from './cursor.ts';
import type { Flags, Node, ParsedRegex, SetItem } from './node.ts';
import { parseRegex } from './parse.ts';

/** An expression of Python's as one of JavaScript's, which means the same. */
export interface TranslatedRegex {
  readonly ignoreCase: boolean;
  readonly names: ReadonlyMap<string, number>;
  readonly any: Translation;
  /** Finds no empty match: Python looks for another one where it has found an empty one. */
  readonly advancing: Translation;
}

export interface Translation {
  /** For the flag `u`, and `i` where it ignores case. */
  readonly source: string;
  /** For each of Python's groups, from 1 on, its number in JavaScript. */
  readonly groupNumbers: readonly number[];
}

/** @throws RegexSyntaxError for what Python refuses, and the little that has no counterpart */
export function translateRegex(text: string, given: Partial<Flags> = {}): TranslatedRegex {
  const parsed = parseRegex(text, given);
  const { ignoreCase } = new Emitter(parsed);
  const rest = new Emitter(parsed, 1);
  // All that is left is group 1; where that is still left at the end, nothing was matched.
  const advancing = `(?=([^]*))${rest.emit(parsed.root)}(?!\\1(?![^]))`;
  return {
    ignoreCase,
    names: parsed.names,
    any: translation(new Emitter(parsed), parsed.root),
    advancing: { source: advancing, groupNumbers: rest.groupNumbers },
  };
}

function translation(emitter: Emitter, root: Node): Translation {
  const source = emitter.emit(root);
  return { source, groupNumbers: emitter.groupNumbers };
}

// Python's \\d, \\w and \\s.
const digit = String.raw`\p{Nd}`;
const word = String.raw`\p{L}\p{N}_`;
const asciiWord = 'A-Za-z0-9_';
const space = String.raw`\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`;
const asciiSpace = String.raw`\t-\r\x20`;

class Emitter {
  /** JavaScript ignores case in all of an expression or nowhere: in a part of it, both cases are written out. */
  readonly ignoreCase: boolean;
  readonly groupNumbers: number[] = [];
  #captures: number;

  /** `captures`: how many groups stand before. */
  constructor({ root, flags }: ParsedRegex, captures = 0) {
    this.#captures = captures;
    this.ignoreCase = flags.ignoreCase && !someNode(root, (node) => 'flags' in node && !node.flags.ignoreCase);
  }

  emit(node: Node): string {
    switch (node.kind) {
      case 'literal':
        return this.#set(false, [{ from: node.point, to: node.point }], node.flags);
      case 'any':
        return node.flags.dotAll ? '[^]' : String.raw`[^\n]`;
      case 'set':
        return this.#set(node.negated, node.items, node.flags);
      case 'anchor':
        return anchor(node.what, node.flags);
      case 'group':
        if (node.number === undefined) return `(?:${this.emit(node.body)})`;
        this.groupNumbers[node.number - 1] = this.#captures += 1;
        return `(${this.emit(node.body)})`;
      case 'look':
        return `(${node.open}${this.emit(node.body)})`;
      case 'atomic':
        return this.#atomic(node.body);
      case 'reference':
        if (node.flags.ignoreCase && !this.ignoreCase)
          throw new RegexSyntaxError('a group that is repeated must not ignore case in a part of the expression only');
        return `(?:\\${this.groupNumbers[node.number - 1] ?? 0})`;
      case 'sequence':
        return node.nodes.map((each) => this.emit(each)).join('');
      case 'choice':
        return `(?:${node.branches.map((each) => this.emit(each)).join('|')})`;
      case 'repeat':
        return this.#repeat(node);
    }
  }

  #repeat({ node, min, max, mode }: Extract<Node, { kind: 'repeat' }>): string {
    if (mode === 'possessive') return this.#atomic({ kind: 'repeat', node, min, max, mode: 'greedy' });
    const times = max === Infinity ? `{${min},}` : `{${min},${max}}`;
    return `(?:${this.emit(node)})${times}${mode === 'lazy' ? '?' : ''}`;
  }

  /** A lookahead is never gone back into: what it has captured is then matched. */
  #atomic(body: Node): string {
    const number = (this.#captures += 1);
    return `(?:(?=(${this.emit(body)}))\\${number})`;
  }

  /** What a set without its own letters cannot hold (a negated class) stands beside it. */
  #set(negated: boolean, items: readonly SetItem[], flags: Flags): string {
    const spread = flags.ignoreCase && !this.ignoreCase ? items.flatMap(bothCases) : items;
    const inside = spread.map((item) => ('class' in item ? classBody(item.class, flags) : range(item))).join('');
    const beside = items.flatMap((item) => ('class' in item ? outside(item.class, flags) : []));
    if (beside.length === 0) return `[${negated ? '^' : ''}${inside}]`;
    const all = [...(inside === '' ? [] : [`[${inside}]`]), ...beside].join('|');
    return negated ? `(?!${all})[^]` : `(?:${all})`;
  }
}

function anchor(what: Extract<Node, { kind: 'anchor' }>['what'], { multiLine, ascii }: Flags): string {
  const letters = `[${ascii ? asciiWord : word}]`;
  switch (what) {
    case '^':
      return multiLine ? String.raw`(?:^|(?<=\n))` : '(?:^)';
    case '$':
      return multiLine ? String.raw`(?=\n|$)` : String.raw`(?=\n?$)`;
    case 'A':
      return '(?:^)';
    case 'Z':
      return '(?:$)';
    case 'b':
      return `(?:(?<=${letters})(?!${letters})|(?<!${letters})(?=${letters}))`;
    case 'B':
      // In an empty text too, Python's \B holds nowhere before 3.14.
      return `(?:(?<=${letters})(?=${letters})|(?<!${letters})(?!${letters})(?:(?<=[^])|(?=[^])))`;
  }
}

function classBody(letter: string, { ascii }: Flags): string {
  if (letter === 'd') return ascii ? '0-9' : digit;
  if (letter === 'w') return ascii ? asciiWord : word;
  return letter === 's' ? (ascii ? asciiSpace : space) : '';
}

function outside(letter: string, flags: Flags): string[] {
  return letter === letter.toLowerCase() ? [] : [`[^${classBody(letter.toLowerCase(), flags)}]`];
}

function range({ from, to }: { readonly from: number; readonly to: number }): string {
  return from === to ? escape(from) : `${escape(from)}-${escape(to)}`;
}

function escape(point: number): string {
  const character = String.fromCodePoint(point);
  return /^[A-Za-z0-9_]$/.test(character) ? character : `\\u{${point.toString(16)}}`;
}

/** Of a longer range only the Latin letters change their case. */
function bothCases(item: SetItem): SetItem[] {
  if ('class' in item) return [item];
  const { from, to } = item;
  if (to - from < 512) {
    const points = Array.from({ length: to - from + 1 }, (_, index) => from + index);
    return [item, ...points.flatMap(otherCases)];
  }
  const latin = Array.from({ length: 26 }, (_, index) => [65 + index, 97 + index]).flat();
  return [item, ...latin.filter((point) => point >= from && point <= to).flatMap(otherCases)];
}

function otherCases(point: number): SetItem[] {
  const character = String.fromCodePoint(point);
  return [character.toLowerCase(), character.toUpperCase()]
    .filter((other) => other !== character && Array.from(other).length === 1)
    .map((other) => other.codePointAt(0) ?? 0)
    .map((other) => ({ from: other, to: other }));
}

function someNode(node: Node, test: (node: Node) => boolean): boolean {
  if (test(node)) return true;
  if (node.kind === 'sequence') return node.nodes.some((each) => someNode(each, test));
  if (node.kind === 'choice') return node.branches.some((each) => someNode(each, test));
  if (node.kind === 'repeat') return someNode(node.node, test);
  return 'body' in node && someNode(node.body, test);
}
