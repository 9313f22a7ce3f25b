import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { HttpReader, type HttpRequest } from './http-reader.ts';

export interface HttpResponse {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export type HttpHandler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;

/**
 * A container's HTTP server: a real listener on an ephemeral port of 127.0.0.1, there only while somebody connects, so
 * that thousands of containers need no descriptors. Written on bare sockets because a partition must silence it in both
 * directions, which node:http offers no handle for.
 */
export class HttpEndpoint {
  readonly #handler: HttpHandler;
  readonly #connections = new Set<Connection>();
  #server: Promise<Server> | undefined;
  /** Connections that the listener has still to accept. */
  #expected = 0;
  #accepting = true;
  #frozen: { readonly thawed: Promise<void>; readonly thaw: () => void } | undefined;
  #drained: (() => void) | undefined;

  constructor(handler: HttpHandler) {
    this.#handler = handler;
  }

  /** A new connection to it. @throws an ECONNREFUSED error once it is stopping. */
  async connect(): Promise<Socket> {
    if (!this.#accepting) throw refused();
    this.#expected += 1;
    this.#server ??= this.#listen();
    const server = await this.#server.catch((error: unknown) => {
      this.#expected -= 1;
      this.#server = undefined;
      throw error;
    });
    if (!this.#isAccepting()) throw refused();
    return connect((server.address() as AddressInfo).port, '127.0.0.1').setNoDelay(true);
  }

  /** Accepts nothing new, answers every open request, and resolves when the last connection is closed. */
  async stop(): Promise<void> {
    this.#accepting = false;
    // A peer that is in the accept queue believes that it is connected: let the loop accept it before closing.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    this.#unlisten();
    for (const connection of this.#connections) connection.closeWhenIdle();
    if (this.#connections.size > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
  }

  /** SIGKILL: every peer sees a reset. */
  destroy(): void {
    this.#accepting = false;
    this.#unlisten();
    for (const connection of this.#connections) connection.socket.resetAndDestroy();
  }

  /** As a network that is gone: nothing is read, nothing is sent, no connection closes. */
  freeze(): void {
    if (this.#frozen !== undefined) return;
    let thaw = () => {};
    const thawed = new Promise<void>((resolve) => (thaw = resolve));
    this.#frozen = { thawed, thaw };
    for (const connection of this.#connections) connection.socket.pause();
  }

  thaw(): void {
    this.#frozen?.thaw();
    this.#frozen = undefined;
    for (const connection of this.#connections) connection.socket.resume();
  }

  #isAccepting(): boolean {
    return this.#accepting;
  }

  #unlisten(): void {
    this.#server?.then(
      (server) => server.close(),
      () => undefined,
    );
    this.#server = undefined;
  }

  #listen(): Promise<Server> {
    return new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
      server.once('error', reject);
      server.listen(0, '127.0.0.1', 1024, () => resolve(server));
    });
  }

  #accept(socket: Socket): void {
    this.#expected -= 1;
    if (this.#expected === 0) this.#unlisten();
    const connection = new Connection(socket, this.#handler, () => this.#frozen?.thawed);
    this.#connections.add(connection);
    if (this.#frozen !== undefined) socket.pause();
    if (!this.#accepting) connection.closeWhenIdle();
    socket.once('close', () => {
      this.#connections.delete(connection);
      if (this.#connections.size === 0) this.#drained?.();
    });
  }
}

class Connection {
  readonly socket: Socket;
  readonly #handler: HttpHandler;
  readonly #untilThawed: () => Promise<void> | undefined;
  readonly #reader = new HttpReader();
  #busy = false;
  #closing = false;

  constructor(socket: Socket, handler: HttpHandler, untilThawed: () => Promise<void> | undefined) {
    this.socket = socket;
    this.#handler = handler;
    this.#untilThawed = untilThawed;
    socket.on('data', (chunk: Buffer) => {
      this.#reader.push(chunk);
      void this.#serve();
    });
    socket.on('end', () => {
      if (!this.#busy) socket.end();
    });
    socket.on('error', () => socket.destroy());
  }

  /** A request that has begun to arrive is still answered. */
  closeWhenIdle(): void {
    this.#closing = true;
    if (!this.#busy && this.#reader.isEmpty) this.socket.end();
  }

  async #serve(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    for (;;) {
      const request = this.#reader.next();
      if (request === undefined) break;
      if (request === 'malformed') {
        this.socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
        return;
      }
      const response = await this.#handler(request);
      await this.#untilThawed();
      if (this.socket.destroyed) return;
      const keepAlive = request.keepAlive && !this.#closing;
      this.socket.write(formatResponse(response, request.method, keepAlive));
      if (!keepAlive) {
        this.socket.end();
        return;
      }
    }
    this.#busy = false;
  }
}

const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  404: 'Not Found',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

function formatResponse(response: HttpResponse, method: string, keepAlive: boolean): string {
  const headers = Object.entries(response.headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`);
  return (
    `HTTP/1.1 ${response.status} ${reasons[response.status] ?? 'Status'}\r\n` +
    `Content-Type: ${response.contentType}\r\nContent-Length: ${Buffer.byteLength(response.body)}\r\n` +
    `Connection: ${keepAlive ? 'keep-alive' : 'close'}\r\n${headers.join('')}\r\n` +
    (method === 'HEAD' ? '' : response.body)
  );
}

/** What connect(2) says where nobody listens. */
export function refused(): Error {
  return Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
}
