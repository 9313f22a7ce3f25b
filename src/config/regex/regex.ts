import { controlEscapes } from '../../model/escapes.ts';
import { withinDeadline } from './deadline.ts';
import { translateRegex, type Translation } from './emit.ts';
import { RegexSyntaxError } from './cursor.ts';
import type { Flags } from './node.ts';

export { RegexSyntaxError } from './cursor.ts';
export { RegexTimeoutError } from './deadline.ts';

/** What was found: the whole as group 0, then Python's groups; `undefined` for one that took no part. */
export interface RegexMatch {
  readonly start: number;
  readonly groups: readonly (string | undefined)[];
}

const known = new Map<string, PythonRegex>();
const mostKnown = 1000;

/** The same object for the same expression: compiling takes longer than most searches. @throws RegexSyntaxError */
export function pythonRegex(pattern: string, flags: Partial<Flags> = {}): PythonRegex {
  const key = `${flags.ignoreCase === true ? 'i' : ''}${flags.multiLine === true ? 'm' : ''}/${pattern}`;
  const regex = known.get(key) ?? new PythonRegex(pattern, flags);
  if (known.size === mostKnown) known.clear();
  known.set(key, regex);
  return regex;
}

/** A regular expression as Python means it, every search with a deadline. @throws RegexTimeoutError from each method */
export class PythonRegex {
  readonly names: ReadonlyMap<string, number>;
  readonly groupCount: number;
  readonly #key: string;
  readonly #searching: Compiled;
  readonly #matching: Compiled;
  readonly #advancing: Compiled;

  /** @throws RegexSyntaxError */
  constructor(pattern: string, flags: Partial<Flags> = {}) {
    const { any, advancing, ignoreCase, names } = translateRegex(pattern, flags);
    const letters = `u${ignoreCase ? 'i' : ''}`;
    this.names = names;
    this.groupCount = any.groupNumbers.length;
    this.#key = `${letters}/${any.source}`;
    this.#searching = compile(any, `${letters}g`);
    this.#matching = compile(any, `${letters}y`);
    this.#advancing = compile(advancing, `${letters}y`);
  }

  /** Those of the texts that it matches at their beginning (`re.match`), all in one deadline. */
  matching(texts: readonly string[]): ReadonlySet<string> {
    return this.#within(() => new Set(texts.filter((text) => execAt(this.#matching, text, 0) !== undefined)));
  }

  /** `re.search` */
  search(text: string): RegexMatch | undefined {
    return this.#matches(text, 1)[0];
  }

  /** `re.finditer` */
  findAll(text: string): readonly RegexMatch[] {
    return this.#matches(text, Infinity);
  }

  /** `re.sub`, with Python's template; `count` 0 replaces all. @throws RegexSyntaxError for the template */
  replace(text: string, template: string, count = 0): string {
    const parts = parseTemplate(template, this.groupCount, this.names);
    let result = '';
    let at = 0;
    for (const { start, groups } of this.#matches(text, count === 0 ? Infinity : count)) {
      result += text.slice(at, start) + parts.map((part) => (typeof part === 'string' ? part : groups[part])).join('');
      at = start + (groups[0]?.length ?? 0);
    }
    return result + text.slice(at);
  }

  #matches(text: string, limit: number): readonly RegexMatch[] {
    return this.#within(() => {
      const found: RegexMatch[] = [];
      for (let at = 0; found.length < limit;) {
        const wasEmpty = found.at(-1)?.groups[0] === '';
        // Behind an empty match, one that is not empty may begin at the same place.
        const match = (wasEmpty ? execAt(this.#advancing, text, at) : undefined) ?? this.#next(text, at, wasEmpty);
        if (match === undefined) break;
        found.push(match);
        at = match.start + (match.groups[0]?.length ?? 0);
      }
      return found;
    });
  }

  #next(text: string, at: number, skips: boolean): RegexMatch | undefined {
    const from = skips ? at + ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1) : at;
    return from > text.length ? undefined : execAt(this.#searching, text, from);
  }

  #within<Result>(search: () => Result): Result {
    try {
      return withinDeadline(this.#key, search);
    } catch (error) {
      // V8 finds out at the first search that an expression is larger than it can be.
      if (error instanceof SyntaxError || error instanceof RangeError) throw new RegexSyntaxError('is too large');
      throw error;
    }
  }
}

interface Compiled {
  readonly expression: RegExp;
  readonly numbers: readonly number[];
}

function compile({ source, groupNumbers }: Translation, flags: string): Compiled {
  try {
    return { expression: new RegExp(source, flags), numbers: [0, ...groupNumbers] };
  } catch {
    throw new RegexSyntaxError('is too large');
  }
}

function execAt({ expression, numbers }: Compiled, text: string, at: number): RegexMatch | undefined {
  expression.lastIndex = at;
  const match = expression.exec(text);
  if (match === null) return undefined;
  const groups: readonly (string | undefined)[] = match;
  return { start: match.index, groups: numbers.map((number) => groups[number]) };
}

const templateEscapes: Readonly<Record<string, string>> = {
  ...controlEscapes,
  '\\': '\\',
};

/** Texts and numbers of groups: `\1`, `\g<1>`, `\g<name>`, `\n`. */
function parseTemplate(template: string, groups: number, names: ReadonlyMap<string, number>): (string | number)[] {
  const parts: (string | number)[] = [];
  const pattern = /\\(?:g<([^>]*)>|(0[0-7]{0,2}|[1-3][0-7]{2})|([1-9]\d?)|([^]?))|[^\\]+/gu;
  for (const [whole, named, octal, number, other] of template.matchAll(pattern)) {
    if (octal !== undefined) parts.push(String.fromCodePoint(parseInt(octal, 8)));
    else if (named !== undefined || number !== undefined) parts.push(groupNumber(named ?? number ?? '', groups, names));
    else if (other === undefined) parts.push(whole);
    else {
      const text = templateEscapes[other] ?? (/^[A-Za-z]?$/.test(other) ? undefined : whole);
      if (text === undefined) throw new RegexSyntaxError(`bad escape ${whole} in the replacement`);
      parts.push(text);
    }
  }
  return parts;
}

/** Of a group as replacements and `regex_search` name it. @throws RegexSyntaxError where there is none */
export function groupNumber(written: string, groups: number, names: ReadonlyMap<string, number>): number {
  const number = /^\d{1,9}$/.test(written) ? Number(written) : names.get(written);
  if (number === undefined) throw new RegexSyntaxError(`unknown group name '${written}'`);
  if (number > groups) throw new RegexSyntaxError(`invalid group reference ${number}`);
  return number;
}
