import type { Container, Image, Observed } from '../docker/observed.ts';
import { pinnedImage } from '../model/image.ts';
import type { Canonical, Service } from '../model/service.ts';
import { Inspected } from '../service/inspected.ts';
import { cleanPath } from '../service/keys/mount-forms.ts';
import { anonymousName } from '../service/keys/mounts.ts';
import type { CarriedVolume, VolumeNote } from './plan.ts';

/** What becomes of the anonymous volumes of a container that is replaced. */
export interface VolumePlan {
  /** Mounted by the new container in place of new ones. */
  readonly carried: readonly CarriedVolume[];
  readonly notes: readonly VolumeNote[];
}

/**
 * As Compose does it: an anonymous volume goes over to the new container where the service or its image has one at the
 * same path. One that has no place there any more stays on the host, as rollout removes no volume.
 */
export function planVolumes(service: Service, current: Container, images: Observed['images']): VolumePlan {
  const places = anonymousPlaces(service, images.get(pinnedImage(service.image)), images.get(current.imageId));
  const notes = anonymousVolumes(current).map(({ name, target }): VolumeNote => {
    const fate = !places.has(target) ? 'left' : service.renewsVolumes === true ? 'renewed' : 'kept';
    return { name, target, fate };
  });
  return { carried: notes.filter(({ fate }) => fate === 'kept').map(({ name, target }) => ({ name, target })), notes };
}

/** Of a container that goes without a successor. */
export function abandonedVolumes(container: Container): readonly VolumeNote[] {
  return anonymousVolumes(container).map((volume) => ({ ...volume, fate: 'left' }));
}

/** The service with the volumes of the container that it replaces. */
export function withCarried(service: Service, carried: readonly CarriedVolume[] = []): Service {
  if (carried.length === 0) return service;
  const own = (service.spec['volumes'] ?? {}) as Readonly<Record<string, Readonly<Record<string, Canonical>>>>;
  const mounts = carried.map(({ name, target }) => [target, { ...own[target], type: 'volume', source: name }] as const);
  return { ...service, spec: { ...service.spec, volumes: { ...own, ...Object.fromEntries(mounts) } } };
}

function anonymousVolumes({ inspect }: Container): readonly CarriedVolume[] {
  return new Inspected(inspect)
    .items('Mounts')
    .filter((mount) => mount.text('Type') === 'volume' && anonymousName.test(mount.text('Name')))
    .map((mount) => ({ name: mount.text('Name'), target: cleanPath(mount.text('Destination')) }));
}

/**
 * Paths at which the new container has an anonymous volume. Until its image has been brought, the old one's paths stand
 * for it: the plan is made again with the image there.
 */
function anonymousPlaces(
  { spec }: Service,
  image: Image | undefined,
  oldImage: Image | undefined,
): ReadonlySet<string> {
  const own = (spec['volumes'] ?? {}) as Readonly<Record<string, { readonly type: string; readonly source?: string }>>;
  const inMemory = (spec['tmpfs'] ?? {}) as Readonly<Record<string, string>>;
  const taken = new Set([...Object.keys(own), ...Object.keys(inMemory).map(cleanPath)]);
  const written = Object.entries(own).filter(([, { type, source }]) => type === 'volume' && source === undefined);
  const declared = new Inspected((image ?? oldImage)?.inspect).entries('Config.Volumes');
  return new Set([
    ...written.map(([target]) => target),
    ...declared.map(([target]) => cleanPath(target)).filter((target) => !taken.has(target)),
  ]);
}
