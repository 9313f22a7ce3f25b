/** What a host pattern names: one name or a range of them, with a port where one is given. */
export interface Address {
  readonly host: string;
  readonly port: number | undefined;
}

// The grammar of Ansible's host names, ranges allowed. It matters beyond names: whether `a:b` is one host with a port,
// an IPv6 address or two patterns is decided by it.
const numericRange = String.raw`\[[0-9]+:[0-9]+(?::[0-9]+)?\]`;
const hexRange = String.raw`\[[0-9a-f]+:[0-9a-f]+(?::[0-9]+)?\]`;
const labelRange = String.raw`\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]`;

const four = `(?:[01]?[0-9]{1,2}|2[0-4][0-9]|25[0-5]|${numericRange})`;
const six = `(?:[0-9a-f]{1,4}|${hexRange})`;
const nameOf = (letters: string, flags: string): RegExp => {
  const label = String.raw`(?:[${letters}_]|${labelRange})(?:[${letters}_-]|${labelRange})*(?<![_-])`;
  return new RegExp(String.raw`^${label}(?:\.${label})*$`, flags);
};

const ipv4 = new RegExp(String.raw`^(?:${four}\.){3}${four}$`, 'i');
const ipv6 = new RegExp(
  [
    `^(?:${six}:){7}${six}`,
    `^(?:${six}:){1,6}:`,
    `^(?:${six}:)(?::${six}){1,6}`,
    `^(?:${six}:){2}(?::${six}){1,5}`,
    `^(?:${six}:){3}(?::${six}){1,4}`,
    `^(?:${six}:){4}(?::${six}){1,3}`,
    `^(?:${six}:){5}(?::${six}){1,2}`,
    `^(?:${six}:){6}(?::${six})`,
    `^:(?::${six}){1,6}`,
    `^${six}?::`,
    String.raw`^(?:0:){6}(?:${six}\.){3}${six}`,
    String.raw`^::(?:ffff:)?(?:${six}\.){3}${six}`,
    String.raw`^(?:0:){5}ffff:(?:${six}\.){3}${six}$`,
  ].join('|'),
  'i',
);
const hostname = nameOf(String.raw`\p{L}\p{N}`, 'iu');
// Tried first: most names are such, and the others take 5 ms of every start to compile.
const asciiHostname = nameOf('a-z0-9', 'i');

/** Reads `name`, `name:port`, `[address]:port`, with ranges in any of them; `undefined` when it is none of these. */
export function parseAddress(text: string): Address | undefined {
  const withPort = /^\[(.+)\]:([0-9]+)$/.exec(text) ?? /^((?:[^:[\]]|\[[^\]]*\])*):([0-9]+)$/.exec(text);
  const host = withPort?.[1] ?? text;
  const port = withPort?.[2] === undefined ? undefined : Number(withPort[2]);
  const isName = asciiHostname.test(host) || ipv4.test(host) || ipv6.test(host) || hostname.test(host);
  return isName ? { host, port } : undefined;
}

/** An address as it stands in numbers, IPv4 or IPv6: such names have no short form. */
export function isIpAddress(name: string): boolean {
  // Only where it can match: to compile it takes as long as to read a small inventory.
  return ipv4.test(name) || (name.includes(':') && ipv6.test(name));
}

/** Why a range cannot be expanded. */
export class BadRange extends Error {}

/** More hosts than any inventory has; a slip like `[1:99999999]` must not eat all memory. */
const maxHosts = 1_000_000;

/**
 * `web[01:03]`, `db-[a:c]`, `r[1:2]-n[0:9:3]`: every name that a pattern stands for, first range outermost.
 * @throws BadRange with what is wrong.
 */
export function expandRanges(pattern: string): string[] {
  const open = pattern.indexOf('[');
  if (open === -1) return [pattern];
  const close = pattern.indexOf(']', open);
  if (close === -1) throw new BadRange(`the range in ${pattern} has no closing ]`);
  const head = pattern.slice(0, open);
  const tails = expandRanges(pattern.slice(close + 1));
  const names = expandRange(pattern.slice(open + 1, close), pattern);
  if (names.length * tails.length > maxHosts)
    throw new BadRange(`${pattern} stands for more than ${maxHosts.toLocaleString('en')} hosts`);
  return names.flatMap((name) => tails.map((tail) => head + name + tail));
}

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

function expandRange(range: string, pattern: string): string[] {
  const bounds = range.split(':');
  if (bounds.length !== 2 && bounds.length !== 3)
    throw new BadRange(`a range is [begin:end] or [begin:end:step]; found [${range}] in ${pattern}`);
  const [begin = '', end = '', stepText = '1'] = bounds;
  const first = begin === '' ? '0' : begin;
  if (end === '') throw new BadRange(`the range [${range}] in ${pattern} has no end`);
  const step = Number(stepText);
  if (!/^[0-9]+$/.test(stepText) || step === 0)
    throw new BadRange(
      `the step of a range must be a whole number from 1; found ${stepText || 'nothing'} in ${pattern}`,
    );
  const firstLetter = letters.indexOf(first);
  const lastLetter = letters.indexOf(end);
  if (firstLetter !== -1 && lastLetter !== -1) {
    if (firstLetter > lastLetter) throw new BadRange(`the range [${range}] in ${pattern} ends before it begins`);
    return Array.from(letters.slice(firstLetter, lastLetter + 1)).filter((_, index) => index % step === 0);
  }
  return numbers(first, end, step, range, pattern);
}

function numbers(first: string, end: string, step: number, range: string, pattern: string): string[] {
  if (!/^[0-9]+$/.test(first) || !/^[0-9]+$/.test(end))
    throw new BadRange(`a range goes from number to number or from letter to letter; found [${range}] in ${pattern}`);
  const padded = first.length > 1 && first.startsWith('0');
  if (padded && first.length !== end.length)
    throw new BadRange(`with leading zeros both ends of a range need the same length; found [${range}] in ${pattern}`);
  const names: string[] = [];
  for (let number = Number(first); number <= Number(end); number += step) {
    names.push(padded ? String(number).padStart(first.length, '0') : String(number));
    if (names.length > maxHosts)
      throw new BadRange(`${pattern} stands for more than ${maxHosts.toLocaleString('en')} hosts`);
  }
  return names;
}
