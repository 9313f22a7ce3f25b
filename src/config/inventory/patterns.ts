import type { Inventory } from './inventory.ts';
import type { Member } from './graph.ts';
import { pythonRegex, RegexSyntaxError, RegexTimeoutError } from '../regex/regex.ts';
import { parseAddress } from './address.ts';

/** Why a pattern cannot be understood. */
export class PatternError extends Error {}

export interface Selection {
  readonly members: readonly Member[];
  /** Parts of the pattern that match nothing. */
  readonly unmatched: readonly string[];
}

/**
 * The hosts of a pattern, in inventory order, as Ansible selects them: first everything that is named, then `&` keeps,
 * then `!` takes away, wherever they stand. `readLines` gives the lines of an `@file`.
 * @throws PatternError for a broken regular expression, a subscript out of range or a file that is not there.
 */
export function selectHosts(
  inventory: Inventory,
  pattern: string | readonly string[],
  readLines: (file: string) => readonly string[],
): Selection {
  const parts = (typeof pattern === 'string' ? [pattern] : pattern)
    .flatMap(splitPattern)
    .flatMap((part) => (part.startsWith('@') ? readLines(part.slice(1)).map((line) => line.trim()) : [part]))
    .filter((part) => part !== '');
  const regular = parts.filter((part) => !/^[!&]/.test(part));
  const ordered = [
    ...(regular.length === 0 ? ['all'] : regular),
    ...parts.filter((part) => part.startsWith('&')),
    ...parts.filter((part) => part.startsWith('!')),
  ];
  const unmatched: string[] = [];
  let members = new Set<Member>();
  for (const part of ordered) {
    const named = inventory.graph.hosts.get(part);
    const matched = new Set(named === undefined ? matchPart(inventory, part.replace(/^[!&]/, ''), unmatched) : [named]);
    if (part.startsWith('!')) members = new Set([...members].filter((member) => !matched.has(member)));
    else if (part.startsWith('&')) members = new Set([...members].filter((member) => matched.has(member)));
    else for (const member of matched) members.add(member);
  }
  return { members: [...members], unmatched };
}

/** Commas separate; without one, colons do, unless the whole is a host with a port, an IPv6 address or a range. */
function splitPattern(pattern: string): string[] {
  const parts = pattern.includes(',')
    ? pattern.split(',')
    : parseAddress(pattern) !== undefined
      ? [pattern]
      : (pattern.match(/(?:[^\s:[\]]|\[[^\]]*\])+/g) ?? []);
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

const localNames = ['localhost', '127.0.0.1', '::1'];

function matchPart(inventory: Inventory, part: string, unmatched: string[]): readonly Member[] {
  const { name, subscript } = splitSubscript(part);
  const { graph } = inventory;
  const groups = matching(name, graph.groups);
  const members = new Set(groups.flatMap((group) => [...graph.hostsOf(group)]));
  if (groups.length === 0 || name.startsWith('~') || /[.?*[]/.test(name))
    for (const member of matching(name, graph.hosts)) members.add(member);
  if (members.size === 0 && localNames.includes(name)) members.add(inventory.localhost(name));
  if (members.size === 0 && groups.length === 0 && name !== 'all') unmatched.push(part);
  return subscript === undefined || members.size === 0 ? [...members] : applySubscript([...members], subscript, part);
}

interface Subscript {
  readonly first: number;
  /** Inclusive; undefined for a single host. */
  readonly last: number | undefined;
}

/** `web[0]`, `web[-1]`, `web[0:2]`, `web[2:]`; a regular expression keeps its brackets. */
function splitSubscript(part: string): { name: string; subscript?: Subscript } {
  if (part.startsWith('~')) return { name: part };
  const match = /^(.+)\[(?:(-?[0-9]+)|([0-9]+)[:-]([0-9]*))\]$/.exec(part);
  if (match === null) return { name: part };
  const [, name = '', single, first = '', last = ''] = match;
  if (single !== undefined) return { name, subscript: { first: Number(single), last: undefined } };
  return { name, subscript: { first: Number(first), last: last === '' ? Infinity : Number(last) } };
}

function applySubscript(members: readonly Member[], { first, last }: Subscript, part: string): readonly Member[] {
  if (last !== undefined) return members.slice(first, last === 0 ? first + 1 : last + 1);
  const member = members.at(first);
  if (member === undefined)
    throw new PatternError(`${part} asks for host ${first}, but there are only ${members.length}`);
  return [member];
}

/** Whose name matches: a regular expression of Python's after `~`, else shell wildcards, else the name itself. */
function matching<Item>(pattern: string, items: ReadonlyMap<string, Item>): Item[] {
  if (!pattern.startsWith('~') && !/[*?[]/.test(pattern)) {
    const item = items.get(pattern);
    return item === undefined ? [] : [item];
  }
  try {
    const expression = pattern.startsWith('~')
      ? pythonRegex(pattern.slice(1))
      : pythonRegex(`(?s)${fromWildcards(pattern)}\\Z`);
    const names = expression.matching([...items.keys()]);
    return [...items].flatMap(([name, item]) => (names.has(name) ? [item] : []));
  } catch (error) {
    if (error instanceof RegexTimeoutError) throw new PatternError(`${pattern} ${error.message}`);
    if (!(error instanceof RegexSyntaxError)) throw error;
    throw new PatternError(`${pattern} is not a valid pattern: ${error.message}`);
  }
}

function fromWildcards(pattern: string): string {
  let expression = '';
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] ?? '';
    if (character === '*') expression += expression.endsWith('.*') ? '' : '.*';
    else if (character === '?') expression += '.';
    else if (character === '[') {
      const set = /^\[(!?)(\]?[^\]]*)\]/.exec(pattern.slice(at));
      if (set === null) expression += '\\[';
      else {
        expression += `[${set[1] === '!' ? '^' : ''}${(set[2] ?? '').replace(/[\\[\]^]/g, '\\$&')}]`;
        at += set[0].length - 1;
      }
    } else expression += character.replace(/[\\^$.|+(){}\]/]/, '\\$&');
  }
  return expression;
}
