/** What a host says, as text and nothing but text: no control or invisible character reaches a terminal by it. */
export function printable(text: string, mostLength = 300): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, ' ')
    .trim()
    .slice(0, mostLength);
}
