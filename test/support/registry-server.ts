import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RegistryServer {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** `METHOD path` of every request, with the scheme of its authorization: `HEAD /v2/… bearer`. */
  readonly requests: string[];
  close(): Promise<void>;
}

interface Options {
  /** Bodies by `repository:tag`. */
  readonly manifests: Readonly<Record<string, string>>;
  readonly auth?: 'basic' | 'bearer';
  /** `user:password` that is let in. */
  readonly login?: string;
  /** Answers instead of the registry's own, in order, then no more. */
  readonly first?: readonly { readonly status: number; readonly headers?: Readonly<Record<string, string>> }[];
  readonly omitDigest?: boolean;
}

export const digestOf = (body: string): string => `sha256:${createHash('sha256').update(body).digest('hex')}`;

/** A registry on loopback that speaks as much of the protocol as the client asks for. */
export async function startRegistry(options: Options): Promise<RegistryServer> {
  const requests: string[] = [];
  const first = [...(options.first ?? [])];
  const stored = new Map(Object.entries(options.manifests));
  const server = createServer((request, response) => {
    const scheme = request.headers.authorization?.split(' ')[0]?.toLowerCase();
    requests.push(`${request.method ?? ''} ${request.url ?? ''}${scheme === undefined ? '' : ` ${scheme}`}`);
    const instead = first.shift();
    if (instead !== undefined) return void response.writeHead(instead.status, { ...instead.headers }).end();
    if (request.url?.startsWith('/token') === true) {
      giveToken(request, response, options);
      return;
    }
    if (options.auth !== undefined && !isAuthorized(request, options)) {
      challenge(request, response, options);
      return;
    }
    if (request.method === 'PUT') {
      store(request, response, stored);
      return;
    }
    answer(request, response, stored, options);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const basic = (login: string | undefined): string => `Basic ${Buffer.from(login ?? '').toString('base64')}`;

function isAuthorized({ headers: { authorization } }: IncomingMessage, { auth, login }: Options): boolean {
  return auth === 'basic' ? authorization === basic(login) : authorization === 'Bearer good';
}

function challenge({ headers: { host = '' } }: IncomingMessage, response: ServerResponse, { auth }: Options): void {
  const value =
    auth === 'basic'
      ? 'Basic realm="r"'
      : `Bearer realm="http://${host}/token",service="s",scope="repository:shop/app:pull"`;
  response.writeHead(401, { 'www-authenticate': value }).end();
}

function giveToken(
  { headers: { authorization } }: IncomingMessage,
  response: ServerResponse,
  { login }: Options,
): void {
  if (login !== undefined && authorization !== basic(login)) return void response.writeHead(401).end();
  response.end(JSON.stringify({ token: 'good', expires_in: 60 }));
}

function store(request: IncomingMessage, response: ServerResponse, stored: Map<string, string>): void {
  const [, repository = '', tag = ''] = /^\/v2\/(.+)\/manifests\/(.+)$/.exec(request.url ?? '') ?? [];
  let body = '';
  request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
  request.on('end', () => {
    stored.set(`${repository}:${tag}`, body);
    response.writeHead(201).end();
  });
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  stored: ReadonlyMap<string, string>,
  options: Options,
): void {
  const list = /^\/v2\/(.+)\/tags\/list/.exec(request.url ?? '');
  if (list !== null) {
    const prefix = `${list[1] ?? ''}:`;
    const tags = [...stored.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
    return void response.end(JSON.stringify({ tags }));
  }
  const [, repository = '', wanted = ''] = /^\/v2\/(.+)\/manifests\/(.+)$/.exec(request.url ?? '') ?? [];
  const entries = [...stored].filter(([key]) => key.startsWith(`${repository}:`));
  const found = entries.find(([key, body]) => key === `${repository}:${wanted}` || digestOf(body) === wanted);
  if (found === undefined) return void response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
  const [, body] = found;
  const isIndex = body.includes('"manifests"');
  response.writeHead(200, {
    'content-type': `application/vnd.docker.distribution.manifest.${isIndex ? 'list.' : ''}v2+json`,
    ...(options.omitDigest === true ? {} : { 'docker-content-digest': digestOf(body) }),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
