import { createHash } from 'node:crypto';
import type { RegistryResponse } from './registry-http.ts';
import { parseJson } from './registry-words.ts';

/** A manifest, byte for byte: its digest is over these bytes. */
export interface Manifest {
  readonly mediaType: string;
  /** `sha256:…` */
  readonly digest: string;
  readonly body: string;
}

const ociIndex = 'application/vnd.oci.image.index.v1+json';
const ociManifest = 'application/vnd.oci.image.manifest.v1+json';

/** OCI index, Docker's manifest list, OCI manifest, Docker's schema 2. */
export const manifestTypes: readonly string[] = [
  ociIndex,
  'application/vnd.docker.distribution.manifest.list.v2+json',
  ociManifest,
  'application/vnd.docker.distribution.manifest.v2+json',
];

/** The answer to a HEAD that can be believed: a manifest's type, and its digest. `undefined`: the bytes must be asked for. */
export function digestOfHead({ headers }: RegistryResponse): string | undefined {
  const digest = headers['docker-content-digest'] ?? '';
  return manifestTypes.includes(typeOf(headers)) && /^sha256:[0-9a-f]{64}$/.test(digest) ? digest : undefined;
}

/** A manifest, or why the bytes are none. */
export function parseManifest({ body: bytes, headers }: RegistryResponse): Manifest | { readonly trouble: string } {
  const body = bytes.toString('utf8');
  const parsed = parseJson(body);
  if (!isRecord(parsed) || !Buffer.from(body).equals(bytes)) return { trouble: 'what it gave is no manifest' };
  if (parsed['schemaVersion'] === 1)
    return { trouble: 'the image is of schema 1, which docker does not pull any more; push it again' };
  if (parsed['schemaVersion'] !== 2) return { trouble: 'what it gave is no manifest' };
  // A document that is both would be read as one thing here and as another by a host.
  if ('manifests' in parsed && ('layers' in parsed || 'config' in parsed))
    return { trouble: 'what it gave is a manifest and a list of manifests at once' };
  const said = [typeOf(headers), parsed['mediaType']];
  const mediaType = manifestTypes.find((type) => type === said[0]) ?? manifestTypes.find((type) => type === said[1]);
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return { body, digest, mediaType: mediaType ?? ('manifests' in parsed ? ociIndex : ociManifest) };
}

/** Platforms of a multi-platform image; `undefined` for one that has a single one and does not say which. */
export function platformsOf({ body }: Manifest): readonly string[] | undefined {
  const parsed = parseJson(body);
  const manifests = isRecord(parsed) ? parsed['manifests'] : undefined;
  if (!Array.isArray(manifests)) return undefined;
  return (manifests as readonly unknown[]).flatMap((entry) => {
    const platform = isRecord(entry) ? entry['platform'] : undefined;
    // Attestations call their platform unknown.
    if (!isRecord(platform) || platform['os'] === 'unknown') return [];
    const parts = [platform['os'], platform['architecture'], platform['variant']];
    return [parts.filter((part) => typeof part === 'string' && part !== '').join('/')];
  });
}

/** Of a single image: its layers by their digests, with the bytes that are sent for each; empty where it does not say. */
export function layersOf({ body }: Manifest): ReadonlyMap<string, number> {
  const parsed = parseJson(body);
  const layers = isRecord(parsed) && Array.isArray(parsed['layers']) ? (parsed['layers'] as readonly unknown[]) : [];
  const sizes = new Map<string, number>();
  for (const layer of layers) {
    const { digest, size } = isRecord(layer) ? layer : {};
    if (typeof digest === 'string' && typeof size === 'number' && Number.isSafeInteger(size) && size >= 0)
      sizes.set(digest, size);
  }
  return sizes;
}

function typeOf(headers: RegistryResponse['headers']): string {
  return headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? '';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
