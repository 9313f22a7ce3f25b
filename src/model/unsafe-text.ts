/**
 * Characters that could move a cursor, hide text, or show it in another order than it stands: C0, DEL, C1, lone
 * surrogates, separators of lines and paragraphs, bidi marks and overrides, what has no width. Those that make up
 * letters and emoji (joiners, variation selectors) are so only beside plain ASCII, where they join nothing, and beside what
 * is unsafe itself: that is written in ASCII.
 */
const hidden =
  '\\p{Cs}\\u2028\\u2029\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b\\u200e\\u200f\\u202a-\\u202e\\u2060-\\u206f\\u3164\\ufeff\\uffa0\\ufff0-\\ufffb\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e00ff}\\u{e01f0}-\\u{e0fff}';
const joiners = '[\\u200c\\u200d\\ufe00-\\ufe0f\\u{e0100}-\\u{e01ef}]';
const ascii = `[\\0-\\x9f${hidden}]`;

export const unsafeCharacters = unsafe('\\p{Cc}');
/** But for the line feed. */
export const unsafeInLines = unsafe('\\0-\\x09\\x0b-\\x1f\\x7f-\\x9f');
/** In JSON text the C0 characters are escaped already, or stand between its words. */
const unsafeInJson = unsafe('\\x7f-\\x9f');

function unsafe(controls: string): RegExp {
  return new RegExp(`[${controls}${hidden}]|(?<=^|${ascii})${joiners}|${joiners}(?=${ascii}|$)`, 'gu');
}

/** JSON as it may be printed to a terminal: what is unsafe in a string of it as `\uXXXX`. Every reader reads the same. */
export function safeJson(json: string): string {
  return json.replace(unsafeInJson, (character) =>
    Array.from({ length: character.length }, (_, index) => unicodeEscape(character.charCodeAt(index))).join(''),
  );
}

function unicodeEscape(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}
