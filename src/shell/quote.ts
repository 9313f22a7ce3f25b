/** Quotes an argv for a POSIX shell, once and here only. @throws RangeError on a NUL byte, which no argv can hold. */
export function quoteArgv(argv: readonly string[]): string {
  return argv.map(quoteWord).join(' ');
}

function quoteWord(word: string): string {
  if (word.includes('\0')) throw new RangeError(`a command's argument holds a NUL byte: ${JSON.stringify(word)}`);
  if (/^[\w/:.,@%+-][\w/:=.,@%+-]*$/.test(word)) return word;
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
