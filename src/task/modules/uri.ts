import * as z from 'zod';
import { Secret } from '../../model/secret.ts';
import type { Value } from '../../model/host.ts';
import { flag, must, text, wholeNumber } from '../../schema/values.ts';
import { ask, type HttpAnswer } from '../http.ts';
import { done, taskModule, type Result, type TaskHost } from '../module.ts';
import type { Query } from '../query.ts';

export const url = text.refine((value) => /^https?:\/\/[^\s/]+/.test(value) && URL.canParse(value), {
  error: 'must be a URL that begins with http:// or https://',
});
const scalar = z.union([z.string(), z.number(), z.boolean(), z.instanceof(Secret)], must('text'));
export const headersParam = z.record(
  z.string().regex(/^[!#$%&'*+.^`|~\w-]+$/, must("a header's name")),
  scalar,
  must('a mapping'),
);
/** How one logs in at a web server, and whether its certificate is checked. */
export const webLoginParams = {
  url_username: text.optional().describe('For basic authentication.'),
  url_password: z
    .union([text, z.instanceof(Secret)])
    .optional()
    .describe('The same; it may be a secret.'),
  validate_certs: flag.default(true).describe('false: any certificate will do.'),
};

const schema = () =>
  z.strictObject(
    {
      url: url.describe('What is asked for, as the host knows it.'),
      method: z
        .string(must('text'))
        .regex(/^[A-Za-z]+$/, must('a method as GET'))
        .transform((method) => method.toUpperCase())
        .default('GET')
        .describe('GET, POST, PUT …'),
      status_code: z
        .union([wholeNumber, z.array(wholeNumber)], must('a number or a list of numbers'))
        .default(200)
        .transform((codes) => [codes].flat())
        .describe('Statuses that are right.'),
      headers: headersParam.default({}).describe('Of the request; a value may be a secret.'),
      body: z.unknown().optional().describe('What is sent: text, or with body_format a mapping. It may be a secret.'),
      body_format: z
        .enum(['raw', 'json', 'form-urlencoded'], must('raw, json or form-urlencoded'))
        .default('raw')
        .describe('How the body is written.'),
      return_content: flag.default(false).describe('With the answer as `content`.'),
      follow_redirects: z
        .enum(['safe', 'all', 'none'], must('safe, all or none'))
        .default('safe')
        .describe('safe: for GET and HEAD.'),
      timeout: wholeNumber.default(30).describe('Seconds for the whole of it.'),
      ...webLoginParams,
      creates: text.optional().describe('A file on the host: where it is there, nothing is asked.'),
      removes: text.optional().describe('A file on the host: where it is not there, nothing is asked.'),
    },
    must('a mapping with url'),
  );
type Params = z.output<ReturnType<typeof schema>>;

export const uriModule = taskModule({
  name: 'uri',
  doc: 'An HTTP request from the host, through sshd (AllowTcpForwarding): no program is needed there. Names are looked up by the host, certificates are checked with the authorities of the controller. Proxies are not used.',
  secrets: ['url_password', 'headers', 'body'],
  schema,
  observe: ({ creates, removes }) => [creates, removes].flatMap((path) => (path === undefined ? [] : [pathOf(path)])),
  plan: (params, found) => {
    const { creates, removes } = params;
    if (creates !== undefined && found.path(pathOf(creates)) !== undefined)
      return done({ changed: false, stdout: `skipped, since '${creates}' exists` });
    if (removes !== undefined && found.path(pathOf(removes)) === undefined)
      return done({ changed: false, stdout: `skipped, since '${removes}' does not exist` });
    return {
      kind: 'act',
      why: 'it is asked, and what comes of it cannot be told before',
      apply: (host) => run(params, host),
    };
  },
});

const pathOf = (path: string): Query & { readonly kind: 'path' } => ({ kind: 'path', path, follow: true });
export const reveal = (value: string | number | boolean | Secret): string =>
  value instanceof Secret ? value.reveal() : String(value);
const mostRedirects = 10;

async function run(params: Params, host: TaskHost): Promise<Result> {
  const startedMs = host.now();
  const given = new AbortController();
  const ended = new AbortController();
  host.sleep(params.timeout * 1000, ended.signal).then(
    () => given.abort(new Error(`no answer within ${params.timeout} s`)),
    () => undefined,
  );
  const elapsed = (): number => Math.floor((host.now() - startedMs) / 1000);
  try {
    const { answer, at, isRedirected } = await asked(params, host, given.signal);
    return { ...resultOf(params, answer, at), redirected: isRedirected, elapsed: elapsed() };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const msg = `Status code was -1 and not [${params.status_code.join(', ')}]: Request failed: ${why}`;
    return { changed: false, failed: true, status: -1, url: params.url, redirected: false, elapsed: elapsed(), msg };
  } finally {
    ended.abort();
  }
}

async function asked(
  params: Params,
  host: TaskHost,
  signal: AbortSignal,
): Promise<{ readonly answer: HttpAnswer; readonly at: URL; readonly isRedirected: boolean }> {
  let at = new URL(params.url);
  let { method } = params;
  let content = bodyOf(params);
  for (let count = 0; ; count++) {
    // What is meant for one host does not go to another.
    const isOwn = at.origin === new URL(params.url).origin;
    const headers = { ...content.headers, ...(isOwn ? ownHeaders(params) : {}) };
    const question = { method, headers, body: content.body, isVerified: params.validate_certs, signal };
    const answer = await within(
      signal,
      ask(at, question, (port, address) => host.openTcp(port, address)),
    );
    const { location } = answer.headers;
    const mayFollow =
      params.follow_redirects === 'all' || (params.follow_redirects === 'safe' && ['GET', 'HEAD'].includes(method));
    if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined || !mayFollow)
      return { answer, at, isRedirected: count > 0 };
    if (count === mostRedirects) throw new Error(`more than ${mostRedirects} redirects`);
    at = new URL(location, at);
    if (!/^https?:$/.test(at.protocol)) throw new Error(`it redirects to ${at.protocol}, which is not followed`);
    if (answer.status < 307 && method !== 'HEAD') {
      method = 'GET';
      content = { headers: {}, body: undefined };
    }
  }
}

function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    work.then(resolve, reject);
  });
}

function ownHeaders({ headers, url_username: user, url_password: password }: Params): Readonly<Record<string, string>> {
  const own = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), reveal(value)]));
  if (user === undefined) return own;
  const basic = Buffer.from(`${user}:${password === undefined ? '' : reveal(password)}`).toString('base64');
  return { authorization: `Basic ${basic}`, ...own };
}

function bodyOf({ body, body_format: format }: Params): {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
} {
  if (body === undefined || body === null) return { headers: {}, body: undefined };
  if (body instanceof Secret) return { headers: {}, body: body.reveal() };
  if (format === 'json')
    return {
      headers: { 'content-type': 'application/json' },
      body:
        typeof body === 'string'
          ? body
          : JSON.stringify(body, (_, value: unknown) => (value instanceof Secret ? value.reveal() : value)),
    };
  if (format === 'form-urlencoded' && typeof body === 'object') {
    const fields = new URLSearchParams();
    for (const [name, value] of Object.entries(body))
      for (const each of [value].flat()) fields.append(name, each instanceof Secret ? each.reveal() : String(each));
    return { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: fields.toString() };
  }
  const headers = format === 'form-urlencoded' ? { 'content-type': 'application/x-www-form-urlencoded' } : {};
  return { headers, body: typeof body === 'string' ? body : JSON.stringify(body) };
}

function resultOf(params: Params, { status, reason, headers, body }: HttpAnswer, at: URL): Result {
  const isRight = params.status_code.includes(status);
  const own = Object.fromEntries(
    Object.entries(headers).map(([name, value]): [string, Value] => [
      name.toLowerCase().replaceAll('-', '_'),
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
  const content = body.toString();
  return {
    ...own,
    changed: false,
    status,
    url: at.href,
    msg: `OK (${headers['content-length'] ?? 'unknown'} bytes)`,
    ...jsonOf(headers['content-type'] ?? '', content),
    ...(params.return_content || !isRight ? { content } : {}),
    ...(isRight
      ? {}
      : {
          failed: true,
          msg: `Status code was ${status} and not [${params.status_code.join(', ')}]: HTTP Error ${status}: ${reason}`,
        }),
  };
}

function jsonOf(type: string, content: string): Result {
  if (!/^[\w.+-]+\/(?:[\w.-]+\+)?json\b/.test(type)) return {};
  try {
    return { json: JSON.parse(content) as Value };
  } catch {
    return {};
  }
}
