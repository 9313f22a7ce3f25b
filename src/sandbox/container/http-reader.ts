export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly keepAlive: boolean;
}

const maxHeadBytes = 16 * 1024;

/** Cuts a stream of bytes into HTTP/1.1 requests; bodies (with a Content-Length) are read and dropped. */
export class HttpReader {
  #held: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): void {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
  }

  /** Nothing of a next request has arrived. */
  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  /** The next whole request; undefined when it has not wholly arrived. */
  next(): HttpRequest | 'malformed' | undefined {
    const end = this.#held.indexOf('\r\n\r\n');
    if (end === -1) return this.#held.length > maxHeadBytes ? 'malformed' : undefined;
    const [requestLine = '', ...fields] = this.#held.toString('latin1', 0, end).split('\r\n');
    const match = /^([A-Z]+) (\S+) HTTP\/1\.([01])$/.exec(requestLine);
    const headers = new Map(fields.map(splitField));
    if (match === null || headers.has('transfer-encoding')) return 'malformed';
    const bodyBytes = Number(headers.get('content-length') ?? 0);
    if (this.#held.length < end + 4 + bodyBytes) return undefined;
    this.#held = this.#held.subarray(end + 4 + bodyBytes);

    const [, method = '', target = '', minor] = match;
    const question = target.indexOf('?');
    const connection = headers.get('connection')?.toLowerCase();
    return {
      method,
      path: question === -1 ? target : target.slice(0, question),
      query: new URLSearchParams(question === -1 ? '' : target.slice(question + 1)),
      keepAlive: connection === 'keep-alive' || (minor === '1' && connection !== 'close'),
    };
  }
}

function splitField(field: string): [string, string] {
  const colon = field.indexOf(':');
  return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
}
