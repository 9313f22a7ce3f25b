/** `h1, h2, h3 and 5 more`. */
export function someOf(names: Iterable<string>): string {
  const all = [...names];
  const more = all.length > 3 ? ` and ${all.length - 3} more` : '';
  return `${all.slice(0, 3).join(', ')}${more}`;
}

/**
 * What is said of many hosts, each thing once and with those that it is about, in order: `h1, h2 and h3: TEXT`. Texts
 * that differ only in the host's own name or address are one, in the words of the first.
 */
export function groupAlike(entries: Iterable<{ readonly host: string; readonly text: string }>): string[] {
  const groups = new Map<string, { readonly text: string; readonly hosts: string[] }>();
  for (const { host, text } of entries) {
    const key = text.replaceAll(host, '\0').replace(/\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?/g, '\0');
    const group = groups.get(key) ?? { text, hosts: [] };
    groups.set(key, group);
    if (!group.hosts.includes(host)) group.hosts.push(host);
  }
  return [...groups.values()].map(({ text, hosts }) => {
    const own = `${hosts[0] ?? ''} `;
    // Of several hosts a sentence about the first of them would be wrong.
    const ofEach = hosts.length > 1 && text.startsWith(own) ? `each ${text.slice(own.length)}` : text;
    return `${someOf(hosts)}: ${ofEach}`;
  });
}
