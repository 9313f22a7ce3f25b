/** Four numbers from 0 to 255. */
export function isIpv4(text: string): boolean {
  return /^(?:\d{1,3}\.){3}\d{1,3}$/.test(text) && text.split('.').every((part) => Number(part) <= 255);
}

/** Without brackets and without a zone. */
export function isIpv6(text: string): boolean {
  return canonicalIpv6(text) !== undefined;
}

/** The one way to write it: `0:0::1` is `::1`; undefined for what is none. */
export function canonicalIpv6(text: string): string | undefined {
  if (!/^[0-9a-f:.]+$/i.test(text) || !text.includes(':')) return undefined;
  try {
    return new URL(`http://[${text}]`).hostname.slice(1, -1);
  } catch {
    return undefined;
  }
}

/** Of 6, 8 or 20 bytes, as docker reads it: `02:42:ac:11:00:02`, with dashes, or in groups of four with dots. */
export function isMacAddress(text: string): boolean {
  const bytes = /^[0-9a-f]{2}(?:([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2})+)$/i.test(text) ? text.split(/[:-]/).length : 0;
  const groups = /^[0-9a-f]{4}(?:\.[0-9a-f]{4})+$/i.test(text) ? text.split('.').length * 2 : 0;
  return [6, 8, 20].includes(bytes) || [6, 8, 20].includes(groups);
}
