import { DaemonError, NotFoundError } from './errors.ts';
import type { RegistryImage } from './image.ts';
import type { ContainerSpec, JsonObject, Mount } from './spec.ts';

export interface Volume {
  readonly name: string;
  readonly driver: string;
  readonly labels: Readonly<Record<string, string>> | null;
  readonly options: Readonly<Record<string, string>> | null;
  readonly createdAtMs: number;
}

export class Volumes {
  readonly #byName = new Map<string, Volume>();

  /** In docker's order, by name. */
  all(): Volume[] {
    return [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  find(name: string): Volume | undefined {
    return this.#byName.get(name);
  }

  /** Creates it where it is missing, as both `volume create` and the first container to mount it do. */
  ensure(
    name: string,
    createdAtMs: number,
    more: Pick<Volume, 'driver' | 'labels' | 'options'> = { driver: 'local', labels: null, options: null },
  ): void {
    if (!this.#byName.has(name)) this.#byName.set(name, { name, createdAtMs, ...more });
  }

  /** @throws DaemonError while containers mount it. */
  remove(name: string, users: readonly string[]): void {
    if (!this.#byName.has(name)) throw new NotFoundError('volume', name);
    if (users.length > 0) throw new DaemonError(`remove ${name}: volume is in use - [${users.join(', ')}]`);
    this.#byName.delete(name);
  }
}

export const mountpoint = (volume: string): string => `/var/lib/docker/volumes/${volume}/_data`;

/** As `docker volume inspect` prints it. */
export function volumeDocument(volume: Volume, createdAt: string): JsonObject {
  return {
    CreatedAt: createdAt,
    Driver: volume.driver,
    Labels: volume.labels,
    Mountpoint: mountpoint(volume.name),
    Name: volume.name,
    Options: volume.options,
    Scope: 'local',
  };
}

/** Mounts of a container: an image's volume is made anew where the command line mounts nothing at its path. */
export function mountsOf({ mounts }: ContainerSpec, { config }: RegistryImage, newName: () => string): Mount[] {
  const taken = new Set(mounts.map(({ destination }) => destination));
  const declared = Object.keys(config.Volumes).filter((path) => !taken.has(path));
  const all = [...mounts, ...declared.map((destination): Mount => ({ ...emptyVolume, destination }))];
  return all.map((mount) => (mount.anonymous ? { ...mount, source: newName() } : mount));
}

const emptyVolume = { type: 'volume', source: '', mode: '', writable: true, propagation: '', anonymous: true } as const;
