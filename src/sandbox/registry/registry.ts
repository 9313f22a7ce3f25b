import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ImageRef } from '../../model/image.ts';
import { buildImage, layerDigest, layerText, manifestType, type RegistryImage } from '../docker/image.ts';
import { sha256 } from '../ids.ts';
import type { Credentials, ImageSource, Login } from './image-source.ts';

/** How clients must identify themselves: not at all, with every request, or for a token. */
export type RegistryAuth = { readonly kind: 'none' } | { readonly kind: 'basic' | 'bearer'; readonly login: Login };

interface Repository {
  readonly tags: Map<string, string>;
  /** By manifest digest. */
  readonly images: Map<string, RegistryImage>;
}

/** An image registry with the HTTP API V2 of docker's, for images that {@link Registry.publish} makes. */
export class Registry implements ImageSource {
  readonly #auth: RegistryAuth;
  readonly #repositories = new Map<string, Repository>();
  #server: Server | undefined;
  #port = 0;

  constructor(auth: RegistryAuth) {
    this.#auth = auth;
  }

  /** What image names start with: `127.0.0.1:PORT`. */
  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** On the port that it had before, after a {@link Registry.stop}. */
  async listen(): Promise<void> {
    const server = createServer((request, response) => void this.#serve(request, response));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.closeAllConnections();
    await new Promise<void>((resolve) => {
      if (server === undefined) resolve();
      else server.close(() => resolve());
    });
  }

  /** Puts an image of the test program under a tag; the same variables and volumes give the same digest. */
  publish(
    repository: string,
    tag: string,
    env: Readonly<Record<string, string>>,
    volumes: readonly string[] = [],
  ): string {
    const { images, tags } = this.#repository(repository);
    const image = buildImage(env, volumes);
    images.set(image.manifestDigest, image);
    tags.set(tag, image.manifestDigest);
    return `${this.address}/${repository}:${tag}`;
  }

  /** Takes a repository away, with all its images. */
  remove(repository: string): void {
    this.#repositories.delete(repository);
  }

  resolve(ref: ImageRef, credentials: Credentials): Promise<{ image: RegistryImage } | { error: string }> {
    return Promise.resolve(this.#resolve(ref, credentials(ref.registry)));
  }

  #resolve(ref: ImageRef, login: Login | undefined): { image: RegistryImage } | { error: string } {
    const root = `http://${ref.registry}/v2/`;
    const reference = ref.digest ?? ref.tag ?? 'latest';
    const manifestUrl = `${root}${ref.repository}/manifests/${reference}`;
    if (ref.registry !== this.address) {
      const [host] = ref.registry === 'docker.io' ? ['registry-1.docker.io'] : ref.registry.split(':');
      return { error: `Get "https://${ref.registry}/v2/": dial tcp: lookup ${host ?? ''}: no such host` };
    }
    if (this.#server === undefined) {
      return { error: `Get "${root}": dial tcp ${ref.registry}: connect: connection refused` };
    }
    if (this.#auth.kind !== 'none') {
      if (login === undefined) return { error: `Get "${manifestUrl}": no basic auth credentials` };
      if (!this.#isLogin(login)) return { error: `Get "${manifestUrl}": unauthorized: authentication required` };
    }
    const image = this.#find(ref.repository, reference);
    const name = `${ref.registry}/${ref.repository}${ref.digest === undefined ? ':' : '@'}${reference}`;
    return image === undefined
      ? { error: `manifest for ${name} not found: manifest unknown: manifest unknown` }
      : { image };
  }

  #find(repository: string, reference: string): RegistryImage | undefined {
    const found = this.#repositories.get(repository);
    return found?.images.get(reference.startsWith('sha256:') ? reference : (found.tags.get(reference) ?? ''));
  }

  #repository(name: string): Repository {
    let repository = this.#repositories.get(name);
    if (repository === undefined) {
      repository = { tags: new Map(), images: new Map() };
      this.#repositories.set(name, repository);
    }
    return repository;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', `http://${this.address}`);
    response.setHeader('Docker-Distribution-Api-Version', 'registry/2.0');
    if (url.pathname === '/token') {
      this.#serveToken(request, response);
      return;
    }
    if (!this.#isAuthorized(request)) {
      this.#challenge(response);
      return;
    }
    const [, repository = '', kind, reference = ''] =
      /^\/v2\/(.+)\/(manifests|blobs|tags)\/([^/]+)$/.exec(url.pathname) ?? [];
    if (url.pathname === '/v2/') sendJson(response, 200, {});
    else if (kind === 'manifests' && request.method === 'PUT')
      await this.#putManifest(request, response, repository, reference);
    else if (kind === 'manifests') this.#serveManifest(request, response, repository, reference);
    else if (kind === 'blobs') this.#serveBlob(request, response, repository, reference);
    else if (kind === 'tags') this.#serveTags(response, repository);
    else sendError(response, 404, 'UNSUPPORTED', 'the sandbox registry has no such endpoint');
  }

  #serveManifest(request: IncomingMessage, response: ServerResponse, repository: string, reference: string): void {
    const image = this.#find(repository, reference);
    if (image === undefined) {
      sendError(response, 404, 'MANIFEST_UNKNOWN', 'manifest unknown');
      return;
    }
    response.setHeader('Docker-Content-Digest', image.manifestDigest);
    response.setHeader('Etag', `"${image.manifestDigest}"`);
    send(request, response, manifestType, image.manifestText);
  }

  /** A further tag for a manifest that is here. */
  async #putManifest(
    request: IncomingMessage,
    response: ServerResponse,
    repository: string,
    tag: string,
  ): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const digest = `sha256:${sha256(Buffer.concat(chunks))}`;
    const known = [...this.#repositories.values()].map(({ images }) => images.get(digest)).find((image) => image);
    if (known === undefined) {
      sendError(response, 404, 'BLOB_UNKNOWN', 'blob unknown to registry');
      return;
    }
    const target = this.#repository(repository);
    target.images.set(digest, known);
    target.tags.set(tag, digest);
    response.setHeader('Docker-Content-Digest', digest);
    response.writeHead(201).end();
  }

  #serveBlob(request: IncomingMessage, response: ServerResponse, repository: string, digest: string): void {
    const images = [...(this.#repositories.get(repository)?.images.values() ?? [])];
    const config = images.find(({ configDigest }) => configDigest === digest)?.configText;
    const text = config ?? (digest === layerDigest ? layerText : undefined);
    if (text === undefined) {
      sendError(response, 404, 'BLOB_UNKNOWN', 'blob unknown to registry');
      return;
    }
    response.setHeader('Docker-Content-Digest', digest);
    send(request, response, 'application/octet-stream', text);
  }

  #serveTags(response: ServerResponse, repository: string): void {
    const found = this.#repositories.get(repository);
    if (found === undefined) sendError(response, 404, 'NAME_UNKNOWN', 'repository name not known to registry');
    else sendJson(response, 200, { name: repository, tags: [...found.tags.keys()].sort() });
  }

  #serveToken(request: IncomingMessage, response: ServerResponse): void {
    const login = basicLogin(request.headers.authorization);
    if (login !== undefined && this.#isLogin(login)) {
      sendJson(response, 200, { token: this.#token, access_token: this.#token, expires_in: 300 });
    } else {
      sendError(response, 401, 'UNAUTHORIZED', 'authentication required');
    }
  }

  #isAuthorized(request: IncomingMessage): boolean {
    const header = request.headers.authorization;
    switch (this.#auth.kind) {
      case 'none':
        return true;
      case 'basic': {
        const login = basicLogin(header);
        return login !== undefined && this.#isLogin(login);
      }
      case 'bearer':
        return header === `Bearer ${this.#token}`;
    }
  }

  #challenge(response: ServerResponse): void {
    response.setHeader(
      'WWW-Authenticate',
      this.#auth.kind === 'bearer'
        ? `Bearer realm="http://${this.address}/token",service="${this.address}"`
        : 'Basic realm="sandbox registry"',
    );
    sendError(response, 401, 'UNAUTHORIZED', 'authentication required');
  }

  #isLogin({ username, password }: Login): boolean {
    if (this.#auth.kind === 'none') return true;
    return username === this.#auth.login.username && password === this.#auth.login.password;
  }

  get #token(): string {
    return this.#auth.kind === 'none' ? '' : sha256(`${this.#auth.login.username}:${this.#auth.login.password}`);
  }
}

function basicLogin(header: string | undefined): Login | undefined {
  const encoded = /^Basic (.+)$/.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const [username = '', ...password] = Buffer.from(encoded, 'base64').toString().split(':');
  return { username, password: password.join(':') };
}

function send(request: IncomingMessage, response: ServerResponse, contentType: string, text: string): void {
  response.setHeader('Content-Type', contentType);
  response.setHeader('Content-Length', Buffer.byteLength(text));
  response.end(request.method === 'HEAD' ? undefined : text);
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
}

function sendError(response: ServerResponse, status: number, code: string, message: string): void {
  sendJson(response, status, { errors: [{ code, message }] });
}
