import { Readable } from 'node:stream';
import { formatImageRef, type ImageRef } from '../../model/image.ts';
import type { ArchivedImage, ArchivedLayer } from './image-archive.ts';
import { memberOf, tarEnd, wholeMember } from './tar.ts';

/** The layers of an image that a host lacks. `known`: the layers of each image that it has, from the base up. */
export function missingLayers(
  { layers }: Pick<ArchivedImage, 'layers'>,
  known: readonly (readonly string[])[],
): readonly ArchivedLayer[] {
  // A layer is there only upon the very layers that it was made upon.
  const chains = new Set(known.flatMap((ids) => ids.map((_, index) => ids.slice(0, index + 1).join(' '))));
  const ids = layers.map(({ diffId }) => diffId);
  return layers.filter((_, index) => !chains.has(ids.slice(0, index + 1).join(' ')));
}

/** The sum of what lies behind the headers. */
export function bytesOf(layers: readonly ArchivedLayer[]): number {
  return [...uniqueLayers(layers).values()].reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * An archive for `docker load`: the image's document, its tag, and those of its layers that are sent. Docker does not
 * look for the file of a layer that it has, and checks each that it is given against the document.
 */
export function loadStream(
  path: string,
  image: ArchivedImage,
  { ref, sent }: { readonly ref: ImageRef; readonly sent: readonly ArchivedLayer[] },
): Readable {
  return Readable.from(parts(path, image, ref, sent), { objectMode: false });
}

async function* parts(
  path: string,
  { id, config, layers }: ArchivedImage,
  ref: ImageRef,
  sent: readonly ArchivedLayer[],
): AsyncGenerator<Buffer> {
  const document = `${hexOf(id)}.json`;
  const { digest: _, ...tagged } = ref;
  const tags = ref.tag === undefined ? [] : [formatImageRef(tagged)];
  const manifest = [{ Config: document, RepoTags: tags, Layers: layers.map(fileOf) }];
  yield* wholeMember('manifest.json', Buffer.from(JSON.stringify(manifest)));
  yield* wholeMember(document, config);
  for (const layer of uniqueLayers(sent).values()) yield* memberOf(fileOf(layer), path, layer);
  yield tarEnd;
}

/** The same layer may lie twice upon each other. */
function uniqueLayers(layers: readonly ArchivedLayer[]): ReadonlyMap<string, ArchivedLayer> {
  return new Map(layers.map((layer) => [layer.diffId, layer]));
}

function fileOf({ diffId }: ArchivedLayer): string {
  return `${hexOf(diffId)}/layer.tar`;
}

function hexOf(digest: string): string {
  return digest.replace(/^sha256:/, '');
}
