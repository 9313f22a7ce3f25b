import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { findDockerCredentials } from '../../../src/docker/docker-config.ts';
import { createRegistry, type Registry, type RegistryOptions } from '../../../src/docker/registry.ts';
import { parseImageRef, type ImageRef } from '../../../src/model/image.ts';
import type { RegistryCredentials } from '../../../src/model/play.ts';
import { createRedactor } from '../../../src/model/redactor.ts';
import { Secret } from '../../../src/model/secret.ts';
import { makeAuthority, NamedServers, type Authority, type Handler } from '../../support/named-servers.ts';
import { digestOf } from '../../support/registry-server.ts';

const manifest = '{"schemaVersion":2}';
const path = '/v2/shop/app/manifests/1';
const basic = `Basic ${Buffer.from('deploy:pass word').toString('base64')}`;

let folder = '';
let authority: Authority;
let servers: NamedServers;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollout-registry-'));
  authority = await makeAuthority(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(() => {
  servers = new NamedServers(authority);
});
afterEach(() => servers.close());

const give: Handler = (_, response) => {
  response.writeHead(200, {
    'content-type': 'application/vnd.oci.image.manifest.v1+json',
    'docker-content-digest': digestOf(manifest),
  });
  response.end(manifest);
};

/** Lets in whoever has this authorization, and answers everybody else with a challenge. */
const guard =
  (challenge: string, authorization = 'Bearer t0ken', then = give): Handler =>
  (request, response) => {
    if (request.headers.authorization === authorization) then(request, response);
    else response.writeHead(401, { 'www-authenticate': challenge }).end();
  };

const redirect =
  (status: number, to: () => string): Handler =>
  (request, response) =>
    void response.writeHead(status, { location: to() + (request.url ?? '') }).end();

const giveToken: Handler = (_, response) => void response.end('{"token":"t0ken"}');

const login = (registry: string, more: Partial<RegistryCredentials> = {}): RegistryCredentials => ({
  registry,
  username: 'deploy',
  password: new Secret('registry_password', 'pass word'),
  ...more,
});

function client(registries: readonly RegistryCredentials[], more: Partial<RegistryOptions> = {}): Registry {
  return createRegistry({
    env: { SSL_CERT_FILE: authority.certificateFile },
    registries,
    sleep: () => Promise.resolve(),
    surroundings: { lookup: servers.lookup },
    ...more,
  });
}

function image(host: string): ImageRef {
  const parsed = parseImageRef(`${host}/shop/app:1`);
  if (parsed === undefined) throw new Error(`not a registry: ${host}`);
  return parsed;
}

/** The digest, or the message and the hint; ports, which differ, left out. */
async function outcome(attempt: Promise<ImageRef | undefined>): Promise<string> {
  try {
    return (await attempt)?.digest === digestOf(manifest) ? 'resolved' : 'another digest';
  } catch (error) {
    return (error as Error).message.replace(/:\d{4,5}\b/g, '');
  }
}

const asked = (): string[] => servers.requests.map((line) => line.replace(/:\d{4,5}\b/g, ''));

test('basic credentials are not sent on in clear: a redirect from TLS to plain HTTP is refused', async () => {
  const clear = await servers.start('http', 'registry.test', give);
  for (const status of [301, 302, 303, 307, 308]) {
    servers.requests.length = 0;
    const registry = await servers.start(
      'https',
      'registry.test',
      guard(
        'Basic realm="r"',
        basic,
        redirect(status, () => `http://${clear}`),
      ),
    );
    expect(await outcome(client([login(registry)]).resolve(image(registry)))).toBe(
      'registry.test redirects to http://registry.test, without TLS',
    );
    expect(asked()).toEqual([`HEAD https://registry.test${path}`, `HEAD https://registry.test${path} ${basic}`]);
  }
});

test.each(['registry.test', 'other.test'])(
  'a redirect to another port or host is followed without credentials: to %s',
  async (name) => {
    const other = await servers.start('https', name, give);
    const registry = await servers.start(
      'https',
      'registry.test',
      guard(
        'Basic realm="r"',
        basic,
        redirect(307, () => `https://deploy:x@${other}`),
      ),
    );
    expect(await outcome(client([login(registry)]).resolve(image(registry)))).toBe('resolved');
    expect(asked()).toEqual([
      `HEAD https://registry.test${path}`,
      `HEAD https://registry.test${path} ${basic}`,
      `HEAD https://${name}${path}`,
    ]);
  },
);

test('a redirect within the registry keeps the credentials', async () => {
  const registry: string = await servers.start(
    'https',
    'registry.test',
    guard('Basic realm="r"', basic, (request, response) => {
      if (request.url === path) response.writeHead(308, { location: `${path}/` }).end();
      else give(request, response);
    }),
  );
  expect(await outcome(client([login(registry)]).resolve(image(registry)))).toBe('resolved');
  expect(asked().at(-1)).toBe(`HEAD https://registry.test${path}/ ${basic}`);
});

test('a redirect back gets no credentials again, and one without end is ended', async () => {
  let registry = '';
  const other = await servers.start(
    'https',
    'other.test',
    redirect(302, () => `https://${registry}`),
  );
  registry = await servers.start(
    'https',
    'registry.test',
    redirect(302, () => `https://${other}`),
  );
  expect(await outcome(client([login(registry)]).resolve(image(registry)))).toBe(
    'other.test redirects to https://registry.test, the 6th time',
  );
  expect(asked()).toHaveLength(6);
  expect(asked().join()).not.toContain('Basic');
});

test('who is redirected to and asks for credentials gets none, whatever realm is named', async () => {
  const other = await servers.start('https', 'other.test', guard('Bearer realm="https://other.test/token"'));
  const registry = await servers.start(
    'https',
    'registry.test',
    redirect(302, () => `https://${other}`),
  );
  expect(await outcome(client([login(registry)]).resolve(image(registry)))).toBe(
    'the registry registry.test redirects to other.test, which asks for credentials of its own',
  );
  expect(asked()).toEqual([`HEAD https://registry.test${path}`, `HEAD https://other.test${path}`]);
});

test.each(['other.test', 'registry.test'])('a token server without TLS gets no credentials: %s', async (name) => {
  const clear = await servers.start('http', name, giveToken);
  const registry = await servers.start('https', 'registry.test', guard(`Bearer realm="http://${clear}/token"`));
  expect(await outcome(client([login(registry)]).resolve(image(registry)))).toBe(
    `the registry registry.test wants the credentials sent to ${name} without TLS`,
  );
  // Nor does somebody without credentials fetch a token where others can read it.
  expect(await outcome(client([]).resolve(image(registry)))).toMatch(/without TLS$/);
  expect(asked()).toEqual([`HEAD https://registry.test${path}`, `HEAD https://registry.test${path}`]);
});

test('a token server of another name is asked over TLS, as Docker Hub has one', async () => {
  const tokens = await servers.start('https', 'auth.test', giveToken);
  const registry = await servers.start(
    'https',
    'registry.test',
    guard(`Bearer realm="https://evil:pw@${tokens}/token?a=b",service="s, \\"x\\""`),
  );
  expect(await outcome(client([login(registry)]).resolve(image(registry)))).toBe('resolved');
  expect(asked()).toEqual([
    `HEAD https://registry.test${path}`,
    `GET https://auth.test/token?a=b&service=s%2C+%22x%22&scope=repository%3Ashop%2Fapp%3Apull ${basic}`,
    `HEAD https://registry.test${path} Bearer t0ken`,
  ]);
});

test('an insecure registry may give its tokens in clear on its own machine; another host has to be marked too', async () => {
  const own = await servers.start('http', 'registry.test', giveToken);
  const other = await servers.start('http', 'other.test', giveToken);
  const tried = async (realm: string, more: readonly RegistryCredentials[] = []): Promise<string> => {
    const registry = await servers.start('http', 'registry.test', guard(`Bearer realm="http://${realm}/token"`));
    return outcome(client([login(registry, { insecure: true }), ...more]).resolve(image(registry)));
  };
  expect(await tried(own)).toBe('resolved');
  expect(await tried(other)).toBe('the registry registry.test wants the credentials sent to other.test without TLS');
  expect(await tried(other, [{ registry: other, insecure: true }])).toBe('resolved');
});

test('a token server that redirects gets nothing sent on: neither a password nor a refresh token', async () => {
  const config = await mkdtemp(join(folder, 'config-'));
  const other = await servers.start('https', 'other.test', giveToken);
  for (const to of [`https://${other}`, `http://${other}`]) {
    for (const status of [302, 307, 308]) {
      servers.requests.length = 0;
      const tokens = await servers.start(
        'https',
        'auth.test',
        redirect(status, () => to),
      );
      const registry = await servers.start('https', 'registry.test', guard(`Bearer realm="https://${tokens}/token"`));
      const identity = login(registry, { username: '<token>' });
      for (const credentials of [login(registry), identity]) {
        expect(await outcome(client([credentials]).resolve(image(registry)))).toMatch(/^auth\.test redirects /);
      }
      expect(asked().filter((line) => line.includes('other.test'))).toEqual([]);
      expect(asked()[3]).toBe(
        'POST https://auth.test/token scope=repository%3Ashop%2Fapp%3Apull&grant_type=refresh_token&client_id=rollout&refresh_token=pass+word',
      );
    }
  }
  await rm(config, { recursive: true });
});

test('a tag is not written where a registry redirects to', async () => {
  const other = await servers.start('https', 'other.test', give);
  const registry = await servers.start('https', 'registry.test', (request, response) => {
    if (request.method === 'PUT') response.writeHead(307, { location: `https://${other}${path}` }).end();
    else give(request, response);
  });
  const access = client([login(registry)]);
  const resolved = await access.resolve(image(registry));
  const tagging = access.tag(resolved, 'rc').then(() => undefined);
  expect(await outcome(tagging)).toBe('registry.test redirects to https://other.test what is sent to it');
  expect(asked().join()).not.toContain('other.test');
});

test('TLS to a registry that nobody vouches for is refused; insecure lets it pass, for that registry alone', async () => {
  const other = await servers.start('https', 'other.test', giveToken);
  const registry = await servers.start('https', 'registry.test', guard(`Bearer realm="https://${other}/token"`));
  const nobody = { env: {} };
  expect(await outcome(client([login(registry)], nobody).resolve(image(registry)))).toMatch(
    /^the registry registry\.test cannot be reached: (?:self-signed|DEPTH_ZERO)/,
  );
  expect(asked()).toEqual([]);
  const insecure = login(registry, { insecure: true });
  expect(await outcome(client([insecure], nobody).resolve(image(registry)))).toMatch(
    /^the registry other\.test cannot be reached: (?:self-signed|DEPTH_ZERO)/,
  );
  expect(asked()).toEqual([`HEAD https://registry.test${path}`]);
});

test('a password, its base64 form and every token are secrets before anything is sent with them', async () => {
  const redactor = createRedactor([]);
  const told: string[] = [];
  const tokens = await servers.start('https', 'auth.test', (request, response) => {
    told.push(redactor.redact(request.headers.authorization ?? ''));
    response.end('{"access_token":"acc3ss","refresh_token":"r3fresh-token"}');
  });
  const registry = await servers.start(
    'https',
    'registry.test',
    guard(`Bearer realm="https://${tokens}/token"`, 'Bearer acc3ss', (request, response) => {
      told.push(redactor.redact(request.headers.authorization ?? ''));
      give(request, response);
    }),
  );
  const onSecret = (secret: Secret): void => redactor.add(secret);
  await client([login(registry)], { onSecret }).resolve(image(registry));
  expect(told.map((line) => line.replace(/:\d+/, ''))).toEqual([
    'Basic [secret password of registry.test]',
    'Bearer [secret access_token of registry.test]',
  ]);
  expect(redactor.redact('x r3fresh-token y')).toMatch(/^x \[secret refresh_token of .*\] y$/);
});

test.each([
  ['a manifest', (): Handler => endless('application/vnd.oci.image.manifest.v1+json'), '4 MiB'],
  ['a page', (): Handler => endless('text/html'), '4 MiB'],
])('%s without end is given up', async (_, handler, limit) => {
  const registry = await servers.start('https', 'registry.test', handler());
  expect(await outcome(client([]).resolve(image(registry)))).toBe(
    `the registry registry.test is not read: the answer is larger than ${limit}`,
  );
});

test('a token without end is given up', async () => {
  const tokens = await servers.start('https', 'auth.test', endless('application/json'));
  const registry = await servers.start('https', 'registry.test', guard(`Bearer realm="https://${tokens}/token"`));
  expect(await outcome(client([login(registry)]).resolve(image(registry)))).toBe(
    'the registry auth.test is not read: the answer is larger than 1 MiB',
  );
});

test('an answer that comes drop by drop, or not at all, ends at the deadline', async () => {
  const handlers: Handler[] = [(_, response) => void response.write('{"schema'), () => undefined];
  for (const handler of handlers) {
    const deadline = new AbortController();
    const registry = await servers.start('https', 'registry.test', (request, response) => {
      handler(request, response);
      setImmediate(() => deadline.abort());
    });
    const surroundings = { lookup: servers.lookup, deadline: () => deadline.signal };
    expect(await outcome(client([], { surroundings }).resolve(image(registry)))).toBe(
      'the registry registry.test gave no answer within 20 s',
    );
  }
});

/** Bytes as long as somebody reads. */
function endless(type: string): Handler {
  return (request, response) => {
    response.writeHead(200, { 'content-type': type });
    if (request.method === 'HEAD') return void response.end();
    const write = (): void => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
    };
    response.on('drain', write);
    write();
  };
}

test('names and redirects do not lead to link-local and metadata addresses; nothing is asked there', async () => {
  const addresses = ['169.254.169.254', 'fe80::1', 'fd00:ec2::254', '::ffff:169.254.169.254', '100.100.100.200'];
  for (const address of addresses) {
    servers.pointTo('registry.test', address);
    expect(await outcome(client([]).resolve(image('registry.test:5000')))).toBe(
      `the registry registry.test is not read: registry.test leads to ${address}, which is a link-local or metadata address`,
    );
  }
  servers.pointTo('registry.test', '127.0.0.1');
  const forms = [
    '169.254.169.254',
    '2852039166',
    '0xa9fea9fe',
    '0251.0376.0251.0376',
    '[::ffff:a9fe:a9fe]',
    '[fe80::1]',
  ];
  for (const form of forms) {
    const hostname = new URL(`https://${form}/`).hostname;
    const redirecting = await servers.start(
      'https',
      'registry.test',
      redirect(302, () => `https://${form}/latest/meta-data`),
    );
    const challenging = await servers.start(
      'https',
      'registry.test',
      guard(`Bearer realm="https://${form}/latest/meta-data"`),
    );
    expect(await outcome(client([login(redirecting)]).resolve(image(redirecting)))).toBe(
      `the registry registry.test is not read: ${hostname} is a link-local or metadata address`,
    );
    expect(await outcome(client([login(challenging)]).resolve(image(challenging)))).toBe(
      `the registry ${hostname} is not read: ${hostname} is a link-local or metadata address`,
    );
  }
  servers.pointTo('meta.test', '169.254.169.254');
  const named = await servers.start(
    'https',
    'registry.test',
    redirect(302, () => 'https://meta.test'),
  );
  expect(await outcome(client([]).resolve(image(named)))).toMatch(/meta\.test leads to 169\.254\.169\.254, which is/);
});

test('a link-local address that the user wrote is asked; through a proxy, which sees the name alone', async () => {
  const proxy = await servers.startProxy();
  const served = await servers.start('https', 'registry.test', guard('Basic realm="r"', basic));
  const port = served.split(':')[1] ?? '';
  const registry = `169.254.169.254:${port}`;
  const redactor = createRedactor([]);
  const more = {
    env: { SSL_CERT_FILE: authority.certificateFile, HTTPS_PROXY: proxy.replace('//', '//me:pr%40xy-pass@') },
    onSecret: (secret: Secret): void => redactor.add(secret),
  };
  expect(await outcome(client([login(registry)], more).resolve(image(registry)))).toBe('resolved');
  expect(asked()).toEqual([
    // The first one finds an authority that only the system knows.
    'CONNECT 169.254.169.254 with a password',
    'CONNECT 169.254.169.254 with a password',
    `HEAD https://169.254.169.254${path}`,
    'CONNECT 169.254.169.254 with a password',
    `HEAD https://169.254.169.254${path} ${basic}`,
  ]);
  expect(redactor.redact('pr@xy-pass')).toBe('[secret password of the proxy]');
});

test('a proxy that refuses, and one that wants a password, are told from the registry', async () => {
  for (const [status, words] of [
    [403, 'answered 403'],
    [407, 'answered 407; it wants a user and a password: http://user:password@host:port'],
  ] as const) {
    const proxy = await servers.startProxy(status);
    const env = { https_proxy: proxy };
    expect(await outcome(client([], { env }).resolve(image('registry.test:5000')))).toBe(
      `the registry registry.test cannot be reached: the proxy 127.0.0.1 ${words}`,
    );
  }
  const env = { HTTPS_PROXY: 'socks5://127.0.0.1:1080' };
  expect(await outcome(client([], { env }).resolve(image('registry.test:5000')))).toBe(
    'the registry registry.test cannot be reached: HTTPS_PROXY must be a URL that begins with http:// or https://',
  );
});

test("docker's configuration that cannot be read is told, and is not one without credentials", async () => {
  const home = await mkdtemp(join(folder, 'config-'));
  const found = async (): Promise<unknown> => findDockerCredentials('r.example', { DOCKER_CONFIG: home });
  expect(await found()).toEqual({});
  const path = join(home, 'config.json');
  for (const [text, trouble] of [
    ['{"auths":', `${path} is not JSON`],
    ['null', `${path} is no JSON object`],
    ['["r.example"]', `${path} is no JSON object`],
    ['', `${path} is not JSON`],
  ] as const) {
    await writeFile(path, text);
    expect(await found()).toEqual({ trouble });
  }
  await rm(path);
  await mkdir(path);
  expect(await found()).toEqual({ trouble: `${path} cannot be read: EISDIR: illegal operation on a directory, read` });
});
