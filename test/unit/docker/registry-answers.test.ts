import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRegistry, type Registry } from '../../../src/docker/registry.ts';
import { parseChallenge } from '../../../src/docker/registry-challenge.ts';
import { proxyFor } from '../../../src/docker/registry-proxy.ts';
import { RegistryError } from '../../../src/docker/registry-error.ts';
import { parseImageRef, type ImageRef } from '../../../src/model/image.ts';
import type { RegistryCredentials } from '../../../src/model/play.ts';
import { Secret } from '../../../src/model/secret.ts';
import { NamedServers, type Handler } from '../../support/named-servers.ts';
import { digestOf } from '../../support/registry-server.ts';

const oci = 'application/vnd.oci.image.manifest.v1+json';
const manifest = '{"schemaVersion":2}';

// Loopback speaks plain HTTP: no certificate is needed.
let servers: NamedServers;
beforeEach(() => {
  servers = new NamedServers({ certificateFile: '', key: '', cert: '' });
});
afterEach(() => servers.close());

interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const answering =
  ({ status = 200, headers = {}, body = '' }: Answer): Handler =>
  ({ method }, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(method === 'HEAD' ? undefined : body);
  };
const give = answering({
  headers: { 'content-type': oci, 'docker-content-digest': digestOf(manifest) },
  body: manifest,
});

const start = (handler: Handler): Promise<string> => servers.start('http', '127.0.0.1', handler);

function client(registries: readonly RegistryCredentials[] = []): Registry {
  return createRegistry({ env: {}, registries, sleep: () => Promise.resolve() });
}

const login = (registry: string, username = 'deploy'): RegistryCredentials => ({
  registry,
  username,
  password: new Secret('registry_password', 'pw'),
});

function image(host: string, name = 'shop/app:1'): ImageRef {
  const parsed = parseImageRef(`${host}/${name}`);
  if (parsed === undefined) throw new Error(`not a registry: ${host}`);
  return parsed;
}

/** Kind, message and hint. */
async function refusal(
  host: string,
  attempt: Promise<unknown>,
): Promise<readonly [string, string, string | undefined]> {
  const error: unknown = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof RegistryError)) throw new Error(`no RegistryError: ${String(error)}`);
  return [error.kind, error.message.replaceAll(host, 'REGISTRY'), error.hint?.replaceAll(host, 'REGISTRY')];
}

const tooMany = '{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}';

test.each<[string, Answer, string]>([
  ['seconds', { headers: { 'retry-after': '300' }, body: tooMany }, '5 m 00 s'],
  [
    'a date',
    {
      headers: { 'retry-after': 'Fri, 27 Nov 2026 10:00:00 GMT', date: 'Fri, 27 Nov 2026 09:00:00 GMT' },
      body: tooMany,
    },
    '1 h 00 m',
  ],
])('a 429 keeps its words and says when to come again: %s', async (_, answer, again) => {
  const host = await start(answering({ status: 429, ...answer }));
  expect(await refusal(host, client().resolve(image(host)))).toEqual([
    'rate_limited',
    `the registry REGISTRY has been asked too often (TOOMANYREQUESTS: You have reached your pull rate limit.); it may be asked again in ${again}`,
    'Wait, then run again. Whoever logs in may ask more often: docker login REGISTRY, or registries in the playbook.',
  ]);
  // An hour is not waited for: HEAD, and GET for the words.
  expect(servers.requests.map((line) => line.split(' ')[0])).toEqual(['HEAD', 'GET']);
});

test('a 429 without a word, and one of the token server', async () => {
  const host = await start(answering({ status: 429 }));
  expect((await refusal(host, client([login(host)]).resolve(image(host)))).slice(1)).toEqual([
    'the registry REGISTRY has been asked too often',
    'Wait, then run again.',
  ]);
  const tokens = await start(answering({ status: 429, body: '{"details":"too many failed login attempts"}' }));
  const other = await start(challenging(`Bearer realm="http://${tokens}/token"`));
  expect((await refusal(other, client([login(other)]).resolve(image(other))))[1]).toBe(
    'the registry REGISTRY has been asked too often (too many failed login attempts)',
  );
});

function challenging(challenge: string, allowed = 'Bearer good', then: Handler = give): Handler {
  return (request, response) => {
    if (request.headers.authorization === allowed) then(request, response);
    else response.writeHead(401, { 'www-authenticate': challenge }).end();
  };
}

/** A registry with a token server that answers so. */
async function withTokens(tokenAnswer: Answer, registryAnswer: Answer = {}): Promise<string> {
  const tokens = await start(answering(tokenAnswer));
  return await start(
    challenging(`Bearer realm="http://${tokens}/token"`, 'Bearer good', answering({ status: 403, ...registryAnswer })),
  );
}

const good = { body: '{"token":"good"}' };

test('what has expired, what is refused and what is not allowed are told apart', async () => {
  const of = async (host: string, user?: string): Promise<string> =>
    (await refusal(host, client([login(host, user)]).resolve(image(host))))[1];
  expect(
    await of(
      await start(
        answering({
          status: 403,
          body: '{"errors":[{"code":"DENIED","message":"Your authorization token has expired. Reauthenticate and try again."}]}',
        }),
      ),
      'AWS',
    ),
  ).toBe(
    'the credentials of AWS for the registry REGISTRY have expired (DENIED: Your authorization token has expired. Reauthenticate and try again.)',
  );
  const expiredLogin = { error: 'invalid_grant', error_description: 'token was revoked' };
  expect(await of(await withTokens({ status: 400, body: JSON.stringify(expiredLogin) }), '<token>')).toBe(
    'the credentials of the login token for the registry REGISTRY have expired (invalid_grant: token was revoked)',
  );
  const unauthorized = '{"errors":[{"code":"UNAUTHORIZED","message":"incorrect username or password"}]}';
  expect(await of(await withTokens({ status: 401, body: unauthorized }))).toBe(
    'the registry REGISTRY refuses the credentials of deploy (UNAUTHORIZED: incorrect username or password)',
  );
  const denied = { body: '{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}' };
  expect(await of(await withTokens(good, denied))).toBe(
    'deploy may not pull shop/app at the registry REGISTRY, or there is no such repository (DENIED: requested access to the resource is denied)',
  );
  const scope = { 'www-authenticate': 'Bearer realm="http://127.0.0.1:1/t",error="insufficient_scope"' };
  const tokens = await start(answering(good));
  const narrow = await start((request, response) => {
    const header = request.headers.authorization === undefined ? `Bearer realm="http://${tokens}/token"` : undefined;
    response.writeHead(401, header === undefined ? scope : { 'www-authenticate': header }).end();
  });
  expect(await of(narrow)).toBe(
    'deploy may not pull shop/app at the registry REGISTRY, or there is no such repository',
  );
  const skewed = await start((request, response) => {
    const error = request.headers.authorization === undefined ? '' : ',error="invalid_token"';
    response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${tokens}/token"${error}` }).end();
  });
  expect(await of(skewed)).toBe('the registry REGISTRY does not take the token that its token server has just given');
});

test('a wrong password is tried once', async () => {
  const host = await start(challenging('Basic realm="r"', 'never'));
  expect((await refusal(host, client([login(host)]).resolve(image(host))))[0]).toBe('unauthorized');
  expect(servers.requests.filter((line) => line.includes('Basic'))).toHaveLength(1);
});

const page = '<!DOCTYPE html><html><head><title>Hotel\n Wi-Fi: log in</title></head></html>';

test.each<[string, Answer]>([
  ['a login page in place of a manifest', { headers: { 'content-type': 'text/html' }, body: page }],
  ['without a type', { headers: { 'content-type': '' }, body: page }],
  ['with a digest', { headers: { 'content-type': 'text/html', 'docker-content-digest': digestOf(page) }, body: page }],
  ['as a 403', { status: 403, headers: { 'content-type': 'text/html; charset=utf-8' }, body: page }],
  ['as a 404', { status: 404, headers: { 'content-type': 'text/html' }, body: page }],
])('a web page is no registry: %s', async (_, answer) => {
  const host = await start(answering(answer));
  const [kind, message] = await refusal(host, client([login(host)]).resolve(image(host)));
  expect(kind).toBe('failed');
  expect(message).toMatch(new RegExp(`answered ${answer.status ?? 200}.*a web page: Hotel Wi-Fi: log in`));
});

test('a web page in place of a token, a token that is none, and one that would be a header of its own', async () => {
  const of = async (answer: Answer): Promise<string> => {
    const host = await withTokens(answer);
    return (await refusal(host, client([login(host)]).resolve(image(host))))[1].replace(/127\.0\.0\.1:\d+/, 'TOKENS');
  };
  expect(await of({ headers: { 'content-type': 'text/html' }, body: page })).toBe(
    'the token server TOKENS of REGISTRY answered 200 without a token (a web page: Hotel Wi-Fi: log in)',
  );
  for (const body of [
    '',
    'null',
    '[]',
    '{"token":5}',
    '{"token":""}',
    '{"token":"a\\r\\nX-Evil: 1"}',
    '{"token":"ü"}',
  ]) {
    expect(await of({ body })).toBe('the token server TOKENS of REGISTRY answered 200 without a token');
  }
});

test.each([
  ['an OCI index', 'application/vnd.oci.image.index.v1+json', true],
  ["Docker's list", 'application/vnd.docker.distribution.manifest.list.v2+json', true],
  ['an OCI manifest', oci, false],
  ['schema 2', 'application/vnd.docker.distribution.manifest.v2+json', false],
])('an image is %s, and keeps its type when it gets another tag', async (_, type, isList) => {
  const platforms = [
    { platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
    { platform: { os: 'unknown', architecture: 'unknown' } },
    null,
    5,
    { platform: null },
  ];
  const body = JSON.stringify({ schemaVersion: 2, mediaType: type, ...(isList ? { manifests: platforms } : {}) });
  const stored: string[] = [];
  const host = await start((request, response) => {
    if (request.method === 'PUT') {
      stored.push(`${request.url ?? ''} ${request.headers['content-type'] ?? ''}`);
      response.writeHead(201).end();
    } else {
      answering({
        headers: { 'content-type': `${type}; charset=utf-8`, 'docker-content-digest': digestOf(body) },
        body,
      })(request, response);
    }
  });
  const registry = client();
  const resolved = await registry.resolve(image(host), 'linux/arm64');
  await registry.tag(resolved, 'rc');
  expect(resolved.digest).toBe(digestOf(body));
  expect(stored).toEqual([`/v2/shop/app/manifests/rc ${type}`]);
  expect(servers.requests.at(-1)).toBe(`PUT http://${host}/v2/shop/app/manifests/rc ${body}`);
  if (!isList) return;
  expect((await refusal(host, registry.resolve(image(host), 'linux/s390x')))[0]).toBe('platform_missing');
});

test('what is no manifest is not taken for one', async () => {
  const of = async (body: string, type = oci): Promise<string> => {
    const host = await start(answering({ headers: { 'content-type': type }, body }));
    return (await refusal(host, client().resolve(image(host))))[1].replace(/^.*shop\/app:1: /, '');
  };
  for (const body of ['', '[]', 'null', '{}', '{"schemaVersion":"2"}', '{"schemaVersion":2', 'OK'])
    expect(await of(body)).toBe('what it gave is no manifest');
  expect(await of('{"schemaVersion":2}\ufffd'.replace('\ufffd', '\u0000'))).toBe('what it gave is no manifest');
  expect(await of('{"schemaVersion":1}', 'application/vnd.docker.distribution.manifest.v1+prettyjws')).toBe(
    'the image is of schema 1, which docker does not pull any more; push it again',
  );
  expect(await of('{"schemaVersion":2,"manifests":[],"layers":[]}')).toBe(
    'what it gave is a manifest and a list of manifests at once',
  );
});

test('a registry without HEAD is asked with GET', async () => {
  for (const status of [404, 405, 501]) {
    const host = await start((request, response) => {
      if (request.method === 'HEAD') response.writeHead(status).end();
      else give(request, response);
    });
    expect((await client().resolve(image(host))).digest).toBe(digestOf(manifest));
  }
});

test('a token that expires in the middle is renewed, once for all that were turned away together', async () => {
  let issued = 0;
  let valid = '';
  const tokens = await start((_, response) => {
    valid = `Bearer t${(issued += 1)}`;
    response.end(JSON.stringify({ token: `t${issued}` }));
  });
  const host = await start((request, response) => {
    if (request.headers.authorization === valid && valid !== '') give(request, response);
    else
      response
        .writeHead(401, { 'www-authenticate': `Bearer realm="http://${tokens}/token",error="invalid_token"` })
        .end();
  });
  const registry = client([login(host)]);
  const resolve = (tag: number): Promise<ImageRef> => registry.resolve(image(host, `shop/app:${tag}`));
  await resolve(0);
  expect(issued).toBe(1);
  valid = 'expired';
  const resolved = await Promise.all([1, 2, 3, 4, 5].map(resolve));
  expect(resolved.map(({ digest }) => digest)).toEqual(Array.from({ length: 5 }, () => digestOf(manifest)));
  expect(issued).toBe(2);
});

test('a token server that is down once does not stay down', async () => {
  const answers: Answer[] = [{ status: 404 }, good];
  const tokens = await start((request, response) => answering(answers.shift() ?? good)(request, response));
  const host = await start(challenging(`Bearer realm="http://${tokens}/token"`));
  const registry = client([login(host)]);
  expect((await refusal(host, registry.resolve(image(host))))[0]).toBe('failed');
  expect((await registry.resolve(image(host, 'shop/app:2'))).digest).toBe(digestOf(manifest));
});

test.each([
  ['Bearer realm="https://a/t",service="s"', { scheme: 'bearer', parameters: { realm: 'https://a/t', service: 's' } }],
  ['Basic realm="x", Bearer realm="https://a/t"', { scheme: 'bearer', parameters: { realm: 'https://a/t' } }],
  [
    'Bearer realm=https://a/t, scope="a b,c"',
    { scheme: 'bearer', parameters: { realm: 'https://a/t', scope: 'a b,c' } },
  ],
  ['bEaReR Realm = "a\\"b"', { scheme: 'bearer', parameters: { realm: 'a"b' } }],
  ['Negotiate, Basic realm="x"', { scheme: 'basic', parameters: { realm: 'x' } }],
  ['Basic', { scheme: 'basic', parameters: {} }],
  ['Bearer realm="first",realm="second"', { scheme: 'bearer', parameters: { realm: 'first' } }],
  ['Bearer realm="open', { scheme: 'bearer', parameters: { realm: 'open' } }],
  ['Digest nonce="x"', undefined],
  ['', undefined],
])('a challenge is read: %s', (header, expected) => {
  expect(parseChallenge(header)).toEqual(expected);
});

test('a challenge that is made to be hard is read all the same', () => {
  for (const piece of ['a=', 'a=b ', '"', '\\', 'Bearer ', ',', '=', 'a="\\'])
    expect(() => parseChallenge(piece.repeat(16_384))).not.toThrow();
});

test.each([
  ['https://r.example/', { HTTPS_PROXY: 'http://p:3128' }, 'http://p:3128/'],
  ['https://r.example/', { HTTPS_PROXY: 'http://p:3128', https_proxy: 'q:1' }, 'http://q:1/'],
  ['https://r.example/', { HTTP_PROXY: 'http://p:3128' }, undefined],
  ['http://r.example/', { HTTP_PROXY: 'https://p' }, 'https://p/'],
  ['https://127.0.0.1:5000/', { HTTPS_PROXY: 'http://p' }, undefined],
  ['https://localhost/', { HTTPS_PROXY: 'http://p' }, undefined],
  ['https://r.example/', { HTTPS_PROXY: 'http://p', NO_PROXY: '*' }, undefined],
  ['https://r.example/', { HTTPS_PROXY: 'http://p', NO_PROXY: 'other, r.example' }, undefined],
  ['https://a.r.example/', { HTTPS_PROXY: 'http://p', no_proxy: 'r.example' }, undefined],
  ['https://a.r.example/', { HTTPS_PROXY: 'http://p', NO_PROXY: '.r.example' }, undefined],
  ['https://a.r.example/', { HTTPS_PROXY: 'http://p', NO_PROXY: '*.r.example' }, undefined],
  ['https://r.example/', { HTTPS_PROXY: 'http://p', NO_PROXY: '.r.example' }, 'http://p/'],
  ['https://notr.example/', { HTTPS_PROXY: 'http://p', NO_PROXY: 'r.example' }, 'http://p/'],
  ['https://r.example:5000/', { HTTPS_PROXY: 'http://p', NO_PROXY: 'r.example:5000' }, undefined],
  ['https://r.example/', { HTTPS_PROXY: 'http://p', NO_PROXY: 'r.example:5000' }, 'http://p/'],
  ['https://r.example/', { HTTPS_PROXY: 'http://p', NO_PROXY: 'r.example:443' }, undefined],
  ['https://10.1.2.3/', { HTTPS_PROXY: 'http://p', NO_PROXY: '10.0.0.0/8' }, undefined],
  ['https://11.1.2.3/', { HTTPS_PROXY: 'http://p', NO_PROXY: '10.0.0.0/8,11.1.2.4,bad/99' }, 'http://p/'],
  ['https://[fd00::5]/', { HTTPS_PROXY: 'http://p', NO_PROXY: 'fd00::/8' }, undefined],
  ['https://r.example/', { HTTPS_PROXY: '' }, undefined],
])('the proxy for %s with %j is %s', (url, env, expected) => {
  expect(proxyFor(new URL(url), env)?.href).toBe(expected);
});
