import type { Manifest } from './registry-manifest.ts';
import { parseJson } from './registry-words.ts';

/** What an image says of itself. */
export interface ImageConfig {
  /** `linux/arm64/v8` */
  readonly platform: string;
  readonly labels: Readonly<Record<string, string>>;
  /** When it was made, as it says itself, in epoch milliseconds; absent where it does not say. */
  readonly createdMs?: number;
}

/** In a multi-platform image the digest of the part for a platform, or of the first part; undefined where there are none. */
export function manifestOfPlatform({ body }: Manifest, platform: string | undefined): string | undefined {
  const { manifests } = recordOf(parseJson(body));
  if (!Array.isArray(manifests)) return undefined;
  const parts = (manifests as readonly unknown[]).map(recordOf).filter((part) => {
    const { os } = recordOf(part['platform']);
    // Attestations call their platform unknown.
    return os !== 'unknown' && isDigest(part['digest']);
  });
  const found = parts.find((part) => platform === undefined || isFor(platformOf(recordOf(part['platform'])), platform));
  return found?.['digest'] as string | undefined;
}

/** The digest of a single image's own document. */
export function configDigestOf({ body }: Manifest): string | undefined {
  const { digest } = recordOf(recordOf(parseJson(body))['config']);
  return isDigest(digest) ? digest : undefined;
}

/** Undefined for what is no such document. */
export function parseImageConfig(text: string): ImageConfig | undefined {
  const document = recordOf(parseJson(text));
  const platform = platformOf(document);
  if (!platform.includes('/')) return undefined;
  const labels = Object.entries(recordOf(recordOf(document['config'])['Labels']));
  const texts = labels.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  const created = typeof document['created'] === 'string' ? Date.parse(document['created']) : Number.NaN;
  return { platform, labels: Object.fromEntries(texts), ...(Number.isNaN(created) ? {} : { createdMs: created }) };
}

/** Whether an image of one platform is good for a host of another: `linux/arm64/v8` for `linux/arm64`. */
export function isFor(platform: string, wanted: string): boolean {
  return platform === wanted || platform.startsWith(`${wanted}/`);
}

function platformOf(document: Readonly<Record<string, unknown>>): string {
  const parts = [document['os'], document['architecture'], document['variant']];
  return parts.filter((part) => typeof part === 'string' && part !== '').join('/');
}

function isDigest(value: unknown): value is string {
  return typeof value === 'string' && /^sha256:[0-9a-f]{64}$/.test(value);
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}
