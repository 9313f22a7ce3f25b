import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readImageArchive, type ArchivedImage } from '../../../../src/docker/archive/image-archive.ts';
import { bytesOf, loadStream, missingLayers } from '../../../../src/docker/archive/load-stream.ts';
import { parseImageRef, type ImageRef } from '../../../../src/model/image.ts';
import { digestOf, dockerArchive, ociArchive } from '../../../support/image-archives.ts';
import { tarOf, type TarEntry } from '../../../lab/support/tar.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rollout-archive-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const tag = 'registry.example.com/shop/app:1';
const ref = (written = tag): ImageRef => {
  const image = parseImageRef(written);
  if (image === undefined) throw new Error(`${written} is no image`);
  return image;
};
const layers = ['base', 'middle', 'top'].map((text) => Buffer.from(text.repeat(400)));
const config = (diffIds: readonly string[]): object => ({
  os: 'linux',
  architecture: 'arm64',
  rootfs: { type: 'layers', diff_ids: diffIds },
});

async function read(tar: Buffer, wanted = ref()): Promise<ArchivedImage> {
  const path = join(dir, 'image.tar');
  await writeFile(path, tar);
  const file = await open(path);
  try {
    return await readImageArchive(file, wanted);
  } finally {
    await file.close();
  }
}

async function loaded(image: ArchivedImage, sent: ArchivedImage['layers']): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of loadStream(join(dir, 'image.tar'), image, { ref: ref(), sent }))
    chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

test.each([
  ['docker save', dockerArchive],
  ['the OCI layout', ociArchive],
])('an image is found in an archive of %s, and what is sent of it is an archive of the same image', async (_, form) => {
  const { tar, id } = form({ layers, config, tag });
  const image = await read(tar);
  expect([image.id, image.platform, image.layers.map(({ diffId }) => diffId)]).toEqual([
    id,
    'linux/arm64',
    layers.map(digestOf),
  ]);
  const again = await read(await loaded(image, image.layers));
  expect(again).toMatchObject({ id, config: image.config });
  expect(again.layers.map(({ bytes }) => bytes)).toEqual(layers.map(({ length }) => length));
  expect(bytesOf(image.layers)).toBe(Buffer.concat(layers).length);
});

test('only layers that a host lacks are sent: one that lies upon others is not the same', async () => {
  const image = await read(dockerArchive({ layers, config, tag }).tar);
  const [base = '', middle = '', top = ''] = layers.map(digestOf);
  const names = new Map([
    [base, 'base'],
    [middle, 'middle'],
    [top, 'top'],
  ]);
  const missing = (known: readonly (readonly string[])[]): string =>
    missingLayers(image, known)
      .map(({ diffId }) => names.get(diffId) ?? diffId)
      .join(' ');
  expect(missing([])).toBe('base middle top');
  expect(missing([[], [base]])).toBe('middle top');
  expect(missing([[base, middle], ['x']])).toBe('top');
  expect(missing([[base, middle, top, 'more']])).toBe('');
  expect(missing([[middle, base, top]])).toBe('base middle top');
  expect(missing([['x', base, middle, top]])).toBe('base middle top');
  const sent = missingLayers(image, [[base, middle]]);
  const tar = await loaded(image, sent);
  expect(tar.includes('toptop')).toBe(true);
  expect(tar.includes('basebase')).toBe(false);
});

const file = (path: string, text: string | Buffer): TarEntry => ({
  kind: 'file',
  path,
  mode: 0o644,
  bytes: Buffer.from(text),
});
const two = JSON.stringify([
  { Config: 'a.json', RepoTags: ['a:1'], Layers: [] },
  { Config: 'b.json', RepoTags: ['b:1', 'c:2'], Layers: [] },
]);

test.each<[string, Buffer, string]>([
  ['no archive', Buffer.from('hello'.repeat(200)), 'it is no tar archive'],
  ['an empty file', Buffer.alloc(0), 'it is neither of docker save nor of the OCI layout'],
  [
    'a compressed one',
    Buffer.concat([Buffer.from([0x1f, 0x8b, 8]), Buffer.alloc(600, 7)]),
    'it is compressed: unpack it with gunzip first',
  ],
  ['one of something else', tarOf([file('README', 'x')]), 'it is neither of docker save nor of the OCI layout'],
  ['one that was broken off', dockerArchive({ layers, config, tag }).tar.subarray(0, 1800), 'it ends in its middle'],
  ['other images', tarOf([file('manifest.json', two)]), `it does not hold ${tag}, but a:1, b:1, c:2`],
  [
    'an image that is not there',
    tarOf([file('manifest.json', '[{"Config":"x.json","Layers":[]}]')]),
    'it has no x.json',
  ],
  [
    'a layer too few',
    tarOf([
      file('manifest.json', '[{"Config":"x.json","Layers":["l"]}]'),
      file('x.json', JSON.stringify(config(['sha256:1', 'sha256:2']))),
      file('l', ''),
    ]),
    'its image has 1 layers, and speaks of 2',
  ],
  [
    'a damaged blob',
    tarOf([
      file('index.json', JSON.stringify({ manifests: [{ digest: `sha256:${'0'.repeat(64)}` }] })),
      file(`blobs/sha256/${'0'.repeat(64)}`, '{}'),
    ]),
    `its sha256:${'0'.repeat(64)} is damaged`,
  ],
  [
    'several platforms',
    tarOf([
      file(
        'index.json',
        JSON.stringify({
          manifests: ['amd64', 'arm64'].map((architecture) => ({
            digest: 'x',
            platform: { os: 'linux', architecture },
          })),
        }),
      ),
    ]),
    'it holds 2 images (linux/amd64, linux/arm64): save the one that is wanted',
  ],
])('%s is told', async (_, tar, words) => {
  await expect(read(tar)).rejects.toThrow(words);
});

test('a layer that is a link to another one, as older dockers save it, is that one', async () => {
  const [base = Buffer.alloc(0)] = layers;
  const document = JSON.stringify(config([digestOf(base), digestOf(base)]));
  const manifest = '[{"Config":"x.json","RepoTags":null,"Layers":["1/layer.tar","2/layer.tar"]}]';
  const image = await read(
    tarOf([
      file('1/layer.tar', base),
      { kind: 'link', path: '2/layer.tar', target: '../1/layer.tar' },
      file('x.json', document),
      file('manifest.json', manifest),
    ]),
  );
  expect(image.layers.map(({ bytes }) => bytes)).toEqual([base.length, base.length]);
  expect(bytesOf(image.layers)).toBe(base.length);
});
