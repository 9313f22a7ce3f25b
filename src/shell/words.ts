/** A word and where it starts in the line. */
export interface Word {
  readonly text: string;
  readonly offset: number;
}

/** Why a line cannot be split. */
export class UnfinishedWord extends Error {}

/** Where those who split lines differ. */
export interface WordRules {
  /** What a backslash protects between double quotes; elsewhere it protects every character. */
  readonly escapable: string;
  /** A `#` outside of quotes ends the line, also in the middle of a word. */
  readonly hasComments?: boolean;
  /** Throws where a character means more than itself. `place` is where it stands: it may begin a word, or be quoted. */
  readonly check?: (character: string, place: 'start' | 'word' | 'quotes') => void;
}

/** As Python's shlex, and so Ansible. */
export const shlexRules: WordRules = { escapable: '"\\' };
/** As a POSIX shell, and Compose; nothing is expanded. */
export const shellRules: WordRules = { escapable: '"\\$`' };

/** The words of a line. @throws UnfinishedWord when a quote is not closed or a backslash ends the line. */
export function splitWords(line: string, rules: WordRules): string[] {
  return locateWords(line, rules).map(({ text }) => text);
}

/** The words of a line, and where each stands. @throws UnfinishedWord */
export function locateWords(line: string, rules: WordRules): Word[] {
  const words: Word[] = [];
  let at = 0;
  while (at < line.length) {
    const character = line.charAt(at);
    if (isBlank(character)) at++;
    else if (rules.hasComments === true && character === '#') break;
    else {
      const { text, end } = readWord(line, at, rules);
      words.push({ text, offset: at });
      at = end;
    }
  }
  return words;
}

const isBlank = (character: string): boolean => /[ \t\r\n]/.test(character);

function readWord(line: string, start: number, rules: WordRules): { text: string; end: number } {
  let text = '';
  let quote = '';
  let at = start;
  for (; at < line.length; at++) {
    const character = line.charAt(at);
    if (quote === '' && isBlank(character)) break;
    // The rest of the line is a comment; the caller ends on it.
    if (rules.hasComments === true && quote === '' && character === '#') return { text, end: line.length };
    if (character === quote) quote = '';
    else if (quote === '' && (character === '"' || character === "'")) quote = character;
    else if (character === '\\' && quote !== "'") {
      at++;
      if (at === line.length) throw new UnfinishedWord('a backslash ends the line, with nothing to protect');
      const escaped = line.charAt(at);
      text += quote === '"' && !rules.escapable.includes(escaped) ? `\\${escaped}` : escaped;
    } else {
      if (quote !== "'") rules.check?.(character, quote === '"' ? 'quotes' : at === start ? 'start' : 'word');
      text += character;
    }
  }
  if (quote !== '') throw new UnfinishedWord(`the ${quote === '"' ? 'double' : 'single'} quote is not closed`);
  return { text, end: at };
}
