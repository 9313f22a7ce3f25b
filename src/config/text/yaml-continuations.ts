/** What a parser says of the first thing that it does not understand. */
interface SyntaxError {
  readonly message: string;
  readonly pos: readonly [number, number];
}

/** A text into which spaces were put, with the way back to the places of the text before. */
export interface Indented {
  readonly text: string;
  /** The offset in the text as written. */
  readonly original: (offset: number) => number;
}

/** Where an insertion stands in the text as written, and how long it is. */
type Insertion = readonly [offset: number, length: number];

/** More of them are no configuration, and each costs a parse. */
const maxConstructs = 500;

/**
 * libyaml and go-yaml, which read most of the world's YAML, take lines of a quoted text or of a `[…]` and `{…}` at the
 * column of what stands around it; YAML's grammar wants them further in. Indents such lines, one construct for each
 * error that `firstError` finds; `undefined` where an error is of another kind, and so a mistake.
 */
export function indentContinuations(
  written: string,
  firstError: (text: string) => SyntaxError | undefined,
): Indented | undefined {
  const insertions: Insertion[] = [];
  for (let count = 0; count < maxConstructs; count++) {
    const indented = withInsertions(written, insertions);
    const error = firstError(indented.text);
    if (error === undefined) return indented;
    const lines = continuationLines(indented.text, error);
    if (lines === undefined || lines.length === 0) return undefined;
    for (const offset of lines) insertions.push([indented.original(offset), indentation]);
  }
  return undefined;
}

/** Further in than anything that is written by hand. */
const indentation = 60;

function withInsertions(written: string, insertions: readonly Insertion[]): Indented {
  const sorted = [...insertions].sort(([a], [b]) => a - b);
  let text = '';
  let at = 0;
  for (const [offset, length] of sorted) {
    text += written.slice(at, offset) + ' '.repeat(length);
    at = offset;
  }
  return {
    text: text + written.slice(at),
    original: (offset) => {
      let shift = 0;
      for (const [at, length] of sorted) {
        if (at + shift >= offset) break;
        shift += Math.min(length, offset - at - shift);
      }
      return offset - shift;
    },
  };
}

/** The starts of the lines that the construct of an error goes on over. */
function continuationLines(text: string, { message, pos: [at] }: SyntaxError): number[] | undefined {
  const quote = /^Missing closing (["'])/.exec(message)?.[1];
  if (quote !== undefined) return linesWithin(text, at, (from) => endOfQuoted(text, from, quote));
  const bracket = /must be sufficiently indented and end with a ([\]}])/.exec(message)?.[1];
  if (bracket === undefined) return undefined;
  const lineStart = text.lastIndexOf('\n', at - 1) + 1;
  return linesWithin(text, lineStart - 1, (from) => endOfFlow(text, from));
}

/** The lines that begin behind `from`, up to where the construct ends. */
function linesWithin(text: string, from: number, endOf: (from: number) => number | undefined): number[] | undefined {
  const end = endOf(Math.max(from, 0));
  if (end === undefined) return undefined;
  const starts: number[] = [];
  for (let at = text.indexOf('\n', Math.max(from, 0)); at !== -1 && at < end; at = text.indexOf('\n', at + 1)) {
    // Between documents nothing goes on.
    if (/^(?:---|\.\.\.)(?:\s|$)/.test(text.slice(at + 1, at + 5))) return undefined;
    if (!/^ *\r?\n/.test(text.slice(at + 1, at + 200))) starts.push(at + 1);
  }
  return starts;
}

function endOfQuoted(text: string, from: number, quote: string): number | undefined {
  const rest = quote === '"' ? /(?:\\[^]|[^"\\])*"/y : /(?:''|[^'])*'/y;
  rest.lastIndex = from;
  return rest.test(text) ? rest.lastIndex : undefined;
}

/** Where the bracket closes that is open at `from`. */
function endOfFlow(text: string, from: number): number | undefined {
  let depth = 1;
  const token = /#.*|"(?:\\[^]|[^"\\])*"|'(?:''|[^'])*'|[[\]{}]|[^]/y;
  token.lastIndex = from;
  let before = '\n';
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    let [found] = match;
    // Quotes and # within a word are letters.
    if (found.length > 1 && !/[\s,[\]{}:]/.test(before)) {
      found = found.charAt(0);
      token.lastIndex = match.index + 1;
    }
    if (found === '[' || found === '{') depth++;
    if ((found === ']' || found === '}') && --depth === 0) return token.lastIndex;
    before = found.at(-1) ?? before;
  }
  return undefined;
}
