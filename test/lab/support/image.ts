import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import pLimit from 'p-limit';
import { programFile, registryAddress, type LabSettings } from './layout.ts';
import { tarOf, type TarEntry } from './tar.ts';

/**
 * Pushes `REPOSITORY:TAG`, an image of the test program whose environment is `env`, to the lab's registry over its
 * HTTP API; no docker daemon has a part in it. APP_VERSION is the tag unless `env` says otherwise. The same arguments
 * make the same digest, and all images share one layer. `layers`: tars of what lies above it.
 */
export async function publishImage(
  lab: LabSettings,
  repository: string,
  tag: string,
  env: Readonly<Record<string, string>> = {},
  { volumes = [], layers = [] }: Beside = {},
): Promise<Published> {
  return await oneAtATime(() => push(lab, repository, tag, env, { volumes, layers }));
}

interface Beside {
  readonly volumes?: readonly string[];
  readonly layers?: readonly Buffer[];
}

export interface Published {
  readonly reference: string;
  readonly digest: string;
  /** Of its layers, as its manifest has them. */
  readonly layerBytes: number;
}

// The registry rewrites a blob's link file in place: of two pushes of the same blob, one may find it empty.
const oneAtATime = pLimit(1);

async function push(
  lab: LabSettings,
  repository: string,
  tag: string,
  env: Readonly<Record<string, string>>,
  { volumes, layers: above }: Required<Beside>,
): Promise<Published> {
  const base = `http://${registryAddress(lab.network)}/v2/${repository}`;
  const layers = [await programLayer(lab), ...above].map(layerOf);
  const diffIds = layers.map(({ diffId }) => diffId);
  const config = blob(JSON.stringify(imageConfig(repository, diffIds, { APP_VERSION: tag, ...env }, volumes)));
  const blobs = layers.map((layer) => layer.blob);
  await Promise.all([...blobs, config].map((each) => putBlob(base, each)));
  const manifest = blob(JSON.stringify(imageManifest(config, blobs)));
  const answer = await fetch(`${base}/manifests/${tag}`, {
    method: 'PUT',
    headers: { 'content-type': manifestType },
    body: manifest.bytes,
    signal: AbortSignal.timeout(30_000),
  });
  await expectStatus(answer, 201);
  return {
    reference: `${registryAddress(lab.network)}/${repository}:${tag}`,
    digest: manifest.digest,
    layerBytes: blobs.reduce((sum, { bytes }) => sum + bytes.length, 0),
  };
}

const manifestType = 'application/vnd.docker.distribution.manifest.v2+json';
const configType = 'application/vnd.docker.container.image.v1+json';
const layerType = 'application/vnd.docker.image.rootfs.diff.tar.gzip';

interface Blob {
  readonly bytes: Buffer;
  readonly digest: string;
}

function blob(content: Buffer | string): Blob {
  const bytes = Buffer.from(content);
  return { bytes, digest: digestOf(bytes) };
}

const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

const layerOf = (tar: Buffer): { readonly blob: Blob; readonly diffId: string } => ({
  blob: blob(gzipSync(tar)),
  diffId: digestOf(tar),
});

/** A layer as a tar: the program, and busybox so that healthchecks, tasks and people have a shell. */
export async function programLayer(lab: LabSettings): Promise<Buffer> {
  const entries: TarEntry[] = [
    ...['bin', 'dev', 'etc', 'proc', 'sys', 'tmp', 'var'].map((path) => ({ kind: 'folder' as const, path })),
    { kind: 'file', path: 'app', mode: 0o755, bytes: await readFile(programFile(lab.name, 'app')) },
    { kind: 'file', path: 'bin/busybox', mode: 0o755, bytes: await readFile('/bin/busybox') },
    ...shellCommands.map((path) => ({ kind: 'link' as const, path: `bin/${path}`, target: 'busybox' })),
    { kind: 'file', path: 'etc/passwd', mode: 0o644, bytes: Buffer.from(passwd) },
    { kind: 'file', path: 'etc/group', mode: 0o644, bytes: Buffer.from('root:x:0:\napp:x:1000:\n') },
  ];
  return tarOf(entries);
}

const passwd = 'root:x:0:0:root:/:/bin/sh\napp:x:1000:1000:app:/tmp:/bin/sh\n';
const shellCommands = [
  'sh',
  'cat',
  'cp',
  'echo',
  'env',
  'false',
  'grep',
  'hostname',
  'id',
  'kill',
  'ls',
  'mkdir',
  'nc',
].concat(['ps', 'rm', 'sed', 'sleep', 'stat', 'test', 'touch', 'true', 'wget']);

/** What such an image says of itself; its layers from the base up. */
export function imageConfig(
  repository: string,
  diffIds: readonly string[],
  env: Readonly<Record<string, string>>,
  volumes: readonly string[],
): object {
  return {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    created: '2024-01-01T00:00:00Z',
    config: {
      Env: ['PATH=/bin', ...Object.entries(env).map(([name, value]) => `${name}=${value}`)],
      Entrypoint: ['/app'],
      WorkingDir: '/',
      ...(volumes.length === 0 ? {} : { Volumes: Object.fromEntries(volumes.map((path) => [path, {}])) }),
    },
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: [{ created: '2024-01-01T00:00:00Z', created_by: `rollout lab: ${repository}` }],
  };
}

function imageManifest(config: Blob, layers: readonly Blob[]): object {
  return {
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: configType, size: config.bytes.length, digest: config.digest },
    layers: layers.map(({ bytes, digest }) => ({ mediaType: layerType, size: bytes.length, digest })),
  };
}

async function putBlob(base: string, { bytes, digest }: Blob): Promise<void> {
  const timeout = { signal: AbortSignal.timeout(30_000) };
  const present = await fetch(`${base}/blobs/${digest}`, { method: 'HEAD', ...timeout });
  if (present.ok) return;
  const begun = await fetch(`${base}/blobs/uploads/`, { method: 'POST', ...timeout });
  await expectStatus(begun, 202);
  const upload = new URL(begun.headers.get('location') ?? '', base);
  upload.searchParams.set('digest', digest);
  const headers = { 'content-type': 'application/octet-stream' };
  await expectStatus(await fetch(upload, { method: 'PUT', headers, body: bytes, ...timeout }), 201);
}

async function expectStatus(response: Response, status: number): Promise<void> {
  const text = await response.text();
  if (response.status !== status)
    throw new Error(`${response.url}: answered ${response.status}, expected ${status}: ${text.slice(0, 500)}`);
}
