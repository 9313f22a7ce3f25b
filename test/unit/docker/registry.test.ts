import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createRegistry, type Registry } from '../../../src/docker/registry.ts';
import { RegistryError } from '../../../src/docker/registry-error.ts';
import { parseImageRef, type ImageRef } from '../../../src/model/image.ts';
import type { RegistryCredentials } from '../../../src/model/play.ts';
import { Secret } from '../../../src/model/secret.ts';
import { digestOf, startRegistry, type RegistryServer } from '../../support/registry-server.ts';

const single = '{"schemaVersion":2}';
const index = JSON.stringify({
  schemaVersion: 2,
  manifests: [
    { platform: { os: 'linux', architecture: 'amd64' } },
    { platform: { os: 'linux', architecture: 'arm', variant: 'v7' } },
    { platform: { os: 'unknown', architecture: 'unknown' } },
  ],
});
const manifests = { 'shop/app:1.4': single, 'shop/app:1.5': index, 'shop/app:2026': single };

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(cleanups.splice(0).map((cleanup) => cleanup()));
});

async function serve(options: Partial<Parameters<typeof startRegistry>[0]> = {}): Promise<RegistryServer> {
  const server = await startRegistry({ manifests, ...options });
  cleanups.push(() => server.close());
  return server;
}

function client(registries: readonly RegistryCredentials[] = [], env: Readonly<Record<string, string>> = {}): Registry {
  return createRegistry({ env, registries, sleep: () => Promise.resolve() });
}

function image({ host }: RegistryServer, name: string): ImageRef {
  const parsed = parseImageRef(`${host}/${name}`);
  if (parsed === undefined) throw new Error(`not an image: ${name}`);
  return parsed;
}

const login = (host: string, password = 'pw'): RegistryCredentials => ({
  registry: host,
  username: 'deploy',
  password: new Secret('registry_password', password),
});

async function errorOf(attempt: Promise<unknown>): Promise<RegistryError> {
  const error: unknown = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof RegistryError)) throw new Error(`no RegistryError: ${String(error)}`);
  return error;
}

test('several images asked for at once find out together that the registry speaks plain HTTP', async () => {
  const server = await serve();
  const registry = client();
  const images = ['shop/app:1.4', 'shop/app:1.5', 'shop/app:2026'].map((name) => image(server, name));
  const resolved = await Promise.all(images.map((each) => registry.resolve(each)));
  expect(resolved.map(({ digest }) => digest)).toEqual([digestOf(single), digestOf(index), digestOf(single)]);
});

test('a tag costs one request a run, however many hosts ask for it at once', async () => {
  const server = await serve();
  const registry = client();
  const wanted = image(server, 'shop/app:1.4');
  const resolved = await Promise.all(Array.from({ length: 20 }, () => registry.resolve(wanted)));
  expect(new Set(resolved.map(({ digest }) => digest))).toEqual(new Set([digestOf(single)]));
  expect(resolved[0]).toEqual({ ...wanted, digest: digestOf(single) });
  expect(server.requests).toEqual(['HEAD /v2/shop/app/manifests/1.4']);
});

test('basic and bearer authentication are answered as asked, and a token serves the next image too', async () => {
  const plain = await serve({ auth: 'basic', login: 'deploy:pw' });
  expect((await client([login(plain.host)]).resolve(image(plain, 'shop/app:1.4'))).digest).toBe(digestOf(single));
  expect(plain.requests).toEqual(['HEAD /v2/shop/app/manifests/1.4', 'HEAD /v2/shop/app/manifests/1.4 basic']);

  const token = await serve({ auth: 'bearer', login: 'deploy:pw' });
  const registry = client([login(token.host)]);
  await registry.resolve(image(token, 'shop/app:1.4'));
  await registry.resolve(image(token, 'shop/app:1.5'));
  expect(token.requests).toEqual([
    'HEAD /v2/shop/app/manifests/1.4',
    'GET /token?service=s&scope=repository%3Ashop%2Fapp%3Apull basic',
    'HEAD /v2/shop/app/manifests/1.4 bearer',
    'HEAD /v2/shop/app/manifests/1.5 bearer',
  ]);
});

test('a registry that refuses is an error that names who was refused and where credentials go, never the password', async () => {
  const server = await serve({ auth: 'basic', login: 'deploy:pw' });
  const wrong = await errorOf(client([login(server.host, 'hunter2')]).resolve(image(server, 'shop/app:1.4')));
  expect([wrong.kind, wrong.message.replaceAll(server.host, 'REGISTRY')]).toEqual([
    'unauthorized',
    'the registry REGISTRY refuses the credentials of deploy',
  ]);
  const none = await errorOf(client().resolve(image(server, 'shop/app:1.4')));
  expect(none.message).toBe(`the registry ${server.host} asks for credentials, and there are none`);
  expect(none.hint).toBe(
    `Give them in the playbook: registries: { "${server.host}": { username: …, password: { secret: … } } }, or log in here: docker login ${server.host}`,
  );
  expect(JSON.stringify([wrong, wrong.hint])).not.toContain('hunter2');
  const bearer = await serve({ auth: 'bearer', login: 'deploy:pw' });
  expect((await errorOf(client().resolve(image(bearer, 'shop/app:1.4')))).kind).toBe('unauthorized');
});

test('a missing tag is an error that shows the tags that look alike', async () => {
  const server = await serve();
  const error = await errorOf(client().resolve(image(server, 'shop/app:1.6')));
  expect([error.kind, error.message.replaceAll(server.host, 'REGISTRY'), error.hint]).toEqual([
    'not_found',
    'there is no REGISTRY/shop/app:1.6 in REGISTRY',
    'Tags that are there and look alike: 1.4, 1.5, 2026.',
  ]);
});

test('an image of several platforms keeps the digest of the whole, and must have the platform of the host', async () => {
  const server = await serve();
  const registry = client();
  const wanted = image(server, 'shop/app:1.5');
  expect((await registry.resolve(wanted, 'linux/arm')).digest).toBe(digestOf(index));
  const error = await errorOf(registry.resolve(wanted, 'linux/arm64'));
  expect([error.kind, error.message.slice(error.message.indexOf(' has ') + 5)]).toEqual([
    'platform_missing',
    'no image for linux/arm64; it has linux/amd64, linux/arm/v7',
  ]);
  expect((await registry.resolve(image(server, 'shop/app:1.4'), 'linux/arm64')).digest).toBe(digestOf(single));
});

test('a registry that stumbles once is asked once more; one that stays down is an error with its status', async () => {
  const stumbling = await serve({ first: [{ status: 503, headers: { 'retry-after': '1' } }] });
  expect((await client().resolve(image(stumbling, 'shop/app:1.4'))).digest).toBe(digestOf(single));
  const down = await serve({ first: [{ status: 503 }, { status: 503 }] });
  const error = await errorOf(client().resolve(image(down, 'shop/app:1.4')));
  expect([error.kind, error.message.replaceAll(down.host, 'REGISTRY')]).toEqual([
    'failed',
    'the registry REGISTRY did not give REGISTRY/shop/app:1.4: it answered 503',
  ]);
  expect(down.requests).toHaveLength(2);
});

test('a registry that is not there is unreachable', async () => {
  const server = await serve();
  await server.close();
  expect((await errorOf(client().resolve(image(server, 'shop/app:1.4')))).kind).toBe('unreachable');
});

test('a registry that does not say a digest is asked for the bytes, and the digest is theirs', async () => {
  const server = await serve({ omitDigest: true });
  expect((await client().resolve(image(server, 'shop/app:1.4'))).digest).toBe(digestOf(single));
});

test('an image gets another tag, byte for byte', async () => {
  const server = await serve({ auth: 'bearer', login: 'deploy:pw' });
  const registry = client([login(server.host)]);
  const resolved = await registry.resolve(image(server, 'shop/app:1.4'));
  await registry.tag(resolved, 'rc');
  expect((await registry.resolve(image(server, 'shop/app:rc'))).digest).toBe(resolved.digest);
});

test("credentials come from docker's configuration at the controller: a helper first, then the file itself", async () => {
  const dir = await mkdtemp(join(tmpdir(), 'rollout-docker-config-'));
  cleanups.push(() => rm(dir, { recursive: true, force: true }));
  const helper = join(dir, 'docker-credential-test');
  await writeFile(
    helper,
    `#!/bin/sh\nread server\ncase $server in\n*helped*) echo '{"Username":"h","Secret":"from helper"}';;\n*) echo 'credentials not found in native keychain'; exit 1;;\nesac\n`,
  );
  await chmod(helper, 0o755);
  const auth = Buffer.from('f:from file').toString('base64');
  await writeFile(
    join(dir, 'config.json'),
    JSON.stringify({
      auths: { 'https://index.docker.io/v1/': { auth }, 'filed.example:5000': { auth } },
      credHelpers: { 'helped.example': 'test', 'broken.example': 'nowhere' },
      credsStore: 'test',
    }),
  );
  const registry = client([], { DOCKER_CONFIG: dir, PATH: `${dir}:${process.env['PATH'] ?? ''}` });
  const found = async (name: string): Promise<string | undefined> => {
    const credentials = await registry.credentialsFor(name);
    return credentials && `${credentials.username ?? ''}:${credentials.password?.reveal() ?? ''}`;
  };
  expect(await found('helped.example')).toBe('h:from helper');
  expect(await found('filed.example:5000')).toBe('f:from file');
  expect(await found('docker.io')).toBe('f:from file');
  expect(await found('other.example')).toBeUndefined();
  expect(await found('broken.example')).toBeUndefined();
});

test("a key of docker's configuration means its host, whatever scheme and path it has", async () => {
  const dir = await mkdtemp(join(tmpdir(), 'rollout-docker-config-'));
  cleanups.push(() => rm(dir, { recursive: true, force: true }));
  const auth = (text: string): string => Buffer.from(text).toString('base64');
  await writeFile(
    join(dir, 'config.json'),
    JSON.stringify({
      auths: {
        'index.docker.io': { auth: auth('hub:pw1') },
        'https://pathed.example/v2/group/project': { auth: auth('pathed:pw2') },
        'http://Upper.Example:5000/v1/': { auth: auth('upper:pw3') },
        'both.example/old': { auth: auth('old:pw4') },
        'both.example': { auth: auth('both:pw5') },
        'token.example': { auth: auth('<token>:'), identitytoken: 'refresh-me' },
        'odd.example': null,
        'odder.example': 'text',
        'oddest.example': { auth: 5, identitytoken: ['x'] },
        'empty.example': { auth: '' },
      },
      credHelpers: null,
      credsStore: 7,
    }),
  );
  const secrets: string[] = [];
  const registry = createRegistry({
    env: { DOCKER_CONFIG: dir },
    registries: [],
    onSecret: (secret) => secrets.push(secret.reveal()),
  });
  const found = async (name: string): Promise<string | undefined> => {
    const credentials = await registry.credentialsFor(name);
    return credentials && `${credentials.username ?? ''}:${credentials.password?.reveal() ?? ''}`;
  };
  expect(await found('docker.io')).toBe('hub:pw1');
  // Those of other registries are secrets too, and the base64 that stands in the file.
  expect(secrets).toEqual(expect.arrayContaining(['pw1', 'pw2', 'pw5', 'refresh-me', auth('upper:pw3')]));
  expect(await found('pathed.example')).toBe('pathed:pw2');
  expect(await found('Upper.example:5000')).toBe('upper:pw3');
  expect(await found('both.example')).toBe('both:pw5');
  expect(await found('token.example')).toBe('<token>:refresh-me');
  for (const name of ['odd.example', 'odder.example', 'oddest.example', 'empty.example', 'pathed.example:5000'])
    expect(await found(name)).toBeUndefined();
});

test('a helper that prints without end, fails, or prints something else is told, and its words are not taken for a login', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'rollout-docker-config-'));
  cleanups.push(() => rm(dir, { recursive: true, force: true }));
  const scripts = {
    endless: 'while :; do echo 0123456789012345678901234567890123456789; done',
    failing: 'echo the keychain is locked; exit 1',
    odd: 'echo \'["Username","Secret"]\'',
  };
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(dir, `docker-credential-${name}`), `#!/bin/sh\nread server\n${script}\n`);
    await chmod(join(dir, `docker-credential-${name}`), 0o755);
  }
  const server = await serve({ auth: 'basic', login: 'deploy:pw' });
  const hintWith = async (helper: string): Promise<string | undefined> => {
    await writeFile(join(dir, 'config.json'), JSON.stringify({ credHelpers: { [server.host]: helper } }));
    const env = { DOCKER_CONFIG: dir, PATH: `${dir}:${process.env['PATH'] ?? ''}` };
    return (await errorOf(client([], env).resolve(image(server, 'shop/app:1.4')))).hint?.split('\n')[0];
  };
  expect(await hintWith('endless')).toBe('docker-credential-endless prints without end');
  expect(await hintWith('failing')).toBe('docker-credential-failing failed: the keychain is locked');
  expect(await hintWith('odd')).toBe('docker-credential-odd did not print the JSON that docker specifies');
  expect(await hintWith('nowhere')).toMatch(/^docker-credential-nowhere cannot be run: /);
  expect(await hintWith('../evil')).toBe(
    "docker's configuration names a credential helper that is no program: ../evil",
  );
});
