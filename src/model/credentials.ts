// What a mistake in a file quotes may hold a password. A mask has as many characters as what it hides: the mark below a
// line stays where it belongs.

/** The text with the user and the password of every URL in asterisks, also of one that is no valid URL. */
export function withoutUrlCredentials(text: string): string {
  return text.replace(/[^\s"'<>]+/g, (word) => {
    const scheme = word.indexOf('://');
    const start = scheme + 3;
    // The last one: a password that was not encoded has some of its own.
    const end = word.lastIndexOf('@');
    if (scheme === -1 || end <= start) return word;
    const found = word.slice(start, end);
    // `http://host/a@b`: nobody's name.
    return /^[^:/]*\//.test(found) ? word : word.slice(0, start) + mask(found) + word.slice(end);
  });
}

/** A line of a file, as {@link withoutUrlCredentials}; and what stands behind `password:`, `token=` and the like too. */
export function withoutCredentials(line: string): string {
  const text = withoutUrlCredentials(line);
  const marks = /[{}]|(?:password|passwd|token|api_?key)["']?[ \t]*[:=][ \t]*/gi;
  const parts: string[] = [];
  let done = 0;
  let isFlow = false;
  for (let found = marks.exec(text); found !== null; found = marks.exec(text)) {
    if (/[{}]/.test(found[0])) {
      isFlow = found[0] === '{';
      continue;
    }
    const start = marks.lastIndex;
    const value = valueAt(text.slice(start), found[0].includes('=') ? 'word' : isFlow ? 'flow' : 'line');
    parts.push(text.slice(done, start), mask(value));
    done = start + value.length;
    marks.lastIndex = done;
  }
  return parts.join('') + text.slice(done);
}

const unquoted = { word: /^\S+/, flow: /^[^,}]+/, line: /^.+/ };

/** The value as it is written; empty where it is no text of its own: a mapping, a tag, an alias, a template. */
function valueAt(rest: string, form: keyof typeof unquoted): string {
  if (/^(?:[{[!*&|>]|["']?\{\{)/.test(rest)) return '';
  const found = /^"(?:[^"\\]|\\.)*"|^'(?:[^']|'')*'/.exec(rest) ?? unquoted[form].exec(rest);
  return found?.[0].trimEnd() ?? '';
}

const mask = (text: string): string => text.replace(/[^"']/g, '*');
