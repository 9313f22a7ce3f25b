import { createHash } from 'node:crypto';
import { tarOf, type TarEntry } from '../lab/support/tar.ts';

/** An image for an archive: its document is made for its layers. */
export interface ImageParts {
  /** Tars, from the base up. */
  readonly layers: readonly Buffer[];
  readonly config: (diffIds: readonly string[]) => object;
  /** `registry.example.com/shop/app:1` */
  readonly tag: string;
}

export const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** As `docker save` of docker 20.10 writes it. */
export function dockerArchive({ layers, config, tag }: ImageParts): { readonly tar: Buffer; readonly id: string } {
  const document = Buffer.from(JSON.stringify(config(layers.map(digestOf))));
  const name = `${digestOf(document).slice(7)}.json`;
  const paths = layers.map((_, index) => `layer-${index}/layer.tar`);
  const manifest = [{ Config: name, RepoTags: [tag], Layers: paths }];
  const files: TarEntry[] = [
    ...paths.map((path, index) => file(path, layers[index] ?? Buffer.alloc(0))),
    file(name, document),
    file('manifest.json', Buffer.from(JSON.stringify(manifest))),
  ];
  return { tar: tarOf(files), id: digestOf(document) };
}

/** An OCI layout, with an index in its index as builders write it, and an attestation beside the image. */
export function ociArchive({ layers, config, tag }: ImageParts): { readonly tar: Buffer; readonly id: string } {
  const document = Buffer.from(JSON.stringify(config(layers.map(digestOf))));
  const descriptor = (bytes: Buffer, mediaType: string) => ({ mediaType, digest: digestOf(bytes), size: bytes.length });
  const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));
  const type = (kind: string): string => `application/vnd.oci.image.${kind}+json`;
  const manifest = json({
    schemaVersion: 2,
    config: descriptor(document, type('config.v1')),
    layers: layers.map((layer) => descriptor(layer, 'application/vnd.oci.image.layer.v1.tar')),
  });
  const attested = json({ schemaVersion: 2, config: descriptor(json({}), type('config.v1')), layers: [] });
  const inner = json({
    schemaVersion: 2,
    manifests: [
      { ...descriptor(attested, type('manifest.v1')), platform: { os: 'unknown', architecture: 'unknown' } },
      { ...descriptor(manifest, type('manifest.v1')), platform: { os: 'linux', architecture: 'amd64' } },
    ],
  });
  const name = { 'io.containerd.image.name': tag };
  const index = json({ schemaVersion: 2, manifests: [{ ...descriptor(inner, type('index.v1')), annotations: name }] });
  const blobs = [...layers, document, manifest, attested, inner];
  const files = blobs.map((bytes) => file(`blobs/sha256/${digestOf(bytes).slice(7)}`, bytes));
  const layout = file('oci-layout', json({ imageLayoutVersion: '1.0.0' }));
  return { tar: tarOf([layout, file('index.json', index), ...files]), id: digestOf(document) };
}

function file(path: string, bytes: Buffer): TarEntry {
  return { kind: 'file', path, mode: 0o644, bytes };
}
