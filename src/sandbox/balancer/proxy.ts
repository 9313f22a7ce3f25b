import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Clock } from '../../model/clock.ts';
import type { BackendServer } from './backend-server.ts';
import type { Counters } from './counters.ts';

export interface ProxyContext {
  readonly clock: Clock;
  readonly counters: () => { readonly frontend: Counters; readonly backend: Counters };
  /** The next server in turn that takes requests, never one of these. */
  pick(except: ReadonlySet<BackendServer>): BackendServer | undefined;
  /** Without an answer for so long a request fails with 504. */
  readonly serverTimeoutMs: number;
}

const maxRetries = 3;

// HAProxy's own pages.
const pages: Readonly<Record<number, string>> = {
  502: '<html><body><h1>502 Bad Gateway</h1>\nThe server returned an invalid or incomplete response.\n</body></html>\n',
  503: '<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>\n',
  504: "<html><body><h1>504 Gateway Time-out</h1>\nThe server didn't respond in time.\n</body></html>\n",
};

/** Requests that each client connection has carried: HAProxy treats the first one differently. */
const requestsOf = new WeakMap<object, number>();

/** Forwards one request, with HAProxy's rules for what is retried and what is not. */
export function forward(context: ProxyContext, request: IncomingMessage, response: ServerResponse): void {
  const { frontend, backend } = context.counters();
  const nth = (requestsOf.get(request.socket) ?? 0) + 1;
  requestsOf.set(request.socket, nth);
  frontend.open(context.clock.now());
  frontend.requests += 1;
  backend.open(context.clock.now());
  backend.requests += 1;
  response.once('close', () => {
    frontend.close();
    backend.close();
    if (response.writableFinished) frontend.respond(response.statusCode);
  });
  attempt(context, request, response, nth === 1, new Set(), 0);
}

function attempt(
  context: ProxyContext,
  request: IncomingMessage,
  response: ServerResponse,
  isFirst: boolean,
  refusedBy: Set<BackendServer>,
  retries: number,
): void {
  const { backend } = context.counters();
  const server = context.pick(refusedBy) ?? context.pick(new Set());
  if (server === undefined) {
    fail(context, response, 503);
    return;
  }
  const { counters } = server;
  const beganMs = context.clock.now();
  counters.open(beganMs);
  counters.requests += 1;
  let isClosed = false;
  const close = () => {
    if (!isClosed) counters.close();
    isClosed = true;
  };
  let isSent = false;
  let isLate = false;
  const upstream = httpRequest({
    agent: server.agent,
    method: request.method ?? 'GET',
    path: request.url ?? '/',
    headers: { ...request.headers, connection: 'keep-alive' },
    setHost: false,
  });
  upstream.once('socket', () => {
    isSent = true;
    upstream.setTimeout(context.serverTimeoutMs, () => {
      isLate = true;
      upstream.destroy();
    });
  });
  upstream.once('response', (answer) => {
    const status = answer.statusCode ?? 502;
    const answeredMs = context.clock.now();
    response.writeHead(status, endToEnd(answer.headers));
    answer.pipe(response);
    answer.once('error', () => response.destroy());
    response.once('close', () => {
      close();
      if (!response.writableFinished) {
        upstream.destroy();
        return;
      }
      const totalMs = context.clock.now() - beganMs;
      for (const count of [counters, backend]) {
        count.respond(status);
        count.time(answeredMs - beganMs, totalMs);
      }
    });
  });
  upstream.once('error', () => {
    close();
    if (response.destroyed || response.headersSent) {
      response.destroy();
    } else if (!isSent) {
      // The request has not left: another server may have it, and then no connection error is counted.
      refusedBy.add(server);
      if (retries === maxRetries) {
        counters.connectionErrors += 1;
        backend.connectionErrors += 1;
        fail(context, response, 503);
        return;
      }
      counters.redispatches += 1;
      backend.redispatches += 1;
      attempt(context, request, response, isFirst, refusedBy, retries + 1);
    } else if (isLate) {
      countResponseError(counters, backend);
      fail(context, response, 504);
    } else if (isFirst) {
      countResponseError(counters, backend);
      fail(context, response, 502);
    } else {
      // HAProxy: on a kept connection the client is left to try again itself, as browsers do.
      response.destroy();
    }
  });
  response.once('close', () => {
    if (response.writableFinished || isClosed) return;
    counters.clientAborts += 1;
    close();
    upstream.destroy();
  });
  request.pipe(upstream);
}

/** Without what concerns only the connection to the server. */
function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const passed = { ...headers };
  delete passed.connection;
  delete passed['keep-alive'];
  return passed;
}

function countResponseError(...counters: readonly Counters[]): void {
  for (const count of counters) count.responseErrors += 1;
}

function fail(context: ProxyContext, response: ServerResponse, status: number): void {
  const { backend } = context.counters();
  backend.respond(status);
  const body = pages[status] ?? '';
  response.writeHead(status, {
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-cache',
    'content-type': 'text/html',
  });
  response.end(body);
}
