import type { ImageStore } from '../docker/observed.ts';
import type { LayerSizes } from '../docker/pull-output.ts';
import type { PushSource } from '../docker/push-source.ts';
import type { Registry } from '../docker/registry.ts';
import { RegistryError } from '../docker/registry-error.ts';
import { formatImageRef, imageName, pinnedImage, type ImageRef } from '../model/image.ts';
import type { RegistryCredentials } from '../model/play.ts';
import type { HostDesired, Service } from '../model/service.ts';
import { digestByPull, type ImageHost } from './digest-by-pull.ts';
import { pullTold, type Transfers } from './transfer.ts';
import { asksHostFirst, localImage, presumedImage } from '../plan/local-image.ts';

type PullingSession = Pick<ImageHost, 'host' | 'docker'> & { readonly platform: string | undefined };

/** A host that images are sent to. */
interface PushTarget {
  /** `linux/arm64` */
  readonly platform?: string;
  readonly imageStore?: ImageStore;
}

/** Images that earlier runs decide. */
export interface ImageChoice {
  /** What a run that goes on had resolved, by `name:tag`. */
  readonly pinned: ReadonlyMap<string, ImageRef>;
  /** By name: what every image of it is instead, whatever tag or digest is written. */
  readonly replaced: ReadonlyMap<string, ImageRef>;
}

/** How images are brought to hosts. */
interface Bringing {
  readonly pushes?: PushSource | undefined;
  readonly transfers?: Transfers;
  readonly signal?: AbortSignal;
}

/** Nothing of an earlier run. */
export const ownImages: ImageChoice = { pinned: new Map(), replaced: new Map() };

/**
 * Resolves every tag of a run to one digest, once: through the registry's API, or, where the controller cannot reach
 * it, by the pull of the first host that asks. Every host then runs the same image, whatever happens to the tag.
 */
export class ImageResolver {
  readonly #registry: Registry;
  readonly #onFallback: (host: string, message: string) => void;
  readonly #resolved = new Map<string, Promise<ImageRef>>();
  readonly #pinned: ReadonlySet<string>;
  /** Registries that are out of reach. */
  readonly #away = new Set<string>();
  readonly #sizes = new Map<string, Promise<LayerSizes | undefined>>();
  readonly #replaced: ReadonlyMap<string, ImageRef>;
  /** What the controller sends itself. */
  readonly pushes: PushSource | undefined;
  readonly transfers: Transfers | undefined;
  /** Ends a pull that is to tell a tag's digest: nothing is touched by then. */
  readonly signal: AbortSignal | undefined;

  /** `onFallback` hears of a registry that is out of reach. */
  constructor(
    registry: Registry,
    onFallback: (host: string, message: string) => void,
    { pinned, replaced }: ImageChoice = ownImages,
    { pushes, transfers, signal }: Bringing = {},
  ) {
    this.pushes = pushes;
    this.transfers = transfers;
    this.signal = signal;
    this.#registry = registry;
    this.#onFallback = onFallback;
    this.#pinned = new Set(pinned.keys());
    this.#replaced = replaced;
    for (const [written, image] of pinned) this.#resolved.set(written, Promise.resolve(image));
  }

  /** Asks the registry now for what a host will probably want, so that nobody waits for it later. */
  ahead({ services }: HostDesired): void {
    for (const service of services.map(this.#chosen)) {
      const { image, pullPolicy } = service;
      if (
        this.pushes?.has(image) === true ||
        image.digest !== undefined ||
        asksHostFirst(service) ||
        pullPolicy === 'never'
      )
        continue;
      if (this.#resolved.has(formatImageRef(image))) continue;
      // It answers the same to whoever asks next, who then hears of an error.
      this.#registry.resolve(image).catch(() => undefined);
    }
  }

  /**
   * The host's services with their images pinned. `mayPull`: false for a plan, which writes nothing: what the registry
   * does not tell is then what each host has under the tag. `platform` and `imageStore`: of the host, for what it is sent.
   * @throws RegistryError, DockerError
   */
  async resolve(
    wanted: HostDesired,
    session: ImageHost,
    { nowMs, mayPull, ...target }: { readonly nowMs: number; readonly mayPull: boolean } & PushTarget,
  ): Promise<HostDesired> {
    const { gate } = wanted;
    // What runs at a gate is pinned like all that stays.
    const written = gate === undefined ? wanted.services : [...wanted.services, gate];
    const desired = { ...wanted, services: written.map(this.#chosen) };
    const asking = desired.services.filter((service) => asksHostFirst(service) && !this.#isPushed(service));
    const onHost =
      asking.length === 0
        ? undefined
        : await session.observe({
            names: asking.map(({ containerName }) => containerName),
            images: asking.map(({ image }) => formatImageRef(image)),
          });
    const services = await Promise.all(
      desired.services.map(async (service) => {
        if (this.#isPushed(service)) return { ...service, image: await this.#pushed(service, target) };
        if (service.image.digest !== undefined) {
          this.#resolved.set(formatImageRef(service.image), Promise.resolve(service.image));
          return service;
        }
        // What a resumed run had resolved stays so.
        const isPinned = this.#pinned.has(formatImageRef(service.image));
        if (isPinned) await this.#refuseUnsent(service.image);
        const local = onHost && !isPinned ? localImage(service, onHost, nowMs) : undefined;
        if (local !== undefined) return { ...service, image: local };
        if (service.pullPolicy === 'never') return service;
        return { ...service, image: await this.#resolveOnce(service.image, session, mayPull) };
      }),
    );
    const settled = mayPull ? services : await presumed(services, session);
    const atGate = gate === undefined ? undefined : settled.at(-1);
    return {
      ...desired,
      services: settled.slice(0, wanted.services.length),
      ...(atGate === undefined ? {} : { gate: atGate }),
    };
  }

  /** Whether an image is there for hosts of a platform, as `linux/arm64`. @throws RegistryError */
  async assertPlatform(image: ImageRef, platform: string): Promise<void> {
    await this.#registry.resolve(image, platform);
  }

  /** Bytes of an image's layers, by digest; undefined where its registry is out of reach from here, or does not say. */
  async #layerSizes(image: ImageRef, platform: string | undefined): Promise<LayerSizes | undefined> {
    if (this.#away.has(image.registry)) return undefined;
    const key = `${pinnedImage(image)} ${platform ?? ''}`;
    const asked = this.#sizes.get(key) ?? this.#registry.layers(image, platform).catch(() => undefined);
    this.#sizes.set(key, asked);
    return await asked;
  }

  /** Brings an image to a host. `platform`: where the service says which. @throws DockerError, RemoteError, RegistryError */
  async pull(
    image: ImageRef,
    session: PullingSession,
    { platform, signal }: { readonly platform?: string | undefined; readonly signal?: AbortSignal | undefined },
  ): Promise<void> {
    const { host, docker } = session;
    const asked = platform ?? session.platform;
    const sizes = (): Promise<LayerSizes | undefined> => this.#layerSizes(image, asked);
    const credentials = await this.credentialsFor(image);
    await pullTold(image, { host: host.name, docker, credentials, platform, sizes, signal }, this.transfers);
  }

  credentialsFor(image: ImageRef): Promise<RegistryCredentials | undefined> {
    return this.#registry.credentialsFor(image.registry);
  }

  /** What was written, a digest or a tag, to `name:tag@digest`, or to the id of what is sent; for the journal. */
  async record(): Promise<Readonly<Record<string, string>>> {
    const entries = await Promise.all(
      [...this.#resolved].map(async ([written, image]) => [written, recordOf(await image)] as const),
    );
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  readonly #chosen = (service: Service): Service => {
    const image = this.#replaced.get(imageName(service.image));
    return image === undefined ? service : { ...service, image };
  };

  /** What is sent; a run that goes on sends the same as before. */
  async #pushed({ image, spec }: Service, { platform, imageStore = 'docker' }: PushTarget): Promise<ImageRef> {
    const key = formatImageRef(image);
    const before = this.#pinned.has(key) ? (await this.#resolved.get(key))?.imageId : undefined;
    const found = (await this.pushes?.resolve(image, spec['platform'] === undefined ? platform : undefined)) ?? image;
    if (before !== undefined && before !== found.imageId)
      throw new RegistryError(
        image.registry,
        'failed',
        `${key} is ${found.imageId ?? '?'} here, and this run sends ${before}`,
        {
          hint: `Give that image its tag again (docker tag ${before} ${key}), or run the playbook anew.`,
        },
      );
    this.#resolved.set(key, Promise.resolve(found));
    return (await this.pushes?.named(found, imageStore)) ?? found;
  }

  /** A run that sent an image, and goes on where nobody knows from what: no registry has it. */
  async #refuseUnsent(image: ImageRef): Promise<void> {
    const key = formatImageRef(image);
    if ((await this.#resolved.get(key))?.imageId === undefined) return;
    throw new RegistryError(image.registry, 'failed', `${key} came from the controller of this run, by --push`, {
      hint: `Send it again: --push ${key}, or --push ${key}=FILE`,
    });
  }

  #isPushed({ image }: Service): boolean {
    return this.pushes?.has(image) === true;
  }

  #resolveOnce(image: ImageRef, session: ImageHost, mayPull: boolean): Promise<ImageRef> {
    const key = formatImageRef(image);
    let resolution = this.#resolved.get(key);
    if (resolution === undefined) {
      resolution = this.#resolve(image, session, mayPull);
      this.#resolved.set(key, resolution);
      // Every host that asks gets the same rejection; none of them may leave it unhandled.
      resolution.catch(() => undefined);
    }
    return resolution;
  }

  /** What to do about a registry is said with the first of its images. */
  #warn(host: string, { message, hint, registry }: RegistryError, instead: string): void {
    const isNew = !this.#away.has(registry);
    this.#away.add(registry);
    this.#onFallback(host, `${message}; ${instead}${isNew && hint !== undefined ? `. ${hint}` : ''}`);
  }

  async #resolve(image: ImageRef, session: ImageHost, mayPull: boolean): Promise<ImageRef> {
    try {
      return await this.#registry.resolve(image);
    } catch (error) {
      if (!(error instanceof RegistryError) || error.kind !== 'unreachable') throw error;
      if (!mayPull) {
        const written = formatImageRef(image);
        this.#warn(
          session.host.name,
          error,
          `a run has ${written} resolved by a host's pull, this plan takes what each host runs or has under that tag`,
        );
        return image;
      }
      this.#warn(session.host.name, error, `${formatImageRef(image)} is resolved by this host's pull`);
      const digest = await digestByPull(image, session, await this.credentialsFor(image), this);
      if (digest === undefined) throw error;
      return { ...image, digest };
    }
  }
}

/** Of a plan: what the registry did not tell is read from the host. */
async function presumed(services: readonly Service[], session: ImageHost): Promise<readonly Service[]> {
  const unknown = services.filter(
    ({ image, pullPolicy }) => image.digest === undefined && image.imageId === undefined && pullPolicy !== 'never',
  );
  if (unknown.length === 0) return services;
  const observed = await session.observe({
    names: unknown.map(({ containerName }) => containerName),
    images: unknown.map(({ image }) => formatImageRef(image)),
  });
  return services.map((service) =>
    unknown.includes(service) ? { ...service, image: presumedImage(service, observed) } : service,
  );
}

function recordOf(image: ImageRef): string {
  return image.imageId ?? formatImageRef(image);
}
