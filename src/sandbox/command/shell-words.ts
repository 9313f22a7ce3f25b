/**
 * Splits a command line as a POSIX shell would: single quotes, double quotes, backslashes.
 * Undefined where it uses anything else of a shell's (variables, pipes, redirections), or a quote is not closed.
 */
export function splitShellWords(line: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < line.length; at += 1) {
    const char = line.charAt(at);
    if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (char === "'") {
      const end = line.indexOf("'", at + 1);
      if (end === -1) return undefined;
      word = (word ?? '') + line.slice(at + 1, end);
      at = end;
    } else if (char === '"') {
      const quoted = readDoubleQuoted(line, at + 1);
      if (quoted === undefined) return undefined;
      word = (word ?? '') + quoted.text;
      at = quoted.end;
    } else if (char === '\\') {
      at += 1;
      word = (word ?? '') + line.charAt(at);
    } else if (/[$`|&;<>()*?[\]#~]/.test(char) && !(word !== undefined && /[#~]/.test(char))) {
      return undefined;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

function readDoubleQuoted(line: string, start: number): { text: string; end: number } | undefined {
  let text = '';
  for (let at = start; at < line.length; at += 1) {
    const char = line.charAt(at);
    if (char === '"') return { text, end: at };
    if (char === '$' || char === '`') return undefined;
    const escapes = char === '\\' && /["\\$`]/.test(line.charAt(at + 1));
    if (escapes) at += 1;
    text += line.charAt(at);
  }
  return undefined;
}
