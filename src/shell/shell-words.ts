/** A word and where it starts in the line. */
export interface Word {
  readonly text: string;
  readonly offset: number;
}

/** Why a line cannot be split. */
export class UnfinishedWord extends Error {}

/**
 * Splits a line as a POSIX shell would (and Python's shlex does): blanks separate, quotes and backslashes
 * protect, and with `comments` a `#` outside quotes ends the line, also in the middle of a word.
 * @throws UnfinishedWord when a quote is not closed or a backslash ends the line.
 */
export function splitShellWords(line: string, { comments = true } = {}): Word[] {
  const words: Word[] = [];
  let at = 0;
  while (at < line.length) {
    const character = line[at] ?? '';
    if (/[ \t\r\n]/.test(character)) at++;
    else if (comments && character === '#') break;
    else {
      const { text, end } = readWord(line, at, comments);
      words.push({ text, offset: at });
      at = end;
    }
  }
  return words;
}

function readWord(line: string, start: number, comments: boolean): { text: string; end: number } {
  let text = '';
  let quote = '';
  let at = start;
  for (; at < line.length; at++) {
    const character = line[at] ?? '';
    if (quote === '' && /[ \t\r\n]/.test(character)) break;
    // The rest of the line is a comment; the caller ends on it.
    if (comments && quote === '' && character === '#') return { text, end: line.length };
    if (character === quote) quote = '';
    else if (quote === '' && (character === '"' || character === "'")) quote = character;
    else if (character === '\\' && quote !== "'") {
      at++;
      const escaped = line[at];
      if (escaped === undefined) throw new UnfinishedWord('a backslash ends the line, with nothing to protect');
      // Between double quotes only a quote and a backslash can be escaped.
      text += quote === '"' && escaped !== '"' && escaped !== '\\' ? `\\${escaped}` : escaped;
    } else text += character;
  }
  if (quote !== '') throw new UnfinishedWord(`the ${quote === '"' ? 'double' : 'single'} quote is not closed`);
  return { text, end: at };
}
