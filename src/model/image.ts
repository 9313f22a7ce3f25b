/** An image reference, normalised as docker does: `nginx` is `docker.io/library/nginx:latest`. */
export interface ImageRef {
  /** Host and port of the registry: `docker.io`, `registry.example.com:5000`. */
  readonly registry: string;
  /** Path within the registry: `library/nginx`, `shop/app`. */
  readonly repository: string;
  readonly tag?: string;
  /** `sha256:…` */
  readonly digest?: string;
  /** Of one that the controller sends itself: its id (`sha256:…`), for no registry has given it a digest. */
  readonly imageId?: string;
  /** As it was written. */
  readonly written: string;
}

const hub = 'docker.io';
/** How Docker Hub is called in client configurations. */
export const hubServer = 'https://index.docker.io/v1/';

/**
 * The registry that a key of a client's configuration means, in small letters: docker takes one with a scheme or a path
 * for its host, and each of Docker Hub's names for `docker.io`.
 */
export function registryOfKey(key: string): string {
  const host = key
    .replace(/^https?:\/\//i, '')
    .replace(/\/.*$/s, '')
    .toLowerCase();
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? hub : host;
}

/**
 * Parses `[registry/]repository[:tag][@digest]`; `undefined` when it is not a reference.
 * A first component is a registry if it has a dot or a port, or is `localhost` (docker's rule).
 */
export function parseImageRef(written: string): ImageRef | undefined {
  const match = /^(?<name>[^@\s]+?)(?::(?<tag>[\w][\w.-]{0,127}))?(?:@(?<digest>sha256:[0-9a-f]{64}))?$/.exec(written);
  const { name, tag, digest } = match?.groups ?? {};
  if (name === undefined) return undefined;
  const slash = name.indexOf('/');
  const first = slash === -1 ? '' : name.slice(0, slash);
  const hasRegistry = first === 'localhost' || /[.:]/.test(first);
  // Docker Hub's older name, which docker takes for the same.
  const registry = !hasRegistry || first === 'index.docker.io' ? hub : first;
  const path = hasRegistry ? name.slice(slash + 1) : name;
  const repository = registry === hub && !path.includes('/') ? `library/${path}` : path;
  if (!/^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*$/.test(repository))
    return undefined;
  if (!/^[A-Za-z0-9.-]+(?::\d+)?$/.test(registry)) return undefined;
  return {
    registry,
    repository,
    written,
    ...(digest === undefined ? { tag: tag ?? 'latest' } : tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** `sha256:` and 64 digits: the id of an image, or a digest alone. */
export function isImageId(text: string): boolean {
  return /^sha256:[0-9a-f]{64}$/.test(text);
}

/** The name that docker commands take: registry and repository, without docker.io's prefixes. */
export function imageName(ref: ImageRef): string {
  if (ref.registry !== hub) return `${ref.registry}/${ref.repository}`;
  return ref.repository.startsWith('library/') ? ref.repository.slice('library/'.length) : ref.repository;
}

/** `name:tag`, `name@digest` or `name:tag@digest`. */
export function formatImageRef(ref: ImageRef): string {
  const tag = ref.tag === undefined ? '' : `:${ref.tag}`;
  const digest = ref.digest === undefined ? '' : `@${ref.digest}`;
  return `${imageName(ref)}${tag}${digest}`;
}

/** What docker pulls and creates from: pinned by id or digest where there is one (docker refuses nothing, but ignores the tag). */
export function pinnedImage(ref: ImageRef): string {
  if (ref.imageId !== undefined) return ref.imageId;
  return ref.digest === undefined ? formatImageRef(ref) : `${imageName(ref)}@${ref.digest}`;
}
