/** `h1, h2, h3 and 5 more`. */
export function someOf(names: Iterable<string>): string {
  const all = [...names];
  const more = all.length > 3 ? ` and ${all.length - 3} more` : '';
  return `${all.slice(0, 3).join(', ')}${more}`;
}

/**
 * What is said of many hosts, each thing once and with those that it is about, in order: `h1, h2 and h3: TEXT`. Texts
 * that differ only in the host's own name or address are one; the name is then `<host>`. `namesOf` writes the hosts.
 */
export function groupAlike(
  entries: Iterable<{ readonly host: string; readonly text: string }>,
  namesOf: (hosts: readonly string[]) => string = someOf,
): string[] {
  const groups = new Map<string, { readonly text: string; readonly hosts: string[] }>();
  for (const { host, text } of entries) {
    const key = withoutOwn(host, text);
    const group = groups.get(key) ?? { text, hosts: [] };
    groups.set(key, group);
    if (!group.hosts.includes(host)) group.hosts.push(host);
  }
  return [...groups.values()].map(({ text, hosts }) => {
    const own = `${hosts[0] ?? ''} `;
    // Of several hosts a sentence about the first of them would be wrong.
    const ofEach = text.startsWith(own) ? `each ${text.slice(own.length)}` : text;
    const ofAll = hosts.length > 1 ? ofEach.replace(wordOf(hosts[0] ?? ''), '<host>') : text;
    return `${namesOf(hosts)}: ${ofAll}`;
  });
}

/** With `mark` for the host's own name and for every address: what is then the same of others is alike. */
export function withoutOwn(host: string, text: string, mark = '\0'): string {
  return text.replace(wordOf(host), mark).replace(/\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?/g, mark);
}

/** A host's name where it stands alone: h1 is not in h10, nor in db-h1. */
function wordOf(name: string): RegExp {
  return new RegExp(`(?<![\\w.-])${name.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')}(?![\\w-]|\\.\\w)`, 'g');
}
