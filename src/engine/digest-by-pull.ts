import type { Wanted } from '../docker/commands.ts';
import type { Docker } from '../docker/docker.ts';
import type { DockerErrorKind } from '../docker/errors.ts';
import { DockerError } from '../docker/errors.ts';
import type { Observed } from '../docker/observed.ts';
import { RegistryError, type RegistryErrorKind } from '../docker/registry-error.ts';
import { formatImageRef, imageName, parseImageRef, pinnedImage, type ImageRef } from '../model/image.ts';
import type { RegistryCredentials } from '../model/play.ts';
import { pullTold, type Transfers } from './transfer.ts';

/** What is asked of the host that an image is resolved for. */
export interface ImageHost {
  readonly host: { readonly name: string };
  observe(wanted: Wanted): Promise<Observed>;
  /** Only a run pulls. */
  readonly docker: Pick<Docker, 'pull'>;
}

/** The registry may be reachable from the hosts alone. @throws RegistryError for what the host's pull found */
export async function digestByPull(
  image: ImageRef,
  session: ImageHost,
  credentials: RegistryCredentials | undefined,
  { transfers, signal }: { readonly transfers: Transfers | undefined; readonly signal: AbortSignal | undefined },
): Promise<string | undefined> {
  try {
    await pullTold(image, { host: session.host.name, docker: session.docker, credentials, signal }, transfers);
  } catch (error) {
    if (!(error instanceof DockerError)) throw error;
    const kind = registryTrouble[error.kind];
    // What else can go wrong with a pull (a full disk, a missing docker) is that host's own trouble.
    if (kind === undefined) throw error;
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    throw new RegistryError(image.registry, kind, `${formatImageRef(image)}: ${error.message}`, {
      ...hint,
      cause: error,
    });
  }
  const { images } = await session.observe({ names: undefined, images: [pinnedImage(image)] });
  const digests = images.get(pinnedImage(image))?.repoDigests ?? [];
  const own = digests.find((written) => written.startsWith(`${imageName(image)}@`));
  return own === undefined ? undefined : parseImageRef(own)?.digest;
}

const registryTrouble: Partial<Record<DockerErrorKind, RegistryErrorKind>> = {
  manifest_unknown: 'not_found',
  registry_auth: 'unauthorized',
  registry_busy: 'rate_limited',
  registry_unreachable: 'unreachable',
};
