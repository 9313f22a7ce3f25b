/** What may stand where a server, a user or a file is named; each answers undefined, or what it must be. */

/** An empty one would be this machine itself, and what is odd in a name would be looked up somewhere. */
export function faultOfAddress(text: string): string | undefined {
  return /^[^\s\p{Cc}@/-][^\s\p{Cc}@/]*$/u.test(text)
    ? undefined
    : 'must be a host name or an address: not empty, no blanks, @ or /, no - in front';
}

/** Windows' domains have blanks and backslashes in the names of their users. */
export function faultOfUser(text: string): string | undefined {
  return /^[^\p{Cc}-][^\p{Cc}]*$/u.test(text) && text.trim() === text
    ? undefined
    : 'must be the name of a user: not empty, in one line, no - or blank in front';
}

export function faultOfFile(text: string): string | undefined {
  return /^\P{Cc}+$/u.test(text) ? undefined : 'must be the path of a file: not empty, in one line';
}

/** A jump host, as `-J` and `ProxyJump` have it. */
export interface JumpWords {
  readonly user?: string;
  readonly host: string;
  readonly port?: number;
}

/** `[user@]host[:port]`, `[user@][v6address]:port` or `ssh://…`. */
const jumpPattern =
  /^(?:ssh:\/\/)?(?:(?<user>[^@\s]+)@)?(?:\[(?<bracketed>[^\]\s]+)\]|(?<host>[^:\s/]+|[^\s/]*:[^\s/]*:[^\s/]*))(?::(?<port>\d{1,5}))?\/?$/;

/** Undefined for what is no jump host. */
export function parseJump(text: string): JumpWords | undefined {
  const { user, bracketed, host = bracketed, port } = jumpPattern.exec(text)?.groups ?? {};
  if (host === undefined || faultOfAddress(host) !== undefined) return undefined;
  if (user !== undefined && faultOfUser(user) !== undefined) return undefined;
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return undefined;
  return {
    ...(user === undefined ? {} : { user }),
    host,
    ...(port === undefined ? {} : { port: Number(port) }),
  };
}
