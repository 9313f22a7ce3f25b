import { createHash } from 'node:crypto';
import { closestFew } from '../model/closest.ts';
import { formatImageRef, imageName, type ImageRef } from '../model/image.ts';
import type { RegistryCredentials } from '../model/play.ts';
import type { Secret } from '../model/secret.ts';
import { findDockerCredentials, type FoundCredentials } from './docker-config.ts';
import { authorize } from './registry-auth.ts';
import { parseChallenge, type Challenge } from './registry-challenge.ts';
import { RegistryError } from './registry-error.ts';
import type { Surroundings } from './registry-exchange.ts';
import { RegistryHttp, type RegistryRequest, type RegistryResponse } from './registry-http.ts';
import { digestOfHead, manifestTypes, parseManifest, type Manifest } from './registry-manifest.ts';
import { rateLimited, refusedAction, webPage } from './registry-refusal.ts';
import { isWebPage, parseJson, wordsOfAnswer } from './registry-words.ts';

export interface RegistryOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the playbook says of registries. */
  readonly registries: readonly RegistryCredentials[];
  /** Told of every credential and token as soon as there is one: before anything is sent with it. */
  readonly onSecret?: (secret: Secret) => void;
  readonly sleep?: (delayMs: number) => Promise<unknown>;
  readonly surroundings?: Surroundings;
}

/** One registry: its credentials, its tokens, its answers worded. */
export class RegistryClient {
  readonly #registry: string;
  readonly #http: RegistryHttp;
  readonly #options: RegistryOptions;
  readonly #onSecret: (secret: Secret) => void;
  readonly #authorization = new Map<string, Promise<string | undefined>>();
  #credentials: Promise<FoundCredentials> | undefined;

  constructor(registry: string, options: RegistryOptions) {
    const { registries, sleep, surroundings } = options;
    this.#registry = registry;
    this.#options = options;
    this.#onSecret = options.onSecret ?? (() => undefined);
    this.#http = new RegistryHttp(registry, {
      env: options.env,
      isInsecure: (host) => registries.some((entry) => isSame(entry.registry, host) && entry.insecure === true),
      onSecret: this.#onSecret,
      ...(sleep === undefined ? {} : { sleep }),
      ...(surroundings === undefined ? {} : { surroundings }),
    });
  }

  credentials(): Promise<FoundCredentials> {
    this.#credentials ??= this.#findCredentials();
    return this.#credentials;
  }

  async #findCredentials(): Promise<FoundCredentials> {
    const own = this.#options.registries.find(
      (entry) => isSame(entry.registry, this.#registry) && entry.username !== undefined,
    );
    if (own !== undefined) return { credentials: own };
    const { secrets = [], ...found } = await findDockerCredentials(this.#registry, this.#options.env);
    for (const secret of secrets) this.#onSecret(secret);
    return found;
  }

  async digest(image: ImageRef): Promise<string> {
    const response = await this.#read('HEAD', image);
    const { status } = response;
    const digest = status === 200 ? digestOfHead(response) : undefined;
    if (digest !== undefined) return digest;
    // Not every registry says it, or knows HEAD: the bytes tell. And an answer to HEAD has no words; after a 401 they
    // would cost another try of a password that may be wrong.
    if ([200, 403, 404, 405, 429, 501].includes(status)) return (await this.manifest(image, status !== 429)).digest;
    throw await this.#refusal(image, response);
  }

  async manifest(image: ImageRef, isPatient = true): Promise<Manifest> {
    const response = await this.#read('GET', image, isPatient);
    if (response.status !== 200) throw await this.#refusal(image, response);
    if (isWebPage(response)) throw webPage(this.#registry, response);
    const manifest = parseManifest(response);
    if ('trouble' in manifest) {
      const message = `the registry ${this.#registry} did not give ${formatImageRef(image)}: ${manifest.trouble}`;
      throw new RegistryError(this.#registry, 'failed', message);
    }
    const { digest } = manifest;
    if (image.digest !== undefined && image.digest !== digest) {
      throw new RegistryError(
        this.#registry,
        'failed',
        `the registry ${this.#registry} gave other bytes than those of ${formatImageRef(image)}: their digest is ${digest}`,
      );
    }
    return manifest;
  }

  /** A small document of an image, byte for byte; it may lie on another host, which gets no credentials. */
  async blob(image: ImageRef, digest: string): Promise<string> {
    const path = `/v2/${image.repository}/blobs/${digest}`;
    const response = await this.#request(path, pullScope(image), { method: 'GET' });
    if (response.status !== 200)
      throw await this.#failure(`pull ${image.repository}`, `give ${digest} of ${formatImageRef(image)}`, response);
    if (isWebPage(response)) throw webPage(this.#registry, response);
    const found = `sha256:${createHash('sha256').update(response.body).digest('hex')}`;
    if (found === digest) return response.body.toString('utf8');
    const message = `the registry ${this.#registry} gave other bytes than those of ${digest}: their digest is ${found}`;
    throw new RegistryError(this.#registry, 'failed', message);
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
    if (response.status === 201 || response.status === 200) return;
    throw await this.#failure(`push to ${image.repository}`, `tag ${imageName(image)}:${tag}`, response);
  }

  #read(method: 'GET' | 'HEAD', image: ImageRef, isPatient = true): Promise<RegistryResponse> {
    const path = `/v2/${image.repository}/manifests/${image.digest ?? image.tag ?? 'latest'}`;
    return this.#request(path, pullScope(image), { method, headers: { accept: manifestTypes.join(', ') }, isPatient });
  }

  async #refusal(image: ImageRef, response: RegistryResponse): Promise<RegistryError> {
    if (response.status === 404 && !isWebPage(response)) return await this.#notFound(image);
    return await this.#failure(`pull ${image.repository}`, `give ${formatImageRef(image)}`, response);
  }

  /**
   * With the authorization that worked before for this scope; asks for a new one when the registry wants it, as when a
   * token has expired in the middle.
   */
  async #request(path: string, scope: string, request: RegistryRequest): Promise<RegistryResponse> {
    const known = this.#authorization.get(scope);
    const first = await this.#http.request(path, withAuthorization(request, await known));
    if (first.status !== 401) return first;
    if (!first.isOwn) throw this.#misled(first);
    const challenge = parseChallenge(first.headers['www-authenticate'] ?? '');
    if (challenge === undefined) return first;
    // Of several that were turned away together, one asks for all.
    if (this.#authorization.get(scope) === known) this.#authorization.set(scope, this.#authorize(challenge, scope));
    const answer = this.#authorization.get(scope);
    const authorization = await answer?.catch((error: unknown) => {
      // Whoever asks next tries again.
      if (this.#authorization.get(scope) === answer) this.#authorization.delete(scope);
      throw error;
    });
    if (authorization === undefined) return first;
    const second = await this.#http.request(path, withAuthorization(request, authorization));
    if (second.status === 401 && !second.isOwn) throw this.#misled(second);
    return second;
  }

  async #authorize(challenge: Challenge, scope: string): Promise<string | undefined> {
    const { credentials, trouble } = await this.credentials();
    return await authorize(challenge, { http: this.#http, scope, credentials, trouble, onSecret: this.#onSecret });
  }

  #misled({ host }: RegistryResponse): RegistryError {
    const message = `the registry ${this.#registry} redirects to ${host}, which asks for credentials of its own`;
    return new RegistryError(this.#registry, 'failed', message);
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
      const answer = status === 200 ? parseJson(body.toString('utf8')) : undefined;
      const { tags } = (answer ?? {}) as { tags?: unknown };
      return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [];
    } catch {
      return [];
    }
  }

  /** `right`: what the user would have to be allowed, as `pull shop/app`. `action`: what the registry did not do. */
  async #failure(right: string, action: string, response: RegistryResponse): Promise<RegistryError> {
    const { status } = response;
    const found = await this.credentials();
    if (status === 401 || status === 403) return refusedAction(this.#registry, right, response, found);
    if (status === 429) return rateLimited(this.#registry, response, found.credentials);
    const words = wordsOfAnswer(response);
    return new RegistryError(
      this.#registry,
      'failed',
      `the registry ${this.#registry} did not ${action}: it answered ${status}${words === '' ? '' : ` (${words})`}`,
      {
        hint:
          status >= 500
            ? 'The registry has trouble of its own; run again when it is well.'
            : 'Check the name of the image.',
      },
    );
  }
}

const isSame = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

const pullScope = (image: ImageRef): string => `repository:${image.repository}:pull`;

function withAuthorization(request: RegistryRequest, authorization: string | undefined): RegistryRequest {
  return authorization === undefined ? request : { ...request, headers: { ...request.headers, authorization } };
}
