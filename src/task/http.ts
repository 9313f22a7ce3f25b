import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';

export interface HttpQuestion {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** Whether the certificate must be good, by the controller's authorities. */
  readonly isVerified: boolean;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly reason: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Of an answer: more than that is no answer for a task. */
const mostBytes = 8 << 20;

/** One request over a connection that somebody else has opened. @throws Error that says why there is no answer */
export async function ask(url: URL, question: HttpQuestion, open: Open): Promise<HttpAnswer> {
  const isTls = url.protocol === 'https:';
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  const raw = await open(Number(url.port || (isTls ? 443 : 80)), hostname);
  const stream = isTls ? await secured(raw, hostname, question) : raw;
  try {
    return await exchange(url, question, stream);
  } finally {
    stream.destroy();
    raw.destroy();
  }
}

export type Open = (port: number, address: string) => Promise<Duplex>;

function secured(raw: Duplex, hostname: string, { isVerified, signal }: HttpQuestion): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const name = isIP(hostname) === 0 ? { servername: hostname } : {};
    const socket = connectTls({ socket: raw, host: hostname, ...name, rejectUnauthorized: isVerified });
    const stop = (): void => {
      socket.destroy(signal.reason as Error);
    };
    signal.addEventListener('abort', stop, { once: true });
    socket.once('secureConnect', () => resolve(socket)).once('error', reject);
    socket.once('close', () => signal.removeEventListener('abort', stop));
  });
}

function exchange(url: URL, { method, headers, body, signal }: HttpQuestion, stream: Duplex): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      {
        createConnection: () => stream,
        method,
        path: `${url.pathname}${url.search}`,
        headers: { host: url.host, 'user-agent': 'rollout', connection: 'close', ...lengthOf(body), ...headers },
        signal,
      },
      (answer) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > mostBytes) answer.destroy(new Error(`the answer has more than ${mostBytes >> 20} MiB`));
          else chunks.push(chunk);
        });
        answer.on('error', reject);
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            reason: answer.statusMessage ?? '',
            headers: answer.headers,
            body: Buffer.concat(chunks),
          }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

const lengthOf = (body: string | undefined): Readonly<Record<string, string>> =>
  body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
