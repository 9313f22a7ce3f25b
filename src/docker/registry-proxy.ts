import { BlockList, isIP } from 'node:net';
import { isLoopback } from './registry-address.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The proxy for a URL, as Go's programs (docker among them) choose it: `HTTPS_PROXY` and `HTTP_PROXY` by the URL's
 * scheme, small letters first, and `NO_PROXY`. Loopback is never reached through a proxy.
 * @throws Error for a proxy that is none
 */
export function proxyFor(url: URL, env: Env): URL | undefined {
  const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const written = env[name.toLowerCase()] || env[name];
  if (written === undefined || written === '') return undefined;
  if (isLoopback(url.hostname) || isExcepted(url, env['no_proxy'] || env['NO_PROXY'] || '')) return undefined;
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(written) ? written : `http://${written}`;
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy === undefined || !/^https?:$/.test(proxy.protocol))
    throw new Error(`${name} must be a URL that begins with http:// or https://`);
  return proxy;
}

/** For `Proxy-Authorization`, where the proxy's URL has a user. */
export function proxyAuthorization(proxy: URL): string | undefined {
  if (proxy.username === '') return undefined;
  return `Basic ${Buffer.from(`${decoded(proxy.username)}:${proxyPassword(proxy)}`).toString('base64')}`;
}

export function proxyPassword({ password }: URL): string {
  return decoded(password);
}

/** A lone percent sign stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** `*`, `example.com` (it and below), `.example.com` (below), an address, a network in CIDR form; each with a port or without. */
function isExcepted(url: URL, list: string): boolean {
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return list.split(',').some((entry) => {
    const written = entry.trim().toLowerCase();
    if (written === '') return false;
    if (written === '*') return true;
    const { name, wantedPort } = splitPort(written);
    if (wantedPort !== undefined && wantedPort !== port) return false;
    if (isIP(host) !== 0) return isWithin(host, name);
    const suffix = name.replace(/^\*(?=\.)/, '');
    return host.endsWith(suffix.startsWith('.') ? suffix : `.${suffix}`) || host === suffix;
  });
}

function splitPort(entry: string): { readonly name: string; readonly wantedPort?: string } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(entry) ?? [];
  const name = bracketed ?? plain;
  return name === undefined || port === undefined
    ? { name: entry.replace(/^\[|\]$/g, '') }
    : { name, wantedPort: port };
}

function isWithin(address: string, entry: string): boolean {
  const [network = '', bits] = entry.split('/');
  const family = isIP(network);
  if (family === 0 || family !== isIP(address)) return false;
  const kind = family === 4 ? 'ipv4' : 'ipv6';
  const prefix = bits === undefined ? (family === 4 ? 32 : 128) : Number(bits);
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > (family === 4 ? 32 : 128)) return false;
  const block = new BlockList();
  block.addSubnet(network, prefix, kind);
  return block.check(address, kind);
}
