import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type { ImageRef } from '../../model/image.ts';
import { digestOf, type ArchivedImage, type ArchivedLayer } from './image-archive.ts';
import { memberOf, tarEnd, wholeMember } from './tar.ts';

/** An image as a store of blobs keeps it: a manifest, the image's document, and its layers by the digests of their files. */
export interface OciImage {
  /** Digest of the manifest: by this docker calls an image in containerd's store. */
  readonly id: string;
  readonly manifest: Buffer;
  readonly config: Buffer;
  /** From the base up. */
  readonly layers: readonly OciLayer[];
}

interface OciLayer extends ArchivedLayer {
  /** `sha256:…` of its file, compressed or not. */
  readonly digest: string;
}

const mediaType = (kind: string): string => `application/vnd.oci.image.${kind}`;

/** The same image in the same archive always has the same manifest. Reads every layer once. */
export async function readOciImage(path: string, { config, id, layers }: ArchivedImage): Promise<OciImage> {
  const read = new Map<string, { readonly digest: string; readonly suffix: string }>();
  for (const layer of layers) if (!read.has(layer.diffId)) read.set(layer.diffId, await readLayer(path, layer));
  const described = layers.map((layer) => ({ ...layer, ...(read.get(layer.diffId) ?? { digest: '', suffix: '' }) }));
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaType('manifest.v1+json'),
      config: { mediaType: mediaType('config.v1+json'), digest: id, size: config.length },
      layers: described.map(({ digest, bytes, suffix }) => ({
        mediaType: mediaType(`layer.v1.tar${suffix}`),
        digest,
        size: bytes,
      })),
    }),
  );
  return { id: digestOf(manifest), manifest, config, layers: described };
}

/** By which a host's docker tells, of each image that was sent to it, the files of its layers. */
const layersNote = 'rollout.layers';

/**
 * The layers of an image whose files a host lacks. `descriptors`: what its docker says of each image. A layer that came
 * from a registry is kept there compressed, by another digest: it is none of these.
 */
export function missingFiles({ layers }: OciImage, descriptors: readonly unknown[]): readonly OciLayer[] {
  const known = new Set(
    descriptors.flatMap((each) => textOf(fieldOf(fieldOf(each, 'annotations'), layersNote)).split(' ')),
  );
  return layers.filter(({ digest }) => !known.has(digest));
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/**
 * An archive for the `docker load` of a docker with containerd's store: an OCI layout with those of the image's layers
 * that are sent. What the store has already need not lie in the archive.
 */
export function ociStream(
  path: string,
  image: OciImage,
  { ref, sent }: { readonly ref: ImageRef; readonly sent: readonly Pick<ArchivedLayer, 'diffId'>[] },
): Readable {
  return Readable.from(parts(path, image, ref, new Set(sent.map(({ diffId }) => diffId))), { objectMode: false });
}

async function* parts(
  path: string,
  { id, manifest, config, layers }: OciImage,
  ref: ImageRef,
  sent: ReadonlySet<string>,
): AsyncGenerator<Buffer> {
  // Containerd knows no short names: `docker.io/library/nginx:1`.
  const name = ref.tag === undefined ? undefined : `${ref.registry}/${ref.repository}:${ref.tag}`;
  const annotations = {
    ...(name === undefined ? {} : { 'io.containerd.image.name': name }),
    [layersNote]: [...new Set(layers.map(({ digest }) => digest))].join(' '),
  };
  const descriptor = { mediaType: mediaType('manifest.v1+json'), digest: id, size: manifest.length, annotations };
  yield* wholeMember('oci-layout', json({ imageLayoutVersion: '1.0.0' }));
  yield* wholeMember('index.json', json({ schemaVersion: 2, manifests: [descriptor] }));
  yield* wholeMember(fileOf(id), manifest);
  yield* wholeMember(fileOf(digestOf(config)), config);
  const files = new Map(layers.filter(({ diffId }) => sent.has(diffId)).map((layer) => [layer.digest, layer]));
  for (const [digest, layer] of files) yield* memberOf(fileOf(digest), path, layer);
  yield tarEnd;
}

async function readLayer(
  path: string,
  { offset, bytes }: ArchivedLayer,
): Promise<{ readonly digest: string; readonly suffix: string }> {
  const hash = createHash('sha256');
  let start: Buffer | undefined;
  if (bytes > 0) {
    for await (const chunk of createReadStream(path, {
      start: offset,
      end: offset + bytes - 1,
    }) as AsyncIterable<Buffer>) {
      start ??= chunk.subarray(0, 4);
      hash.update(chunk);
    }
  }
  return { digest: `sha256:${hash.digest('hex')}`, suffix: compressionOf(start) };
}

function compressionOf(start: Buffer | undefined): '' | '+gzip' | '+zstd' {
  const magic = start?.toString('hex') ?? '';
  return magic.startsWith('1f8b') ? '+gzip' : magic === '28b52ffd' ? '+zstd' : '';
}

function fileOf(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}
