import type { Observed } from '../docker/observed.ts';
import { formatImageRef, pinnedImage } from '../model/image.ts';
import type { HostDesired } from '../model/service.ts';
import type { Op } from './plan.ts';

/** Networks and volumes that are to be made, before anything needs them. */
export function missingResources(desired: HostDesired, observed: Observed): readonly Op[] {
  return [
    ...desired.networks
      .filter(({ name, external }) => !external && !observed.networks.has(name))
      .map((network): Op => ({ kind: 'create_network', network, cause: 'not there' })),
    ...desired.volumes
      .filter(({ name, external }) => !external && !observed.volumes.has(name))
      .map((volume): Op => ({ kind: 'create_volume', volume, cause: 'not there' })),
  ];
}

/** What only the operator can make; in words that say how. */
export function missingExternals(desired: HostDesired, observed: Observed): readonly string[] {
  return [
    ...desired.networks
      .filter(({ name, external }) => external && !observed.networks.has(name))
      .map(({ name }) => `network ${name} is external and not there; create it: docker network create ${name}`),
    ...desired.volumes
      .filter(({ name, external }) => external && !observed.volumes.has(name))
      .map(({ name }) => `volume ${name} is external and not there; create it: docker volume create ${name}`),
  ];
}

/** Images that `pull_policy: never` wants to be on the host already. */
export function missingForNever({ services }: HostDesired, { images }: Observed): readonly string[] {
  return services
    .filter(({ pullPolicy, image }) => pullPolicy === 'never' && !images.has(pinnedImage(image)))
    .map(({ name, image }) => {
      const written = formatImageRef(image);
      return `image ${written} of ${name} is not there, and its pull_policy is never; load it first: docker load`;
    });
}
