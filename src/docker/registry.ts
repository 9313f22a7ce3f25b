import { createHash } from 'node:crypto';
import { formatImageRef, imageName, type ImageRef } from '../model/image.ts';
import type { RegistryCredentials } from '../model/play.ts';
import { closestFew } from '../model/closest.ts';
import { findDockerCredentials, type FoundCredentials } from './docker-config.ts';
import { authorize, parseChallenge, unauthorized } from './registry-auth.ts';
import { RegistryError } from './registry-error.ts';
import { RegistryHttp, type RegistryRequest, type RegistryResponse } from './registry-http.ts';

/** A manifest, byte for byte: its digest is over these bytes. */
export interface Manifest {
  readonly mediaType: string;
  /** `sha256:…` */
  readonly digest: string;
  readonly body: string;
}

/** Registries of the Docker Registry HTTP API v2, for the length of one run. Every method rejects with a RegistryError. */
export interface Registry {
  /**
   * The image with the digest that its tag has now; an image with a digest is checked to be there. One request a tag,
   * however many ask. `platform`, as `linux/arm64`, must be among those of a multi-platform image; the digest is then
   * still that of the whole, of which each host takes its own part.
   */
  resolve(image: ImageRef, platform?: string): Promise<ImageRef>;
  manifest(image: ImageRef): Promise<Manifest>;
  /** Gives an image, by digest, another tag within its repository. */
  tag(image: ImageRef, tag: string): Promise<void>;
  /** From the playbook, else from docker's configuration at the controller. */
  credentialsFor(registry: string): Promise<RegistryCredentials | undefined>;
}

export interface RegistryOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the playbook says of registries. */
  readonly registries: readonly RegistryCredentials[];
  readonly sleep?: (delayMs: number) => Promise<unknown>;
}

const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

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

  async tag(image: ImageRef, tag: string): Promise<void> {
    const manifest = await this.manifest(image);
    await this.#client(image.registry).putManifest(image, tag, manifest);
    this.#digests.delete(reference({ registry: image.registry, repository: image.repository, tag }));
  }

  async credentialsFor(registry: string): Promise<RegistryCredentials | undefined> {
    return (await this.#client(registry).credentials()).credentials;
  }

  async #checkPlatform(image: ImageRef, platform: string): Promise<void> {
    const platforms = platformsOf(await this.manifest(image));
    if (platforms === undefined || platforms.some((known) => known === platform || known.startsWith(`${platform}/`)))
      return;
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

/** One registry: its credentials, its tokens, its answers worded. */
class RegistryClient {
  readonly #registry: string;
  readonly #http: RegistryHttp;
  readonly #options: RegistryOptions;
  readonly #authorization = new Map<string, Promise<string | undefined>>();
  #credentials: Promise<FoundCredentials> | undefined;

  constructor(registry: string, options: RegistryOptions) {
    const insecure = options.registries.some((entry) => entry.registry === registry && entry.insecure === true);
    this.#registry = registry;
    this.#options = options;
    this.#http = new RegistryHttp(registry, {
      insecure,
      ...(options.sleep === undefined ? {} : { sleep: options.sleep }),
    });
  }

  credentials(): Promise<FoundCredentials> {
    const own = this.#options.registries.find(
      (entry) => entry.registry === this.#registry && entry.username !== undefined,
    );
    this.#credentials ??=
      own === undefined
        ? findDockerCredentials(this.#registry, this.#options.env)
        : Promise.resolve({ credentials: own });
    return this.#credentials;
  }

  async digest(image: ImageRef): Promise<string> {
    const response = await this.#get('HEAD', image);
    const digest = response.headers['docker-content-digest'];
    if (digest !== undefined && /^sha256:[0-9a-f]{64}$/.test(digest)) return digest;
    // Not every registry says it: the bytes do.
    return (await this.manifest(image)).digest;
  }

  async manifest(image: ImageRef): Promise<Manifest> {
    const { body, headers } = await this.#get('GET', image);
    const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`;
    if (image.digest !== undefined && image.digest !== digest) {
      throw new RegistryError(
        this.#registry,
        'failed',
        `the registry ${this.#registry} gave other bytes than those of ${formatImageRef(image)}: their digest is ${digest}`,
      );
    }
    return { body, digest, mediaType: headers['content-type']?.split(';')[0] ?? manifestTypes[3] ?? '' };
  }

  async putManifest(image: ImageRef, tag: string, manifest: Manifest): Promise<void> {
    const response = await this.#request(
      `/v2/${image.repository}/manifests/${tag}`,
      `repository:${image.repository}:pull,push`,
      {
        method: 'PUT',
        headers: { 'content-type': manifest.mediaType },
        body: manifest.body,
      },
    );
    if (response.status === 401 || response.status === 403) throw await this.#refused();
    if (response.status !== 201 && response.status !== 200)
      throw this.#failed(`tag ${imageName(image)}:${tag}`, response);
  }

  async #get(method: 'GET' | 'HEAD', image: ImageRef): Promise<RegistryResponse> {
    const path = `/v2/${image.repository}/manifests/${image.digest ?? image.tag ?? 'latest'}`;
    const response = await this.#request(path, pullScope(image), {
      method,
      headers: { accept: manifestTypes.join(', ') },
    });
    if (response.status === 200) return response;
    if (response.status === 401 || response.status === 403) throw await this.#refused();
    if (response.status === 404) throw await this.#notFound(image);
    throw this.#failed(`give ${formatImageRef(image)}`, response);
  }

  /** With the authorization that worked before for this scope; asks for a new one when the registry wants it. */
  async #request(path: string, scope: string, request: RegistryRequest): Promise<RegistryResponse> {
    const known = await this.#authorization.get(scope);
    const first = await this.#http.request(path, withAuthorization(request, known));
    if (first.status !== 401) return first;
    const challenge = parseChallenge(first.headers['www-authenticate'] ?? '');
    if (challenge === undefined) return first;
    const { credentials } = await this.credentials();
    const answer = authorize(challenge, scope, credentials, this.#http);
    this.#authorization.set(scope, answer);
    const authorization = await answer;
    return authorization === undefined
      ? first
      : await this.#http.request(path, withAuthorization(request, authorization));
  }

  async #refused(): Promise<RegistryError> {
    const { credentials, trouble } = await this.credentials();
    return unauthorized(this.#registry, credentials, trouble);
  }

  async #notFound(image: ImageRef): Promise<RegistryError> {
    const near = closestFew(image.tag ?? '', await this.#tags(image));
    const hint =
      near.length === 0
        ? 'Check the name and the tag, or push the image.'
        : `Tags that are there and look alike: ${near.join(', ')}.`;
    return new RegistryError(this.#registry, 'not_found', `there is no ${formatImageRef(image)} in ${this.#registry}`, {
      hint,
    });
  }

  /** For the hint of an error only: whatever goes wrong here, there are none. */
  async #tags(image: ImageRef): Promise<readonly string[]> {
    if (image.digest !== undefined) return [];
    try {
      const { status, body } = await this.#request(`/v2/${image.repository}/tags/list?n=500`, pullScope(image), {
        method: 'GET',
      });
      const { tags } = status === 200 ? (JSON.parse(body) as { tags?: unknown }) : { tags: [] };
      return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [];
    } catch {
      return [];
    }
  }

  #failed(action: string, { status, body }: RegistryResponse): RegistryError {
    const detail = body.trim().slice(0, 200);
    return new RegistryError(
      this.#registry,
      'failed',
      `the registry ${this.#registry} did not ${action}: it answered ${status}${detail === '' ? '' : ` (${detail})`}`,
      {
        hint:
          status >= 500 || status === 429
            ? 'The registry has trouble of its own; run again when it is well.'
            : 'Check the name of the image.',
      },
    );
  }
}

/** Platforms of a multi-platform image; `undefined` for one that has a single one and does not say which. */
function platformsOf({ body, mediaType }: Manifest): readonly string[] | undefined {
  if (!/index|list/.test(mediaType)) return undefined;
  const { manifests = [] } = JSON.parse(body) as {
    manifests?: readonly { platform?: { os?: string; architecture?: string; variant?: string } }[];
  };
  return manifests
    .flatMap(({ platform }) => (platform === undefined || platform.os === 'unknown' ? [] : [platform]))
    .map(({ os = '', architecture = '', variant }) =>
      [os, architecture, ...(variant === undefined ? [] : [variant])].join('/'),
    );
}

function once<Value>(cache: Map<string, Promise<Value>>, key: string, make: () => Promise<Value>): Promise<Value> {
  let value = cache.get(key);
  if (value === undefined) {
    value = make();
    cache.set(key, value);
  }
  return value;
}

const pullScope = (image: ImageRef): string => `repository:${image.repository}:pull`;

const reference = (image: Omit<ImageRef, 'written'>): string =>
  `${image.registry}/${image.repository}@${image.digest ?? image.tag ?? 'latest'}`;

function withAuthorization(request: RegistryRequest, authorization: string | undefined): RegistryRequest {
  return authorization === undefined ? request : { ...request, headers: { ...request.headers, authorization } };
}
