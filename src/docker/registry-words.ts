import type { RegistryResponse } from './registry-http.ts';

/** What a registry or a token server says of itself in an answer that is no success; as one line, of a length that can be shown. */
export function wordsOfAnswer({ body, headers }: Pick<RegistryResponse, 'body' | 'headers'>): string {
  const text = body.subarray(0, 65_536).toString('utf8').trim();
  if (isWebPage({ body, headers })) {
    const [, title = ''] = /<title[^>]{0,200}>([^<]{0,200})/i.exec(text) ?? [];
    return title.trim() === '' ? 'a web page' : `a web page: ${shorten(title)}`;
  }
  return shorten(errorsIn(text) ?? text);
}

/** A proxy's, a firewall's or a login page: what no registry sends. */
export function isWebPage({ body, headers }: Pick<RegistryResponse, 'body' | 'headers'>): boolean {
  return (
    /^text\/html|^application\/xhtml/i.test(headers['content-type'] ?? '') || /^\s*<[!?a-z]/i.test(head(body, 200))
  );
}

/** `{"errors":[{"code","message"}]}` of registries, `{"error","error_description"}` of OAuth2, `{"details"}` of Docker Hub. */
function errorsIn(text: string): string | undefined {
  const parsed = parseJson(text);
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { errors, error, error_description: described, details, message } = parsed as Readonly<Record<string, unknown>>;
  const all = Array.isArray(errors) ? (errors as readonly unknown[]).slice(0, 3).map(errorWords) : [];
  const one = [error, described, details, message].filter((each) => typeof each === 'string');
  const words = [...all, one.join(': ')].filter((each) => each !== '');
  return words.length === 0 ? undefined : words.join('; ');
}

function errorWords(error: unknown): string {
  if (typeof error !== 'object' || error === null) return typeof error === 'string' ? error : '';
  const { code, message } = error as { code?: unknown; message?: unknown };
  const said = typeof message === 'string' ? message : '';
  if (typeof code !== 'string' || code === '') return said;
  // Some repeat the code in the message.
  return said === '' || said.toLowerCase().startsWith(code.toLowerCase()) ? said || code : `${code}: ${said}`;
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function head(body: Buffer, bytes: number): string {
  return body.subarray(0, bytes).toString('utf8');
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= 300 ? line : `${line.slice(0, 300)}…`;
}
