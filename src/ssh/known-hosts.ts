import { createHash, createHmac } from 'node:crypto';

/** One usable line of a known_hosts file. */
export interface KnownHost {
  readonly file: string;
  /** 1-based; 0 for a key that this run has added. */
  readonly line: number;
  readonly marker: 'revoked' | 'cert-authority' | undefined;
  /** Comma-separated patterns, or one `|1|salt|hash`. */
  readonly hosts: string;
  readonly keyType: string;
  /** The public key in SSH's wire form. */
  readonly key: Buffer;
}

export type HostKeyVerdict =
  | { readonly kind: 'trusted'; readonly entry: KnownHost }
  | { readonly kind: 'revoked'; readonly entry: KnownHost }
  /** Other keys are known for this host; a key of another type counts as a change, or it would be a way around them. */
  | { readonly kind: 'changed'; readonly known: readonly [KnownHost, ...KnownHost[]] }
  /** `authority`: a certificate authority is trusted for the host, which cannot be used here. */
  | { readonly kind: 'unknown'; readonly authority: KnownHost | undefined };

/** The lines that can be used. As OpenSSH does, lines that cannot be read are passed over. */
export function parseKnownHosts(text: string, file: string): readonly KnownHost[] {
  return text.split(/\r?\n/).flatMap((line, index) => parseLine(line, file, index + 1) ?? []);
}

function parseLine(line: string, file: string, number: number): KnownHost | undefined {
  const fields = line.trim().split(/[ \t]+/);
  const marker = fields[0]?.startsWith('@') === true ? fields.shift()?.slice(1) : undefined;
  const [hosts, keyType, base64] = fields;
  if (hosts === undefined || keyType === undefined || base64 === undefined || hosts.startsWith('#')) return undefined;
  if (marker !== undefined && marker !== 'revoked' && marker !== 'cert-authority') return undefined;
  const key = Buffer.from(base64, 'base64');
  if (keyTypeOf(key) !== keyType) return undefined;
  return { file, line: number, marker, hosts, keyType, key };
}

/** The type that a public key in wire form names; undefined when it is none, or is cut short. */
export function keyTypeOf(key: Buffer): string | undefined {
  const fields: Buffer[] = [];
  let offset = 0;
  while (offset + 4 <= key.length) {
    const end = offset + 4 + key.readUInt32BE(offset);
    fields.push(key.subarray(offset + 4, end));
    offset = end;
  }
  return offset === key.length && fields.length > 1 ? fields[0]?.toString('latin1') : undefined;
}

/** The name that known_hosts lines are looked up by: `host`, or `[host]:port` where the port is not 22. */
export function knownHostName(address: string, port: number): string {
  const host = address.toLowerCase();
  return port === 22 ? host : `[${host}]:${port}`;
}

/**
 * The lines of a file, by the names in them: a fleet asks for every one of its hosts. Hashed lines and patterns cannot
 * be looked up, and are gone through each time.
 */
export class KnownHostLines {
  readonly #byName = new Map<string, { readonly at: number; readonly entry: KnownHost }[]>();
  readonly #others: { readonly at: number; readonly entry: KnownHost }[] = [];
  #size = 0;

  constructor(entries: Iterable<KnownHost>) {
    for (const entry of entries) this.add(entry);
  }

  add(entry: KnownHost): void {
    const line = { at: this.#size++, entry };
    if (/^\||[*?!]/.test(entry.hosts)) {
      this.#others.push(line);
      return;
    }
    for (const name of new Set(entry.hosts.toLowerCase().split(','))) {
      const lines = this.#byName.get(name);
      if (lines === undefined) this.#byName.set(name, [line]);
      else lines.push(line);
    }
  }

  /** In the file's order; under the name that {@link knownHostName} gives a host, or under its HostKeyAlias. */
  about(name: string): readonly KnownHost[] {
    const named = this.#byName.get(name.toLowerCase()) ?? [];
    const others = this.#others.filter(({ entry }) => matchesName(entry.hosts, name));
    const lines = others.length === 0 ? named : [...named, ...others].sort((one, other) => one.at - other.at);
    return lines.map(({ entry }) => entry);
  }
}

/** The lines about a host in several files, in order. */
export function linesAbout(files: readonly KnownHostLines[], name: string): readonly KnownHost[] {
  return files.flatMap((lines) => lines.about(name));
}

/** What the lines about a host say of a key that it showed. */
export function judgeHostKey(lines: readonly KnownHost[], key: Buffer): HostKeyVerdict {
  const same = lines.filter((entry) => entry.key.equals(key));
  const revoked = same.find(({ marker }) => marker === 'revoked');
  if (revoked !== undefined) return { kind: 'revoked', entry: revoked };
  const trusted = same.find(({ marker }) => marker === undefined);
  if (trusted !== undefined) return { kind: 'trusted', entry: trusted };
  const [first, ...rest] = lines.filter(({ marker }) => marker === undefined);
  if (first !== undefined) return { kind: 'changed', known: [first, ...rest] };
  return { kind: 'unknown', authority: lines.find(({ marker }) => marker === 'cert-authority') };
}

/** A line for a host, hashed where a salt (20 bytes) is given; with its newline. */
export function formatKnownHost(name: string, key: Buffer, salt?: Buffer): string {
  const hosts = salt === undefined ? name : `|1|${salt.toString('base64')}|${hashName(name, salt)}`;
  return `${hosts} ${keyTypeOf(key) ?? ''} ${key.toString('base64')}\n`;
}

/** As `ssh-keygen -l` prints it: `SHA256:…`. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** OpenSSH's pattern lists: a negated pattern that matches rules the whole list out. */
export function matchesPatternList(patterns: readonly string[], text: string): boolean {
  let matched = false;
  for (const pattern of patterns) {
    if (pattern.startsWith('!')) {
      if (matchesPattern(pattern.slice(1), text)) return false;
    } else if (!matched) {
      matched = matchesPattern(pattern, text);
    }
  }
  return matched;
}

function matchesName(hosts: string, name: string): boolean {
  if (!hosts.startsWith('|')) return matchesPatternList(hosts.toLowerCase().split(','), name.toLowerCase());
  const [, version, salt, hash] = hosts.split('|');
  return version === '1' && salt !== undefined && hash === hashName(name, Buffer.from(salt, 'base64'));
}

function hashName(name: string, salt: Buffer): string {
  return createHmac('sha1', salt).update(name).digest('base64');
}

/** `*` and `?` only. A loop with one step back: no pattern can make it slow, as it could a regular expression. */
function matchesPattern(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let starText = 0;
  while (t < text.length) {
    if (p < pattern.length && pattern[p] === '*') {
      star = p++;
      starText = t;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (star !== -1) {
      p = star + 1;
      t = ++starText;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
