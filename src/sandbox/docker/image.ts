import { sha256 } from '../ids.ts';

/** The part of an image that containers inherit. */
export interface ImageConfig {
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[] | null;
  readonly Cmd: readonly string[] | null;
  readonly ExposedPorts: Readonly<Record<string, Readonly<Record<string, never>>>>;
  /** Paths for which each container gets a volume of its own. */
  readonly Volumes: Readonly<Record<string, Readonly<Record<string, never>>>>;
  readonly Labels: Readonly<Record<string, string>> | null;
}

/** An image as it lies in a registry: two JSON documents, each named by its digest. */
export interface RegistryImage {
  readonly config: ImageConfig;
  readonly createdAt: string;
  readonly configText: string;
  /** Docker's image id. */
  readonly configDigest: string;
  readonly manifestText: string;
  /** What RepoDigests name. */
  readonly manifestDigest: string;
}

/** The only layer of every image; its content is never looked at. */
export const layerText = 'sandbox layer\n';
export const layerDigest = `sha256:${sha256(layerText)}`;
export const manifestType = 'application/vnd.docker.distribution.manifest.v2+json';

const createdAt = '2024-01-01T00:00:00Z';

/** An image of the test program with these variables and volumes; the same ones give the same digest. */
export function buildImage(env: Readonly<Record<string, string>>, volumes: readonly string[] = []): RegistryImage {
  const config: ImageConfig = {
    Env: ['PATH=/bin', ...Object.entries(env).map(([name, value]) => `${name}=${value}`)],
    Entrypoint: ['/app'],
    Cmd: null,
    ExposedPorts: {},
    Volumes: Object.fromEntries(volumes.map((path) => [path, {}])),
    Labels: null,
  };
  const configText = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    created: createdAt,
    config,
    rootfs: { type: 'layers', diff_ids: [layerDigest] },
  });
  const configDigest = `sha256:${sha256(configText)}`;
  const manifestText = JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: {
      mediaType: 'application/vnd.docker.container.image.v1+json',
      size: Buffer.byteLength(configText),
      digest: configDigest,
    },
    layers: [
      {
        mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
        size: Buffer.byteLength(layerText),
        digest: layerDigest,
      },
    ],
  });
  return {
    config,
    createdAt,
    configText,
    configDigest,
    manifestText,
    manifestDigest: `sha256:${sha256(manifestText)}`,
  };
}
