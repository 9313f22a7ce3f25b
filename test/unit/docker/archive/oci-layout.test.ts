import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readImageArchive, type ArchivedImage } from '../../../../src/docker/archive/image-archive.ts';
import { ociStream, readOciImage } from '../../../../src/docker/archive/oci-layout.ts';
import { indexTar, readAt } from '../../../../src/docker/archive/tar.ts';
import { parseImageRef, type ImageRef } from '../../../../src/model/image.ts';
import { digestOf, dockerArchive, ociArchive } from '../../../support/image-archives.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rollout-layout-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const tag = 'registry.example.com/shop/app:1';
const ref = (written: string): ImageRef => parseImageRef(written) as ImageRef;
const layers = ['base', 'top'].map((text) => Buffer.from(text.repeat(400)));
const config = (diffIds: readonly string[]): object => ({
  os: 'linux',
  architecture: 'amd64',
  rootfs: { type: 'layers', diff_ids: diffIds },
});

async function read(name: string, tar: Buffer): Promise<{ readonly path: string; readonly image: ArchivedImage }> {
  const path = join(dir, name);
  await writeFile(path, tar);
  const file = await open(path);
  try {
    return { path, image: await readImageArchive(file, ref(tag)) };
  } finally {
    await file.close();
  }
}

/** What is sent of the image, by its path in the archive; documents as what they say. */
async function sent(
  name: string,
  tar: Buffer,
  { written = tag, from = 0 } = {},
): Promise<{ readonly id: string; readonly tar: Buffer; readonly files: ReadonlyMap<string, Buffer> }> {
  const { path, image } = await read(name, tar);
  const stored = await readOciImage(path, image);
  const chunks: Buffer[] = [];
  const stream = ociStream(path, stored, { ref: ref(written), sent: image.layers.slice(from) });
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  const archive = join(dir, `${name}-sent`);
  await writeFile(archive, Buffer.concat(chunks));
  const file = await open(archive);
  try {
    const members = [...(await indexTar(file))];
    const files = await Promise.all(
      members.map(async ([member, { offset, bytes }]) => [member, await readAt(file, offset, bytes)] as const),
    );
    return { id: stored.id, tar: Buffer.concat(chunks), files: new Map(files) };
  } finally {
    await file.close();
  }
}

const blob = (digest: string): string => `blobs/sha256/${digest.slice(7)}`;
const said = (files: ReadonlyMap<string, Buffer>, path: string): unknown =>
  JSON.parse((files.get(path) ?? Buffer.from('null')).toString('utf8'));

test('the same image is the same manifest, whichever archive it comes from, and what is sent is that image', async () => {
  const docker = dockerArchive({ layers, config, tag });
  const one = await sent('docker', docker.tar);
  const other = await sent('oci', ociArchive({ layers, config, tag }).tar);
  expect(other.id).toBe(one.id);
  expect([...one.files.keys()]).toEqual([
    'oci-layout',
    'index.json',
    blob(one.id),
    blob(docker.id),
    ...layers.map((layer) => blob(digestOf(layer))),
  ]);
  expect(digestOf(one.files.get(blob(one.id)) ?? Buffer.alloc(0))).toBe(one.id);
  expect(said(one.files, blob(one.id))).toEqual({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: docker.id,
      size: one.files.get(blob(docker.id))?.length,
    },
    layers: layers.map((layer) => ({
      mediaType: 'application/vnd.oci.image.layer.v1.tar',
      digest: digestOf(layer),
      size: layer.length,
    })),
  });
  expect((await read('again', one.tar)).image).toMatchObject({ id: docker.id });
});

test('what a host has is left out of the archive, and named in the manifest all the same', async () => {
  const { tar } = dockerArchive({ layers, config, tag });
  const [base, top] = layers.map((layer) => blob(digestOf(layer)));
  const { files, id } = await sent('part', tar, { from: 1 });
  expect([files.has(base ?? ''), files.has(top ?? '')]).toEqual([false, true]);
  expect((await sent('all', tar)).id).toBe(id);
  const none = await sent('none', tar, { from: 2 });
  expect([none.files.has(base ?? ''), none.files.has(top ?? '')]).toEqual([false, false]);
});

test.each([
  ['registry.example.com/shop/app:1', { 'io.containerd.image.name': 'registry.example.com/shop/app:1' }],
  ['nginx:1', { 'io.containerd.image.name': 'docker.io/library/nginx:1' }],
  ['shop/app', { 'io.containerd.image.name': 'docker.io/shop/app:latest' }],
  [`shop/app:1@sha256:${'1'.repeat(64)}`, { 'io.containerd.image.name': 'docker.io/shop/app:1' }],
  [`shop/app@sha256:${'1'.repeat(64)}`, {}],
])('%s gets the name that containerd has for it', async (written, annotations) => {
  const { files, id } = await sent('named', dockerArchive({ layers, config, tag }).tar, { written });
  expect(said(files, 'index.json')).toMatchObject({
    manifests: [{ digest: id, annotations: { ...annotations, 'rollout.layers': layers.map(digestOf).join(' ') } }],
  });
});

test.each([
  ['gzip', gzipSync(Buffer.alloc(500, 'a')), '+gzip'],
  ['zstd', Buffer.concat([Buffer.from('28b52ffd', 'hex'), Buffer.alloc(50)]), '+zstd'],
  ['nothing', Buffer.alloc(600), ''],
  ['no bytes', Buffer.alloc(0), ''],
])('a layer that is packed with %s is named by its file, and said to be so', async (_, packed, suffix) => {
  const unpacked = digestOf(Buffer.from('as unpacked'));
  const { tar } = dockerArchive({ layers: [packed], config: () => config([unpacked]), tag });
  const { files, id } = await sent('packed', tar);
  expect(said(files, blob(id))).toMatchObject({
    layers: [{ mediaType: `application/vnd.oci.image.layer.v1.tar${suffix}`, digest: digestOf(packed) }],
  });
  expect(files.get(blob(digestOf(packed)))).toEqual(packed);
});
