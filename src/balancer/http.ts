import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { PlainResponse } from 'got';
import { UnexpectedAnswer } from './unexpected-answer.ts';

export interface GetOptions {
  readonly username?: string;
  readonly password?: string;
  readonly signal?: AbortSignal;
}

/** Fetches a page as text. @throws UnexpectedAnswer, and Error where there is no answer within the deadline. */
export type HttpGet = (url: string, options: GetOptions) => Promise<string>;

/** A stats page answers in milliseconds; one that takes longer must not hold up every other reading. */
const getTimeoutMs = 3000;

/** Of a page: a line of HAProxy's has some 600 bytes, and there may be 50,000 servers. */
export const mostPageBytes = 64 << 20;

/** By the scheme of the URL. */
export interface Agents {
  readonly http: Agent;
  readonly https: TlsAgent;
}

/** Opens a TCP connection from another host (`via`). */
export type OpenTcp = (port: number, address: string) => Promise<Duplex>;

/** Has the program ready that fetches pages, while something else is waited for. Whoever fetches one hears of what fails. */
export function prepareHttpGet(): void {
  loadGot().catch(() => undefined);
}

const loadGot = () => import('got');

/** got without retries (the next poll is the retry). */
export function createHttpGet(agents: Agents): HttpGet {
  return async (url, { username, password, signal }) => {
    const { got } = await loadGot();
    const request = got(url, {
      retry: { limit: 0 },
      timeout: { request: getTimeoutMs },
      throwHttpErrors: false,
      followRedirect: (response) => password === undefined || !leavesTls(response),
      // What is small on its way may be any size once unpacked: it is not asked for.
      decompress: false,
      headers: { 'cache-control': 'no-cache' },
      agent: { ...agents },
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(signal === undefined ? {} : { signal }),
    });
    let isEndless = false;
    void request.on('downloadProgress', ({ transferred }) => {
      isEndless ||= transferred > mostPageBytes;
      if (isEndless) request.cancel();
    });
    const response = await request.catch((error: unknown) => {
      throw isEndless ? new Error(`the answer has more than ${mostPageBytes >> 20} MiB`) : error;
    });
    if (password !== undefined && leavesTls(response))
      throw new Error('redirects from https to http, where the password would not be encrypted');
    if (!response.ok) throw new UnexpectedAnswer(response.statusCode, response.statusMessage ?? '');
    const ageSeconds = ageSecondsOf(response.headers);
    if (ageSeconds > 0)
      throw new Error(
        `a cache on the way answered, with a page ${ageSeconds} s old; ask the balancer itself, or leave this address out of the cache`,
      );
    return response.body;
  };
}

/** A node that gets requests again would count as drained. Only caches set `Age`; one that has just asked says 0. */
function ageSecondsOf({ age = '' }: PlainResponse['headers']): number {
  return /^\d+$/.test(age) ? Number(age) : 0;
}

/** got takes https://host and http://host for one place, and would send the password there too. */
function leavesTls({ url, headers: { location = '' } }: PlainResponse): boolean {
  return url.startsWith('https:') && URL.canParse(location, url) && new URL(location, url).protocol === 'http:';
}

export function directAgents(): Agents {
  return { http: new Agent({ keepAlive: true }), https: new TlsAgent({ keepAlive: true }) };
}

/** Agents whose connections leave from another host. TLS is spoken from here, with whom the URL names. */
export function tunnelAgents(openTcp: OpenTcp): Agents {
  const http = new Agent({ keepAlive: false });
  const https = new TlsAgent({ keepAlive: false });
  http.createConnection = (options, callback) => {
    const opening = openTcp(Number(options.port), options.host ?? 'localhost');
    hand(opening, callback);
    return undefined;
  };
  https.createConnection = (options, callback) => {
    // The agent's options name a TLS server; for plain connections they have the same type.
    const { host = 'localhost', port, ...secure } = options as ConnectionOptions;
    const opening = openTcp(Number(port), host).then((socket) => connectTls({ ...secure, host, socket }));
    hand(opening, callback);
    return undefined;
  };
  return { http, https };
}

function hand(opening: Promise<Duplex>, callback: Callback | undefined): void {
  opening.then(
    (stream) => callback?.(null, stream),
    // With an error node's callback takes no stream, which its type does not say.
    (error: unknown) => callback?.(error instanceof Error ? error : new Error(String(error)), undefined as never),
  );
}

type Callback = NonNullable<Parameters<Agent['createConnection']>[1]>;
