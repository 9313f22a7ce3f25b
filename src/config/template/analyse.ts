import { splitExpression, splitTemplate, type Token } from './tokens.ts';

/** A use of a variable: `facts.memory_mb`, `groups['web'][0]`. */
export interface Reference {
  readonly root: string;
  /** The accesses that are written out; what is computed (`x[y]`) ends the path. */
  readonly path: readonly (string | number)[];
  readonly start: number;
  readonly end: number;
}

export interface Analysis {
  /** The template with a check at every use of a variable: see `guarded`. */
  readonly guarded: string;
  /** In the order of the numbers that the checks report. */
  readonly references: readonly Reference[];
  /** `{{ expression }}` and nothing else: then the value keeps its type. */
  readonly soleExpression: boolean;
  readonly usesHostvars: boolean;
  /** Something that is Jinja, but not ours. */
  readonly unsupported: { readonly message: string; readonly start: number } | undefined;
}

/** Names of the filters that the checks call. They never throw: minijinja does not survive that. */
export const guardFilters = {
  missing: 'rollout_missing',
  hostvar: 'rollout_hostvar',
  hasHostvar: 'rollout_has_hostvar',
};

/**
 * minijinja takes an undefined name in a comparison, after `not` and as a last attribute for a value like any other.
 * So every reference `a.b` becomes `(a.b if a is defined and … else 3|rollout_missing)`, which reports reference 3 when it
 * is evaluated and not there, and only then: `x is defined and x > 1` stays right. Where the author asks himself
 * (`is defined`, `default`), nothing is reported, at any depth, as in Ansible.
 */
export function analyseTemplate(template: string): Analysis {
  const segments = splitTemplate(template);
  const writer = new Writer(template);
  let guarded = '';
  for (const segment of segments) {
    if (segment.kind === 'text') guarded += template.slice(segment.start, segment.end);
    else guarded += writer.block(segment.tokens, segment.start, segment.end, segment.kind === 'statement');
  }
  const sole = segments.length === 1 && segments[0]?.kind === 'expression';
  const inner = /^\{\{[-+]?([^]*?)[-+]?\}\}$/.exec(guarded)?.[1] ?? guarded;
  return { ...writer.result(sole ? inner : guarded), soleExpression: sole };
}

/** The same for an expression without braces. */
export function analyseExpression(expression: string): Analysis {
  const tokens = splitExpression(expression);
  const writer = new Writer(expression);
  const guarded = writer.block(tokens, 0, expression.length, false);
  return { ...writer.result(guarded), soleExpression: true };
}

const keywords = new Set(
  'and or not in is if else elif endif for endfor recursive set endset with endwith filter endfilter do break continue true false none True False None'.split(
    ' ',
  ),
);
const statements = new Set(
  'if elif else endif for endfor set endset with endwith filter endfilter do break continue'.split(' '),
);

class Writer {
  readonly #text: string;
  readonly #references: Reference[] = [];
  #usesHostvars = false;
  #unsupported: Analysis['unsupported'];
  #tokens: readonly Token[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  result(guarded: string): Omit<Analysis, 'soleExpression'> {
    return {
      guarded,
      references: this.#references,
      usesHostvars: this.#usesHostvars,
      unsupported: this.#unsupported,
    };
  }

  /** One `{{ }}` or `{% %}` with its braces, checks put in. */
  block(tokens: readonly Token[], start: number, end: number, isStatement: boolean): string {
    this.#tokens = tokens;
    const first = tokens[0];
    if (first === undefined) return this.#text.slice(start, end);
    let at = 0;
    let output = this.#text.slice(start, first.start);
    if (isStatement) {
      if (!statements.has(first.text)) this.#refuse(`{% ${first.text} %} is not supported here`, first);
      at = this.#targets(first.text);
      output += this.#text.slice(first.start, tokens[at]?.start ?? end);
    }
    return output + this.#range(at, tokens.length, end, first.text === 'with');
  }

  /** How many tokens of a statement name what it assigns, its keyword included. */
  #targets(keyword: string): number {
    if (keyword === 'for') return 1 + this.#tokens.findIndex(({ text }) => text === 'in');
    if (keyword !== 'set') return keyword === 'filter' ? 2 : 1;
    const equals = this.#tokens.findIndex(({ text }) => text === '=');
    return equals === -1 ? this.#tokens.length : equals + 1;
  }

  /** Tokens `from` to `to`, and the text between them and up to `end`. */
  #range(from: number, to: number, end: number, namesAssign = false): string {
    let output = '';
    let at = from;
    while (at < to) {
      const token = this.#tokens[at];
      if (token === undefined) break;
      let next = at + 1;
      if (token.kind === 'name' && this.#isReference(at, namesAssign)) {
        const chain = this.#chain(at);
        output += chain.output;
        next = chain.next;
      } else output += token.text;
      const last = this.#tokens[next - 1] ?? token;
      output += this.#text.slice(last.end, next < to ? (this.#tokens[next]?.start ?? end) : end);
      at = next;
    }
    return output;
  }

  #isReference(at: number, namesAssign: boolean): boolean {
    const token = this.#tokens[at];
    const before = this.#tokens[at - 1]?.text;
    const after = this.#tokens[at + 1]?.text;
    if (token === undefined || keywords.has(token.text)) return false;
    if (before === '.' || before === '|' || before === 'is') return false;
    if (before === 'not' && this.#tokens[at - 2]?.text === 'is') return false;
    // `f(name=value)` names an argument, and a name before a parenthesis is a function.
    if (after === '=' && (namesAssign || before === '(' || before === ',')) return false;
    return after !== '(';
  }

  /** A variable with everything that is accessed on it. */
  #chain(at: number): { output: string; next: number } {
    const root = this.#tokens[at];
    if (root === undefined) throw new RangeError('no token');
    if (root.text === 'hostvars') return this.#hostvars(at, root);
    const path: (string | number)[] = [];
    let next = at + 1;
    for (;;) {
      const step = this.#constantStep(next);
      if (step === undefined) break;
      // A method is no value.
      if (this.#tokens[next]?.text === '.' && this.#tokens[next + 2]?.text === '(') break;
      path.push(step.key);
      next = step.next;
    }
    const end = this.#tokens[next - 1]?.end ?? root.end;
    const optional = this.#isOptional(next);
    const number = this.#references.push({ root: root.text, path, start: root.start, end }) - 1;
    const computed = /^[.[]$/.test(this.#tokens[next]?.text ?? '');
    const known = guardedAccess(root.text, path, optional && !computed ? undefined : number);
    return computed ? this.#accesses(known, next, root) : { output: known, next };
  }

  /** What is computed (`x[y]`, `x.m()`), after the part of a chain that is written out. */
  #accesses(known: string, from: number, root: Token): { output: string; next: number } {
    let output = known;
    let next = from;
    let mayBeMissing = false;
    for (;;) {
      const token = this.#tokens[next];
      if (token?.text === '[' || token?.text === '(') {
        const close = this.#closing(next);
        output += `${token.text}${this.#range(next + 1, close, this.#tokens[close]?.start ?? token.end)}${this.#tokens[close]?.text ?? ''}`;
        mayBeMissing = token.text === '[' && !this.#isSlice(next, close);
        next = close + 1;
      } else if (token?.text === '.' && this.#tokens[next + 1]?.kind === 'name') {
        output += `.${this.#tokens[next + 1]?.text ?? ''}`;
        mayBeMissing = true;
        next += 2;
      } else break;
    }
    if (!mayBeMissing || this.#isOptional(next)) return { output, next };
    const end = this.#tokens[next - 1]?.end ?? root.end;
    const number = this.#references.push({ root: root.text, path: [], start: root.start, end }) - 1;
    return { output: `(${output} if ${output} is defined else ${number}|${guardFilters.missing})`, next };
  }

  /** `hostvars[host].name`: fetched one by one, for all variables of all hosts are too many to hand over. */
  #hostvars(at: number, root: Token): { output: string; next: number } {
    this.#usesHostvars = true;
    const open = at + 1;
    const close = this.#closing(open);
    const isDotted = this.#tokens[open]?.text === '.';
    const variable = this.#constantStep(isDotted ? open + 2 : close + 1);
    if ((!isDotted && this.#tokens[open]?.text !== '[') || typeof variable?.key !== 'string') {
      this.#refuse('hostvars needs a host and a variable: hostvars[host].name', root);
      return { output: 'hostvars', next: at + 1 };
    }
    const host = isDotted
      ? quote(this.#tokens[open + 1]?.text ?? '')
      : `(${this.#range(open + 1, close, this.#tokens[close]?.start ?? root.end)})`;
    const end = this.#tokens[variable.next - 1]?.end ?? root.end;
    const number = this.#references.push({ root: 'hostvars', path: [variable.key], start: root.start, end }) - 1;
    const name = quote(variable.key);
    const missing = this.#isOptional(variable.next) ? '' : ` else ${number}|${guardFilters.missing}`;
    const value = `(${host}|${guardFilters.hostvar}(${name}) if ${host}|${guardFilters.hasHostvar}(${name})${missing})`;
    return this.#accesses(value, variable.next, root);
  }

  #constantStep(at: number): { key: string | number; next: number } | undefined {
    const [first, second, third] = this.#tokens.slice(at, at + 3);
    if (first?.text === '.' && second?.kind === 'name') return { key: second.text, next: at + 2 };
    if (first?.text !== '[' || third?.text !== ']') return undefined;
    if (second?.kind === 'number' && /^\d+$/.test(second.text)) return { key: Number(second.text), next: at + 3 };
    if (second?.kind !== 'string' || second.text.includes('\\')) return undefined;
    return { key: second.text.slice(1, -1), next: at + 3 };
  }

  /** The author deals with a missing value himself: `is defined`, `default`. */
  #isOptional(at: number): boolean {
    const [first, second, third] = this.#tokens.slice(at, at + 3).map(({ text }) => text);
    if (first === '|') return second === 'default' || second === 'd';
    const test = second === 'not' ? third : second;
    return first === 'is' && (test === 'defined' || test === 'undefined');
  }

  #isSlice(open: number, close: number): boolean {
    return this.#tokens.slice(open, close).some(({ text }) => text === ':');
  }

  /** The bracket that closes the one at `open`, or the end. */
  #closing(open: number): number {
    let depth = 0;
    for (let at = open; at < this.#tokens.length; at++) {
      const text = this.#tokens[at]?.text ?? '';
      if (/^[([{]$/.test(text)) depth++;
      else if (/^[)\]}]$/.test(text) && --depth === 0) return at;
    }
    return this.#tokens.length;
  }

  #refuse(message: string, { start }: Token): void {
    this.#unsupported ??= { message, start };
  }
}

/** An access that is checked at every step; with a number, what is missing is reported under it. */
function guardedAccess(root: string, path: readonly (string | number)[], number: number | undefined): string {
  let access = root;
  let present = `${root} is defined`;
  for (const key of path) {
    access +=
      typeof key === 'number' ? `[${key}]` : /^[\p{L}_][\p{L}\p{N}_]*$/u.test(key) ? `.${key}` : `[${quote(key)}]`;
    present += ` and ${access} is defined`;
  }
  if (number === undefined) return path.length === 0 ? root : `(${access} if ${present})`;
  return `(${access} if ${present} else ${number}|${guardFilters.missing})`;
}

function quote(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`;
}
