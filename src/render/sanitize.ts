import { unsafeCharacters, unsafeInLines } from '../model/unsafe-text.ts';

/**
 * What came from a host, made safe for a terminal: escape sequences are taken out, and every other character that
 * could move the cursor, hide or reorder text is written as its code (`\x07`, `\u{202e}`). Tabs become two spaces.
 * Line ends stay only with `keepLines`; otherwise they become `⏎`.
 */
export function sanitize(text: string, options: { readonly keepLines?: boolean } = {}): string {
  if (harmless.test(text)) return text;
  const plain = text.replace(escapeSequences, '').replaceAll('\t', '  ').replace(/\r+\n/g, '\n');
  return plain.replace(options.keepLines === true ? unsafeInLines : unsafeCharacters, (character) =>
    character === '\n' ? '⏎' : code(character),
  );
}

const harmless = /^[\x20-\x7e]*$/;

// CSI (colours, cursor), OSC (titles, links), DCS, PM and APC up to their end, then two-character escapes. A sequence
// that begins within another one ends that: so each character is looked at once, whatever a host prints.
const escapeSequences =
  // eslint-disable-next-line no-control-regex -- control characters are what it is about
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u0090\u0098\u009c-\u009f]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-~]/g;

function code(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  const hex = point.toString(16);
  return point < 0x100 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`;
}
