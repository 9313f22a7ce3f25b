import { lookup } from 'node:dns';
import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { connect as tlsConnect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { isForbiddenAddress } from './registry-address.ts';
import { proxyAuthorization } from './registry-proxy.ts';

/** Which certificates are trusted, and whether any is needed. */
export interface TlsTrust {
  readonly rejectUnauthorized: boolean;
  readonly ca?: readonly string[];
  /** A client's certificate and its key, as PEM. */
  readonly cert?: string;
  readonly key?: string;
}

/** One request and where it may go. */
export interface Exchange {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** A longer body ends the exchange. */
  readonly limitBytes: number;
  readonly trust: TlsTrust;
  readonly proxy: URL | undefined;
  /** The user wrote this very address: it may be one that names must not lead to. */
  readonly isAddressMeant: boolean;
}

/** The bytes as they came: digests are over them. */
export interface ExchangeAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/** Why there is no answer; everything else is an error of Node's own, with its code. */
export class ExchangeError extends Error {
  readonly code: 'TOO_LARGE' | 'TIMEOUT' | 'NO_CONNECTION' | 'FORBIDDEN_ADDRESS' | 'PROXY';

  constructor(code: ExchangeError['code'], message: string) {
    super(message);
    this.name = 'ExchangeError';
    this.code = code;
  }
}

const connectTimeoutMs = 5_000;
/** From the first byte sent to the last one received. */
export const answerTimeoutMs = 20_000;
const connectionsPerHost = 8;

/** What an exchange takes from the outside; the defaults are Node's. */
export interface Surroundings {
  readonly lookup?: typeof lookup;
  /** Aborts when one exchange has had its time. */
  readonly deadline?: () => AbortSignal;
}

/** Connections that are kept for the next request; they do not keep the process alive. */
export class Exchanger {
  readonly #lookup: typeof lookup;
  readonly #deadline: () => AbortSignal;
  readonly #http = new HttpAgent({ keepAlive: true, maxSockets: connectionsPerHost });
  readonly #https = new Map<TlsTrust, HttpsAgent>();

  constructor(surroundings: Surroundings = {}) {
    this.#lookup = surroundings.lookup ?? lookup;
    this.#deadline = surroundings.deadline ?? (() => AbortSignal.timeout(answerTimeoutMs));
  }

  /** One exchange; redirects are answers. @throws ExchangeError, or what Node says */
  async send(exchange: Exchange): Promise<ExchangeAnswer> {
    refuseForbidden(exchange);
    // A timer of its own: it also ends a body that comes drop by drop.
    const deadline = this.#deadline();
    try {
      const request = await this.#open(exchange, deadline);
      request.end(exchange.body);
      return await answerOf(request, exchange.limitBytes);
    } catch (error) {
      throw deadline.aborted ? new ExchangeError('TIMEOUT', `no answer within ${answerTimeoutMs / 1000} s`) : error;
    }
  }

  async #open(exchange: Exchange, signal: AbortSignal): Promise<ClientRequest> {
    const { url, method, headers, body, trust, proxy, isAddressMeant } = exchange;
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const options = { method, headers: { ...headers, ...length }, signal };
    if (proxy === undefined) {
      const direct = { ...options, lookup: guardedLookup(this.#lookup, isAddressMeant) };
      return url.protocol === 'https:'
        ? guardConnect(httpsRequest(url, { ...direct, ...tlsOptions(trust), agent: this.#agentFor(trust) }))
        : guardConnect(httpRequest(url, { ...direct, agent: this.#http }));
    }
    if (url.protocol === 'https:') {
      const socket = await tunnel(url, trust, proxy, signal);
      return httpsRequest(url, { ...options, createConnection: () => socket });
    }
    const toProxy = proxy.protocol === 'https:' ? httpsRequest : httpRequest;
    const { host } = url;
    return toProxy(proxy, { ...options, path: url.href, headers: { ...options.headers, ...viaProxy(proxy), host } });
  }

  #agentFor(trust: TlsTrust): HttpsAgent {
    let agent = this.#https.get(trust);
    if (agent === undefined) {
      agent = new HttpsAgent({ keepAlive: true, maxSockets: connectionsPerHost });
      this.#https.set(trust, agent);
    }
    return agent;
  }
}

function refuseForbidden({ url, isAddressMeant }: Exchange): void {
  // A URL writes an address in one way only, whatever it was written as: 2852039166 is 169.254.169.254 here.
  if (!isAddressMeant && isForbiddenAddress(url.hostname)) throw forbiddenAddress(url.hostname, url.hostname);
}

function forbiddenAddress(hostname: string, address: string): ExchangeError {
  const leads = hostname === address ? address : `${hostname} leads to ${address}, which`;
  return new ExchangeError('FORBIDDEN_ADDRESS', `${leads} is a link-local or metadata address`);
}

/** The resolver's answer is checked, and it is the one that is connected to: it cannot change in between. */
function guardedLookup(resolve: typeof lookup, isAddressMeant: boolean): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      // Where there is an error there are no addresses, whatever the types say.
      const found = error === null ? addresses : [];
      const bad = found.find(({ address }) => !isAddressMeant && isForbiddenAddress(address));
      if (bad !== undefined) callback(forbiddenAddress(hostname, bad.address), '', 0);
      else if (error !== null || options.all === true) callback(error, found);
      else callback(null, found[0]?.address ?? '', found[0]?.family ?? 0);
    });
  };
}

/** A connection that is not made soon is not made at all. */
function guardConnect(request: ClientRequest): ClientRequest {
  request.once('socket', (socket) => {
    if (!socket.connecting) return;
    const ready = 'encrypted' in socket ? 'secureConnect' : 'connect';
    const timer = setTimeout(() => {
      socket.destroy(new ExchangeError('NO_CONNECTION', `no connection within ${connectTimeoutMs / 1000} s`));
    }, connectTimeoutMs);
    const clear = (): void => clearTimeout(timer);
    socket.once(ready, clear).once('close', clear);
  });
  return request;
}

/** TLS to the registry through the proxy, which sees only its name. */
function tunnel(url: URL, trust: TlsTrust, proxy: URL, signal: AbortSignal): Promise<TLSSocket> {
  const authority = `${url.hostname}:${url.port === '' ? '443' : url.port}`;
  const open = proxy.protocol === 'https:' ? httpsRequest : httpRequest;
  const headers = { ...viaProxy(proxy), host: authority };
  return new Promise((resolve, reject) => {
    const request = open(proxy, { method: 'CONNECT', path: authority, headers, signal, agent: false });
    request.once('error', reject);
    // Without an answer to CONNECT there is no tunnel, whatever else the proxy says.
    request.once('response', ({ statusCode = 0 }) => reject(refusedByProxy(proxy, statusCode)));
    request.once('connect', ({ statusCode = 0 }: IncomingMessage, socket) => {
      if (statusCode !== 200) {
        socket.destroy();
        reject(refusedByProxy(proxy, statusCode));
        return;
      }
      const host = url.hostname.replace(/^\[|\]$/g, '');
      const named = isIP(host) === 0 ? { servername: host } : {};
      const options: ConnectionOptions = { ...tlsOptions(trust), socket, host, ...named };
      const secure = tlsConnect(options, () => resolve(secure));
      secure.once('error', reject);
      signal.addEventListener('abort', () => secure.destroy(new ExchangeError('TIMEOUT', 'no TLS handshake in time')));
    });
    request.end();
  });
}

function refusedByProxy({ host }: URL, status: number): ExchangeError {
  const wants = status === 407 ? '; it wants a user and a password: http://user:password@host:port' : '';
  return new ExchangeError('PROXY', `the proxy ${host} answered ${status}${wants}`);
}

function viaProxy(proxy: URL): Record<string, string> {
  const authorization = proxyAuthorization(proxy);
  return authorization === undefined ? {} : { 'proxy-authorization': authorization };
}

function tlsOptions({ rejectUnauthorized, ca, cert, key }: TlsTrust): RequestOptions & ConnectionOptions {
  return {
    rejectUnauthorized,
    ...(ca === undefined ? {} : { ca: [...ca] }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}

function answerOf(request: ClientRequest, limitBytes: number): Promise<ExchangeAnswer> {
  return new Promise((resolve, reject) => {
    request.once('error', reject);
    // An error of the answer comes after the end of its connection: it is the better reason.
    request.once('close', () => setImmediate(() => reject(new Error('the connection ended without an answer'))));
    request.once('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > limitBytes) {
          response.destroy(new ExchangeError('TOO_LARGE', `the answer is larger than ${limitBytes / 2 ** 20} MiB`));
        } else chunks.push(chunk);
      });
      response.once('error', reject);
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: singleHeaders(response.headers),
          body: Buffer.concat(chunks),
        }),
      );
    });
  });
}

function singleHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
}
