import { formatImageRef, type ImageRef } from '../model/image.ts';
import type { RegistryCredentials } from '../model/play.ts';
import { RegistryClient, type RegistryOptions } from './registry-client.ts';
import { configDigestOf, isFor, manifestOfPlatform, parseImageConfig, type ImageConfig } from './registry-config.ts';
import { RegistryError } from './registry-error.ts';
import { layersOf, platformsOf, type Manifest } from './registry-manifest.ts';

/** Registries of the Docker Registry HTTP API v2, for the length of one run. Every method rejects with a RegistryError. */
export interface Registry {
  /**
   * The image with the digest that its tag has now; an image with a digest is checked to be there. One request a tag,
   * however many ask. `platform`, as `linux/arm64`, must be among those of a multi-platform image; the digest is then
   * still that of the whole, of which each host takes its own part.
   */
  resolve(image: ImageRef, platform?: string): Promise<ImageRef>;
  manifest(image: ImageRef): Promise<Manifest>;
  /** What the image says of itself; of a multi-platform one the part for `platform`, or without it the first. */
  config(image: ImageRef, platform?: string): Promise<ImageConfig>;
  /** Bytes of each layer by its digest, of the part for `platform`. A failure is not remembered. */
  layers(image: ImageRef, platform?: string): Promise<ReadonlyMap<string, number>>;
  /** Gives an image, by digest, another tag within its repository. */
  tag(image: ImageRef, tag: string): Promise<void>;
  /** From now on tags are asked for anew; logins and tokens stay. */
  forget(): void;
  /** From the playbook, else from docker's configuration at the controller. */
  credentialsFor(registry: string): Promise<RegistryCredentials | undefined>;
}

export type { RegistryOptions };

export function createRegistry(options: RegistryOptions): Registry {
  return new HttpRegistry(options);
}

class HttpRegistry implements Registry {
  readonly #options: RegistryOptions;
  readonly #clients = new Map<string, RegistryClient>();
  readonly #digests = new Map<string, Promise<string>>();
  readonly #manifests = new Map<string, Promise<Manifest>>();

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  async resolve(image: ImageRef, platform?: string): Promise<ImageRef> {
    const digest = await once(this.#digests, reference(image), () => this.#client(image.registry).digest(image));
    const resolved = { ...image, digest };
    if (platform !== undefined) await this.#checkPlatform(resolved, platform);
    return resolved;
  }

  manifest(image: ImageRef): Promise<Manifest> {
    return once(this.#manifests, reference(image), () => this.#client(image.registry).manifest(image));
  }

  async layers(image: ImageRef, platform?: string): Promise<ReadonlyMap<string, number>> {
    return layersOf(await this.#part(image, platform, (of) => this.#triedManifest(of)));
  }

  /** Nobody needs it: the next one who does asks for himself. */
  async #triedManifest(image: ImageRef): Promise<Manifest> {
    const asked = this.manifest(image);
    return await asked.catch((error: unknown) => {
      if (this.#manifests.get(reference(image)) === asked) this.#manifests.delete(reference(image));
      throw error;
    });
  }

  /** Of a multi-platform image the part for a platform. */
  async #part(
    image: ImageRef,
    platform: string | undefined,
    read: (image: ImageRef) => Promise<Manifest>,
  ): Promise<Manifest> {
    const whole = await read(image);
    const digest = manifestOfPlatform(whole, platform);
    return digest === undefined ? whole : await read({ ...image, digest });
  }

  async config(image: ImageRef, platform?: string): Promise<ImageConfig> {
    const manifest = await this.#part(image, platform, (of) => this.manifest(of));
    const digest = configDigestOf(manifest);
    const config =
      digest === undefined ? undefined : parseImageConfig(await this.#client(image.registry).blob(image, digest));
    if (config !== undefined) return config;
    const message = `the registry ${image.registry} does not say what ${formatImageRef(image)} is made for`;
    throw new RegistryError(image.registry, 'failed', message);
  }

  async tag(image: ImageRef, tag: string): Promise<void> {
    const manifest = await this.manifest(image);
    await this.#client(image.registry).putManifest(image, tag, manifest);
    const { registry, repository } = image;
    for (const cache of [this.#digests, this.#manifests]) cache.delete(reference({ registry, repository, tag }));
  }

  forget(): void {
    this.#digests.clear();
    this.#manifests.clear();
  }

  async credentialsFor(registry: string): Promise<RegistryCredentials | undefined> {
    return (await this.#client(registry).credentials()).credentials;
  }

  async #checkPlatform(image: ImageRef, platform: string): Promise<void> {
    const platforms = platformsOf(await this.manifest(image));
    if (platforms === undefined || platforms.some((known) => isFor(known, platform))) return;
    throw new RegistryError(
      image.registry,
      'platform_missing',
      `${formatImageRef(image)} has no image for ${platform}; it has ${platforms.join(', ')}`,
      { hint: `Push an image for ${platform}, or leave the hosts of that platform out.` },
    );
  }

  #client(registry: string): RegistryClient {
    let client = this.#clients.get(registry);
    if (client === undefined) {
      client = new RegistryClient(registry, this.#options);
      this.#clients.set(registry, client);
    }
    return client;
  }
}

function once<Value>(cache: Map<string, Promise<Value>>, key: string, make: () => Promise<Value>): Promise<Value> {
  let value = cache.get(key);
  if (value === undefined) {
    value = make();
    cache.set(key, value);
  }
  return value;
}

const reference = (image: Omit<ImageRef, 'written'>): string =>
  `${image.registry}/${image.repository}@${image.digest ?? image.tag ?? 'latest'}`;
