/** Quotes an argv for a POSIX shell, once and here only. @throws RangeError on a NUL byte, which no argv can hold. */
export function quoteArgv(argv: readonly string[]): string {
  return argv.map((word) => quoted(word, /^[\w/:.,@%+-][\w/:=.,@%+-]*$/)).join(' ');
}

/** As {@link quoteArgv}, but with a leading `=` as it is: spec hashes hold this form, and so it never changes. */
export function quoteWords(words: readonly string[]): string {
  return words.map((word) => quoted(word, /^[\w@%+=:,./-]+$/)).join(' ');
}

function quoted(word: string, plain: RegExp): string {
  if (word.includes('\0')) throw new RangeError(`a command's argument holds a NUL byte: ${JSON.stringify(word)}`);
  return plain.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
