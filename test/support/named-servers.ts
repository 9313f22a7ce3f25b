import { execFile } from 'node:child_process';
import type { lookup } from 'node:dns';
import { readFile } from 'node:fs/promises';
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A certificate that is its own authority, for the names of these servers. */
export interface Authority {
  readonly certificateFile: string;
  readonly key: string;
  readonly cert: string;
}

export async function makeAuthority(folder: string): Promise<Authority> {
  const keyFile = join(folder, 'authority.key');
  const certificateFile = join(folder, 'authority.pem');
  const names = [
    ...['registry', 'auth', 'other', 'meta'].map((name) => `DNS:${name}.test`),
    'IP:127.0.0.1',
    'IP:169.254.169.254',
  ].join(',');
  const subject = ['-subj', '/CN=test', '-addext', `subjectAltName=${names}`, '-days', '2'];
  const files = ['-keyout', keyFile, '-out', certificateFile];
  await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject, ...files]);
  const [key, cert] = await Promise.all([readFile(keyFile, 'utf8'), readFile(certificateFile, 'utf8')]);
  return { certificateFile, key, cert };
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Servers on loopback that are reached by names of their own, and one record of everything that they were asked. */
export class NamedServers {
  /** `METHOD scheme://host:PORT/path`, then the authorization and the body, in the order they came. */
  readonly requests: string[] = [];
  readonly #authority: Authority;
  readonly #closings: (() => void)[] = [];
  readonly #addresses = new Map<string, string>();

  constructor(authority: Authority) {
    this.#authority = authority;
  }

  /** Resolves to `NAME:PORT`. */
  async start(scheme: 'http' | 'https', name: string, handler: Handler): Promise<string> {
    const recorded: Handler = (request, response) => {
      let body = '';
      const { method = '', url = '', headers } = request;
      request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      request.on('end', () => {
        const parts = [method, `${scheme}://${headers.host ?? ''}${url}`, headers.authorization ?? '', body];
        this.requests.push(parts.filter((part) => part !== '').join(' '));
        handler(request, response);
      });
    };
    const { key, cert } = this.#authority;
    const server = scheme === 'https' ? createHttps({ key, cert }, recorded) : createHttp(recorded);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#closings.push(() => {
      server.close();
      server.closeAllConnections();
    });
    return `${name}:${(server.address() as AddressInfo).port}`;
  }

  /** A proxy whose CONNECT leads to loopback, whatever name is asked for. Resolves to its URL. */
  async startProxy(refuse?: number): Promise<string> {
    const sockets = new Set<Socket>();
    const server = createHttp((request, response) => {
      this.requests.push(`PROXY ${request.method ?? ''} ${request.url ?? ''}`);
      response.writeHead(502).end();
    });
    server.on('connect', ({ url = '', headers }: IncomingMessage, client: Socket) => {
      this.requests.push(`CONNECT ${url}${headers['proxy-authorization'] === undefined ? '' : ' with a password'}`);
      if (refuse !== undefined) {
        client.end(`HTTP/1.1 ${refuse} No\r\n\r\n`);
        return;
      }
      const onward = connect(Number(url.split(':').at(-1)), '127.0.0.1', () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        onward.pipe(client).pipe(onward);
      });
      for (const socket of [client, onward]) sockets.add(socket.on('error', () => socket.destroy()));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#closings.push(() => {
      server.close();
      server.closeAllConnections();
      for (const socket of sockets) socket.destroy();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** What a name means; every other one is loopback. */
  pointTo(name: string, address: string): void {
    this.#addresses.set(name, address);
  }

  /** In place of the resolver's. */
  readonly lookup = ((
    hostname: string,
    _options: unknown,
    callback: (error: null, addresses: readonly { address: string; family: number }[]) => void,
  ): void => {
    const address = this.#addresses.get(hostname) ?? '127.0.0.1';
    callback(null, [{ address, family: address.includes(':') ? 6 : 4 }]);
  }) as typeof lookup;

  close(): void {
    for (const close of this.#closings.splice(0)) close();
  }
}
