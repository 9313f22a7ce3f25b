import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Target } from '../model/check.ts';
import { Secret } from '../model/secret.ts';

/** What a check needs of an answer. Redirects are not followed: credentials go to whom they are meant for. */
export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly location: string | undefined;
  readonly body: string;
}

/** No answer; `isSilent`: whoever should have answered is there and did not, or gave up half way. */
export class NoAnswer extends Error {
  readonly isSilent: boolean;

  constructor(message: string, isSilent: boolean) {
    super(message);
    this.name = 'NoAnswer';
    this.isSilent = isSilent;
  }
}

export const mostBodyBytes = 1024 * 1024;

/** Asks once. @throws NoAnswer */
export function ask(
  url: URL,
  { method, target, timeoutMs, signal }: { method: string; target: Target; timeoutMs: number; signal: AbortSignal },
): Promise<HttpAnswer> {
  const deadline = AbortSignal.timeout(timeoutMs);
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void =>
      reject(deadline.aborted ? new NoAnswer(`no answer within ${timeoutMs / 1000} s`, true) : noAnswer(error));
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    const options = { method, headers: headersOf(target), agent: false, signal: AbortSignal.any([deadline, signal]) };
    const request = send(url, options, (response) => {
      readBody(response).then(
        (body) =>
          resolve({
            status: response.statusCode ?? 0,
            contentType: response.headers['content-type'] ?? '',
            location: response.headers.location,
            body,
          }),
        fail,
      );
    });
    request.on('error', fail);
    request.end();
  });
}

function headersOf({ headers, username, password, bearer }: Target): Record<string, string> {
  const plain = Object.entries(headers).map(([name, value]) => [
    name,
    value instanceof Secret ? value.reveal() : value,
  ]);
  const own = Object.fromEntries(plain) as Record<string, string>;
  if (bearer !== undefined) return { ...own, Authorization: `Bearer ${bearer.reveal()}` };
  if (username === undefined) return own;
  const pair = Buffer.from(`${username}:${password?.reveal() ?? ''}`).toString('base64');
  return { ...own, Authorization: `Basic ${pair}` };
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > mostBodyBytes) {
      response.destroy();
      throw new NoAnswer(`the answer has more than ${mostBodyBytes} bytes`, false);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Those of the way there, not of who is asked. */
const waysThere =
  /^(?:ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EACCES|EPERM|CERT_|ERR_TLS|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/;

function noAnswer(error: Error): NoAnswer {
  if (error instanceof NoAnswer) return error;
  const { code = '' } = error as NodeJS.ErrnoException;
  const message = error.message === '' ? code : error.message;
  return new NoAnswer(message, !waysThere.test(code));
}
