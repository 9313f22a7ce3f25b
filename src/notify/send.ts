import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { describeEnd, lastWords, runProgram } from '../local/program.ts';
import type { NotifyTarget } from '../model/notify.ts';
import { bodyOf, type Message } from './message.ts';

const keptBytes = 4096;

/** Tells one target. Never rejects. @returns why it could not be told, without its address; undefined: it was */
export async function send(message: Message, target: NotifyTarget): Promise<string | undefined> {
  const body = bodyOf(message, target.form);
  if (target.kind === 'webhook') return post(target, body);
  const { argv, folder, timeoutMs } = target;
  const options = { cwd: folder, timeoutMs, mostBytes: keptBytes, keeps: 'last', ownGroup: true, stdin: body } as const;
  const result = await runProgram(argv, options);
  const how = describeEnd(result.end, options);
  const said = how === undefined ? '' : lastWords(result);
  return said === '' ? how : `${how ?? ''}: ${said}`;
}

function post(
  { url, form, timeoutMs }: Extract<NotifyTarget, { kind: 'webhook' }>,
  body: string,
): Promise<string | undefined> {
  let address: URL;
  try {
    address = new URL(typeof url === 'string' ? url : url.reveal());
  } catch {
    return Promise.resolve('its address is no URL');
  }
  if (!/^https?:$/.test(address.protocol)) return Promise.resolve('its address is no http:// or https:// URL');
  const signal = AbortSignal.timeout(timeoutMs);
  return new Promise((resolve) => {
    const ask = address.protocol === 'https:' ? requestHttps : requestHttp;
    const headers = {
      'content-type': form === 'text' ? 'text/plain; charset=utf-8' : 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    const request = ask(address, { method: 'POST', headers, agent: false, signal }, (response) => {
      const { statusCode: status = 0 } = response;
      // Whatever more it says, nobody reads.
      response.destroy();
      const hint = status >= 300 && status < 400 ? '; redirects are not followed' : '';
      resolve(status >= 200 && status < 300 ? undefined : `it answered ${status}${hint}`);
    });
    // An error's words may hold the address, which may be a secret: its code does not.
    request.on('error', (error: NodeJS.ErrnoException) =>
      resolve(signal.aborted ? `no answer within ${timeoutMs / 1000} s` : (error.code ?? 'the connection failed')),
    );
    request.end(body);
  });
}
