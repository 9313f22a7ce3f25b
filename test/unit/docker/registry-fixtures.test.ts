import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { layersOf, platformsOf } from '../../../src/docker/registry-manifest.ts';
import { createRegistry, type Registry } from '../../../src/docker/registry.ts';
import { parseImageRef, type ImageRef } from '../../../src/model/image.ts';
import { Secret } from '../../../src/model/secret.ts';
import { NamedServers } from '../../support/named-servers.ts';
import { digestOf } from '../../support/registry-server.ts';

/** What a registry serves: each document under its digest, one of them under the tag. */
interface Documents {
  readonly manifests: Readonly<Record<string, { readonly type: string; readonly body: string }>>;
  readonly blobs: Readonly<Record<string, string>>;
  /** The digest behind the tag `1`. */
  readonly tagged: string;
}

const oci = (kind: string): string => `application/vnd.oci.image.${kind}+json`;
const docker = (kind: string): string => `application/vnd.docker.distribution.${kind}+json`;

function single(type: string, architecture: string, created: string): Documents {
  const config = JSON.stringify({ os: 'linux', architecture, created, config: { Labels: { for: architecture } } });
  const body = JSON.stringify({
    schemaVersion: 2,
    mediaType: type,
    config: { digest: digestOf(config), size: config.length },
    layers: [{ digest: digestOf(architecture), size: architecture.length * 1000 }],
  });
  const tagged = digestOf(body);
  return { manifests: { [tagged]: { type, body } }, blobs: { [digestOf(config)]: config }, tagged };
}

/** An index, or a list, of such images, and an attestation of one of them where it has those. */
function several(type: string, parts: readonly Documents[], hasAttestation: boolean): Documents {
  const platforms = ['amd64', 'arm64'];
  const manifests = parts.map(({ tagged }, index) => ({
    digest: tagged,
    size: 1,
    platform: { os: 'linux', architecture: platforms[index] },
  }));
  const attestation = {
    digest: digestOf('attestation'),
    size: 1,
    platform: { os: 'unknown', architecture: 'unknown' },
  };
  const all = hasAttestation ? [attestation, ...manifests] : manifests;
  const body = JSON.stringify({ schemaVersion: 2, mediaType: type, manifests: all });
  return {
    manifests: Object.assign(
      { [digestOf(body)]: { type, body } },
      ...parts.map((part) => part.manifests),
    ) as Documents['manifests'],
    blobs: Object.assign({}, ...parts.map(({ blobs }) => blobs)) as Documents['blobs'],
    tagged: digestOf(body),
  };
}

const pair = (type: string): readonly Documents[] => [
  single(type, 'amd64', '2026-01-01T00:00:00Z'),
  single(type, 'arm64', '2026-02-01T00:00:00Z'),
];
const schema2 = single(docker('manifest.v2'), 'amd64', '2026-01-01T00:00:00Z');
const ociImage = single(oci('manifest.v1'), 'arm64', '2026-01-01T00:00:00Z');
const manifestList = several(docker('manifest.list.v2'), pair(docker('manifest.v2')), false);
const ociIndex = several(oci('index.v1'), pair(oci('manifest.v1')), true);

type Answer = (headers: IncomingHttpHeaders, response: ServerResponse) => void;

let servers: NamedServers;
beforeEach(() => {
  servers = new NamedServers({ certificateFile: '', key: '', cert: '' });
});
afterEach(() => servers.close());

/** Serves the documents; `instead` answers the requests of its numbers, from 1. */
async function serve(
  documents: Documents,
  instead: Readonly<Record<number, Answer>> = {},
  blobsAt?: () => string,
): Promise<string> {
  let count = 0;
  return servers.start('http', '127.0.0.1', ({ method, url = '', headers }, response) => {
    count += 1;
    const other = instead[count];
    if (other !== undefined) {
      other(headers, response);
      return;
    }
    const [, kind, reference = ''] = /^\/v2\/shop\/app\/(manifests|blobs)\/(.+)$/.exec(url) ?? [];
    const digest = reference === '1' ? documents.tagged : reference;
    const manifest = kind === 'manifests' ? documents.manifests[digest] : undefined;
    const blob = kind === 'blobs' ? documents.blobs[digest] : undefined;
    if (blob !== undefined && blobsAt !== undefined) {
      response.writeHead(307, { location: `${blobsAt()}/${digest.slice(7, 19)}?signature=x` }).end();
      return;
    }
    const body = manifest?.body ?? blob;
    if (body === undefined) response.writeHead(404).end();
    else {
      const type = manifest?.type ?? 'application/octet-stream';
      response.writeHead(200, { 'content-type': type, 'docker-content-digest': digest });
      response.end(method === 'HEAD' ? undefined : body);
    }
  });
}

const pauses: number[] = [];
beforeEach(() => {
  pauses.length = 0;
});

function client(host: string): Registry {
  return createRegistry({
    env: {},
    registries: [{ registry: host, username: 'deploy', password: new Secret('registry_password', 'pw') }],
    sleep: (delayMs) => {
      pauses.push(delayMs);
      return Promise.resolve();
    },
  });
}

function image(host: string): ImageRef {
  const parsed = parseImageRef(`${host}/shop/app:1`);
  if (parsed === undefined) throw new Error(`not a registry: ${host}`);
  return parsed;
}

/** Every request, with digests by the names that a fixture gives them, and hosts by theirs. */
function asked(hosts: Readonly<Record<string, string>>, names: Readonly<Record<string, string>>): readonly string[] {
  const all = Object.entries({ ...hosts, ...names }).sort(([one], [other]) => other.length - one.length);
  return servers.requests.map((line) =>
    all.reduce((text, [found, name]) => text.replaceAll(found, name), line).replace('/v2/shop/app/', ''),
  );
}

/** `INDEX`, `amd64`, `amd64.config` … in place of digests. */
function namesOf({ manifests, blobs, tagged }: Documents): Readonly<Record<string, string>> {
  const names: Record<string, string> = {};
  for (const [digest, { body }] of Object.entries(manifests)) {
    const config = (JSON.parse(body) as { readonly config?: { readonly digest: string } }).config?.digest;
    const document = config === undefined ? undefined : blobs[config];
    const name = document === undefined ? 'INDEX' : (JSON.parse(document) as { architecture: string }).architecture;
    names[digest] = name;
    if (config !== undefined) names[config] = `${name}.config`;
  }
  return { ...names, [tagged]: names[tagged] ?? '' };
}

test.each([
  ['schema 2', schema2, 'linux/amd64', 'amd64', ['GET manifests/1']],
  ['a manifest list', manifestList, 'linux/arm64', 'arm64', ['GET manifests/1', 'GET manifests/arm64']],
  ['an OCI index', ociIndex, 'linux/amd64', 'amd64', ['GET manifests/1', 'GET manifests/amd64']],
] as const)(
  '%s: the bytes of its layers for a platform, asked for once',
  async (_, documents, platform, name, lines) => {
    const host = await serve(documents);
    const registry = client(host);
    for (let count = 0; count < 3; count += 1)
      expect([...(await registry.layers(image(host), platform))]).toEqual([[digestOf(name), 5000]]);
    expect(asked({ [`http://${host}`]: '' }, namesOf(documents))).toEqual(lines);
  },
);

test('where layers were asked for in vain, whoever needs the image next asks anew', async () => {
  const refuse: Answer = (_, response) => void response.writeHead(400).end();
  const host = await serve(schema2, { 1: refuse });
  const registry = client(host);
  await expect(registry.layers(image(host))).rejects.toMatchObject({ kind: 'failed' });
  expect((await registry.manifest(image(host))).digest).toBe(schema2.tagged);
});

test('sizes that are none, and layers that are none, are left out', () => {
  const layers = [
    { digest: 'sha256:a', size: 1 },
    { digest: 'sha256:b', size: -1 },
    { digest: 'sha256:c', size: 1.5 },
    { digest: 'sha256:d', size: '7' },
    { digest: 7, size: 7 },
    { digest: 'sha256:e', size: 1e300 },
    null,
    'layer',
  ];
  const of = (body: unknown): ReadonlyMap<string, number> =>
    layersOf({ mediaType: '', digest: '', body: JSON.stringify(body) });
  expect([...of({ layers })]).toEqual([['sha256:a', 1]]);
  for (const body of [{ layers: 7 }, {}, null, [], { layers: { length: 1e9 } }]) expect(of(body).size).toBe(0);
});

test.each<[string, Documents, string | undefined, readonly string[] | undefined, string, readonly string[]]>([
  ['schema 2', schema2, undefined, undefined, 'amd64', ['GET manifests/1', 'GET blobs/amd64.config']],
  ['an OCI image', ociImage, 'linux/amd64', undefined, 'arm64', ['GET manifests/1', 'GET blobs/arm64.config']],
  [
    'a manifest list, for arm64',
    manifestList,
    'linux/arm64',
    ['linux/amd64', 'linux/arm64'],
    'arm64',
    ['GET manifests/1', 'GET manifests/arm64', 'GET blobs/arm64.config'],
  ],
  [
    'an OCI index, for arm64',
    ociIndex,
    'linux/arm64',
    ['linux/amd64', 'linux/arm64'],
    'arm64',
    ['GET manifests/1', 'GET manifests/arm64', 'GET blobs/arm64.config'],
  ],
  [
    'an OCI index that begins with an attestation, for nobody in particular',
    ociIndex,
    undefined,
    ['linux/amd64', 'linux/arm64'],
    'amd64',
    ['GET manifests/1', 'GET manifests/amd64', 'GET blobs/amd64.config'],
  ],
])(
  '%s: its digest, its platforms and its document, each asked for once',
  async (_, documents, platform, platforms, label, more) => {
    const host = await serve(documents);
    const registry = client(host);
    const ref = image(host);
    expect((await registry.resolve(ref)).digest).toBe(documents.tagged);
    expect((await registry.resolve(ref)).digest).toBe(documents.tagged);
    const config = await registry.config(ref, platform);
    expect(config).toEqual({
      platform: `linux/${label}`,
      labels: { for: label },
      createdMs: Date.UTC(2026, label === 'arm64' && platforms !== undefined ? 1 : 0, 1),
    });
    expect(platformsOf(await registry.manifest(ref))).toEqual(platforms);
    expect(asked({ [`http://${host}`]: '' }, namesOf(documents))).toEqual(['HEAD manifests/1', ...more]);
  },
);

test('what is forgotten is asked for anew, once however many ask', async () => {
  const host = await serve(schema2);
  const registry = client(host);
  await registry.resolve(image(host));
  registry.forget();
  await Promise.all([registry.resolve(image(host)), registry.resolve(image(host))]);
  expect(asked({ [`http://${host}`]: '' }, namesOf(schema2))).toEqual(['HEAD manifests/1', 'HEAD manifests/1']);
});

const busy =
  (headers: Readonly<Record<string, string>>): Answer =>
  (_, response) =>
    void response.writeHead(429, { ...headers }).end();

test.each<[string, Readonly<Record<string, string>>, number]>([
  ['seconds', { 'retry-after': '7' }, 7000],
  ['none at all', { 'retry-after': '0' }, 0],
  [
    'a date by its own clock',
    { 'retry-after': 'Sun, 06 Nov 1994 08:49:40 GMT', date: 'Sun, 06 Nov 1994 08:49:37 GMT' },
    3000,
  ],
  ['a date that is past', { 'retry-after': 'Sun, 06 Nov 1994 08:49:37 GMT', date: 'Sun, 06 Nov 1994 08:50:00 GMT' }, 0],
  ['no word of it', {}, 500],
])('429 in the middle, with %s: it is waited for, and asked once more', async (_, headers, pauseMs) => {
  const host = await serve(manifestList, { 3: busy(headers) });
  const registry = client(host);
  await registry.resolve(image(host));
  expect((await registry.config(image(host), 'linux/amd64')).labels).toEqual({ for: 'amd64' });
  expect(asked({ [`http://${host}`]: '' }, namesOf(manifestList))).toEqual([
    'HEAD manifests/1',
    'GET manifests/1',
    'GET manifests/amd64',
    'GET manifests/amd64',
    'GET blobs/amd64.config',
  ]);
  expect(pauses).toEqual([pauseMs]);
});

test('a token that expires between the manifest and the document is renewed, and nothing is asked twice that was answered', async () => {
  let given = 0;
  const tokens = await servers.start('http', '127.0.0.1', (_, response) => {
    given += 1;
    response.end(JSON.stringify({ token: `t${given}`, expires_in: 1 }));
  });
  const challenge = `Bearer realm="http://${tokens}/token",service="s",scope="repository:shop/app:pull"`;
  const refuse: Answer = (_, response) => void response.writeHead(401, { 'www-authenticate': challenge }).end();
  // The first request has no token yet; the third comes when the token has expired.
  const host = await serve(schema2, { 1: refuse, 4: refuse });
  const registry = client(host);
  await registry.resolve(image(host));
  expect((await registry.config(image(host))).labels).toEqual({ for: 'amd64' });
  const basic = Buffer.from('deploy:pw').toString('base64');
  const token = `GET T/token?service=s&scope=repository%3Ashop%2Fapp%3Apull Basic ${basic}`;
  expect(asked({ [`http://${host}`]: '', [`http://${tokens}`]: 'T' }, namesOf(schema2))).toEqual([
    'HEAD manifests/1',
    token,
    'HEAD manifests/1 Bearer t1',
    'GET manifests/1 Bearer t1',
    'GET blobs/amd64.config Bearer t1',
    token,
    'GET blobs/amd64.config Bearer t2',
  ]);
});

test('documents that lie on another host are fetched there without credentials, and are checked by their digest', async () => {
  const document = Object.values(schema2.blobs)[0] ?? '';
  const given = { body: document };
  const store = await servers.start('http', '127.0.0.1', (_, response) => void response.end(given.body));
  const basic = `Basic ${Buffer.from('deploy:pw').toString('base64')}`;
  const refuse: Answer = (_, response) => void response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
  const host = await serve(schema2, { 1: refuse }, () => `http://${store}/bucket`);
  const digest = Object.keys(schema2.blobs)[0] ?? '';
  expect((await client(host).config(image(host))).labels).toEqual({ for: 'amd64' });
  expect(asked({ [`http://${host}`]: '', [`http://${store}`]: 'S' }, namesOf(schema2))).toEqual([
    'GET manifests/1',
    `GET manifests/1 ${basic}`,
    `GET blobs/amd64.config ${basic}`,
    `GET S/bucket/${digest.slice(7, 19)}?signature=x`,
  ]);
  given.body = document.replace('linux', 'minix');
  await expect(client(host).config(image(host))).rejects.toThrow('gave other bytes than those of');
});
