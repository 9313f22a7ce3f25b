import type { Problem } from './problem.ts';
import { encodedForms } from './secret-forms.ts';
import type { Secret } from './secret.ts';

/** Puts `[secret NAME]` where a secret's value stands, as it is or encoded. */
export interface Redactor {
  redact(text: string): string;
  /** A secret that is known only now: a credential helper's answer, a token. Text that comes later is without it. */
  add(secret: Secret): void;
  /** For text that comes in pieces: a value cut in two by a border is found all the same. */
  stream(): RedactingStream;
}

export interface RedactingStream {
  /** What is safe to show by now; the beginning of what may become a secret is held back. */
  write(chunk: string): string;
  /** The rest. */
  end(): string;
}

/**
 * Finds the forms of `encodedForms`, the longest first; where found values overlap, all of them go. A value of three
 * characters is found only as a word of its own and unencoded: anywhere else it would be in every second line. One of
 * one or two characters is found only where it is a whole line: as a word it would be every `1` of the output. An empty
 * value is nothing.
 */
export function createRedactor(secrets: Iterable<Secret>): Redactor {
  const needles = new Needles(secrets);
  let finder = createFinder(needles);
  let isStale = false;
  const current = (): Finder => {
    if (isStale) finder = createFinder(needles);
    isStale = false;
    return finder;
  };
  return {
    redact: (text) => scan(current(), text, { before: '', isLast: true }).safe,
    add: (secret) => {
      isStale = needles.add(secret) || isStale;
    },
    stream() {
      let held = '';
      let before = '';
      const next = (chunk: string, isLast: boolean): string => {
        const scanned = scan(current(), held + chunk, { before, isLast });
        const passed = held.length + chunk.length - scanned.held.length;
        if (passed > 0) before = (held + chunk).charAt(passed - 1);
        held = scanned.held;
        return scanned.safe;
      };
      return { write: (chunk) => next(chunk, false), end: () => next('', true) };
    },
  };
}

/** A problem as it may be shown: its message, and the lines of the file that it shows. */
export function redactProblem(problem: Problem, redactor: Redactor): Problem {
  return {
    ...problem,
    message: redactor.redact(problem.message),
    ...(problem.excerpt === undefined ? {} : { excerpt: redactor.redact(problem.excerpt) }),
  };
}

interface Needle {
  readonly text: string;
  readonly mask: string;
  /** Found only where it is a line of its own. */
  readonly isLine: boolean;
}

/** A value with fewer characters is only looked for as a word. */
const minimumLength = 4;
/** A value with fewer characters is only looked for as a line. */
const minimumWordLength = 3;

/** True where a value is so short that it is not looked for everywhere: whoever chose it is told. */
export function isTooShortToHide(secret: Secret): boolean {
  const { length } = secret.reveal().trim();
  return length > 0 && length < minimumLength;
}

/** What is looked for, and how. */
class Needles {
  readonly #anywhere = new Map<string, Needle>();
  readonly #words = new Map<string, Needle>();

  constructor(secrets: Iterable<Secret>) {
    for (const secret of secrets) this.add(secret);
  }

  get anywhere(): readonly Needle[] {
    return [...this.#anywhere.values()];
  }

  get words(): readonly Needle[] {
    return [...this.#words.values()];
  }

  /** False where all of it is looked for already. */
  add(secret: Secret): boolean {
    const mask = secret.toString();
    const value = secret.reveal();
    const { length } = value.trim();
    const isShort = length < minimumLength;
    const isLine = length < minimumWordLength;
    const target = isShort ? this.#words : this.#anywhere;
    const { size } = target;
    for (const text of isShort ? [value.trim()] : encodedForms(value, minimumLength)) {
      if (text !== '' && !target.has(text)) target.set(text, { text, mask, isLine });
    }
    return target.size > size;
  }
}

interface Finder {
  /** The first place from `index` on where a needle may begin; the text's length if there is none. */
  nextStart(text: string, index: number): number;
  /** The longest needle that stands at `index`. */
  match(text: string, index: number, before: string): Needle | undefined;
  /** Could what stands from `index` to the end be a needle's beginning, or a word whose end is not seen yet? */
  mayGoOn(text: string, index: number): boolean;
  /** `mayGoOn` is false further than this from the end. */
  readonly longest: number;
}

/**
 * A table of first characters says at almost every place of a text that no needle begins there; elsewhere one binary
 * search finds what does. So the time hardly depends on how many secrets there are, nor on how they begin.
 */
function createFinder({ anywhere, words }: Needles): Finder {
  const starts = new Uint8Array(2 ** startBits);
  const wordStarts = new Uint8Array(65_536);
  for (const { text } of anywhere) starts[startHash(text, 0)] = 1;
  for (const { text } of words) wordStarts[text.charCodeAt(0)] = 1;
  const byLength = words.toSorted((a, b) => b.text.length - a.text.length);
  const sorted = anywhere.toSorted((a, b) => byCodeUnits(a.text, b.text));
  const shorter = shorterNeedles(sorted);
  const longest = Math.max(0, ...anywhere.map(({ text }) => text.length), ...words.map(({ text }) => text.length));

  return {
    longest,
    nextStart(text, index) {
      let at = index;
      while (at < text.length && starts[startHash(text, at)] !== 1 && wordStarts[text.charCodeAt(at)] !== 1) at += 1;
      return at;
    },
    match(text, index, before) {
      // Of all needles not above what stands here, the last one has every needle that stands here as its beginning.
      let at = firstAbove(sorted, text.slice(index, index + longest)) - 1;
      while (at >= 0 && !text.startsWith(sorted[at]?.text ?? '', index)) at = shorter[at] ?? -1;
      if (at >= 0) return sorted[at];
      return byLength.find((word) => text.startsWith(word.text, index) && isAlone(word, text, index, before));
    },
    mayGoOn(text, index) {
      const rest = text.slice(index);
      if (words.some((word) => word.text.startsWith(rest))) return true;
      if (rest.length >= minimumLength && starts[startHash(text, index)] !== 1) return false;
      return sorted[firstAbove(sorted, rest)]?.text.startsWith(rest) === true;
    },
  };
}

/** For each of the sorted needles the index of the longest other one that it begins with; -1 where there is none. */
function shorterNeedles(sorted: readonly Needle[]): Int32Array {
  const shorter = new Int32Array(sorted.length);
  const open: number[] = [];
  for (const [index, { text }] of sorted.entries()) {
    while (open.length > 0 && !text.startsWith(sorted[open.at(-1) ?? 0]?.text ?? '')) open.pop();
    shorter[index] = open.at(-1) ?? -1;
    open.push(index);
  }
  return shorter;
}

/** Index of the first needle above `text`. */
function firstAbove(sorted: readonly Needle[], text: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle]?.text ?? '') <= text) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Of four characters; what is beyond the end counts as nothing. */
function startHash(text: string, index: number): number {
  const low = text.charCodeAt(index) | (text.charCodeAt(index + 1) << 16);
  const high = text.charCodeAt(index + 2) | (text.charCodeAt(index + 3) << 16);
  return Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b) >>> (32 - startBits);
}

// Large enough that thousands of forms leave nearly all of it empty.
const startBits = 18;

function isAlone(word: Needle, text: string, index: number, before: string): boolean {
  const previous = index === 0 ? before : text.charAt(index - 1);
  const next = text.charAt(index + word.text.length);
  const border = word.isLine ? lineBorder : wordBorder;
  return border.test(previous) && border.test(next);
}

const wordBorder = /^[^\p{L}\p{N}_]?$/u;
const lineBorder = /^[\r\n]?$/;

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

interface Piece {
  /** The character before the piece, if any. */
  readonly before: string;
  /** Nothing follows: nothing needs to be held back. */
  readonly isLast: boolean;
}

function scan(
  finder: Finder,
  text: string,
  { before, isLast }: Piece,
): { readonly safe: string; readonly held: string } {
  if (finder.longest === 0) return { safe: text, held: '' };
  const tail = isLast ? text.length : text.length - finder.longest;
  let safe = '';
  let copied = 0;
  /** The found values that overlap so far. */
  let found: { readonly from: number; readonly to: number; readonly mask: string } | undefined;
  for (let index = 0; index < text.length;) {
    // Between two finds, and far from the end, nearly everything is passed over at once.
    if (found === undefined && index < tail) {
      index = Math.min(tail, finder.nextStart(text, index));
      if (index === text.length) break;
    }
    if (index >= tail && finder.mayGoOn(text, index)) {
      const hold = found?.from ?? index;
      return { safe: safe + text.slice(copied, hold), held: text.slice(hold) };
    }
    const needle = finder.match(text, index, before);
    if (needle !== undefined) {
      const { from, mask } = found ?? { from: index, mask: needle.mask };
      found = { from, mask, to: Math.max(found?.to ?? 0, index + needle.text.length) };
    }
    index += 1;
    if (found !== undefined && index >= found.to) {
      safe += text.slice(copied, found.from) + found.mask;
      copied = found.to;
      found = undefined;
    }
  }
  return { safe: safe + text.slice(copied), held: '' };
}
