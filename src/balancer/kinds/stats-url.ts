/** Where a statistics page is, from what a user wrote. */
export interface StatsUrl {
  /** What is asked for: CSV, every server, no credentials. */
  readonly csv: string;
  /** For people: host, path and the page's own query; never a credential. */
  readonly name: string;
  readonly username?: string;
  readonly password?: string;
}

/**
 * HAProxy takes its options from anywhere behind its own address, which may end in a query: `/haproxy?stats;csv`. Those
 * that a user copied from a browser go: `;up` would leave out the very servers that are being drained.
 * `written` is an http:// or https:// URL: the schema has seen to that.
 */
export function parseStatsUrl(written: string): StatsUrl {
  const url = new URL(written);
  const page = `${url.pathname}${url.search}`.replace(
    /;(?:csv|json(?:-schema)?|norefresh|no-maint|up)(?![^;&?/])/g,
    '',
  );
  const path = page.replace(/\?$/, '');
  return {
    csv: `${url.protocol}//${url.host}${path};csv`,
    // What has a value may be a token.
    name: `${url.host}${path === '/' ? '' : path.replace(/\?.*=.*$/, '')}`,
    ...(url.username === '' ? {} : { username: decode(url.username) }),
    ...(url.password === '' ? {} : { password: decode(url.password) }),
  };
}

/** A `%` that begins no escape stands for itself. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
