import type { Facts } from '../model/host.ts';

export interface ContainerState {
  readonly status: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';
  readonly running: boolean;
  readonly exitCode: number;
  /** What the daemon says of a failed start. */
  readonly error: string;
  readonly oomKilled: boolean;
  readonly restartCount: number;
  /** Undefined where the container has no healthcheck. */
  readonly health: 'starting' | 'healthy' | 'unhealthy' | undefined;
  /** The last line that the healthcheck printed. */
  readonly healthOutput?: string;
  /** RFC 3339, as docker prints it. */
  readonly startedAt: string;
  readonly finishedAt: string;
}

/** One container, from `docker container inspect`. */
export interface Container {
  readonly id: string;
  /** Without docker's leading slash. */
  readonly name: string;
  /** The config digest that it runs (`.Image`). */
  readonly imageId: string;
  /** What it was created from (`.Config.Image`). */
  readonly imageName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: ContainerState;
  readonly restartPolicy: { readonly name: string; readonly maximumRetryCount: number };
  /** The whole inspect document, for comparing single keys. */
  readonly inspect: Readonly<Record<string, unknown>>;
}

/** One image, from `docker image inspect`. */
export interface Image {
  /** Config digest. */
  readonly id: string;
  /** `repository@sha256:…`; empty for an imported image. */
  readonly repoDigests: readonly string[];
  readonly repoTags: readonly string[];
  readonly inspect: Readonly<Record<string, unknown>>;
}

/** Where a docker keeps its images: in docker's own, by the id of the image's document, or in containerd's, by its manifest. */
export type ImageStore = 'docker' | 'containerd';

/** A host as it is found, before anybody knows what is wanted of it. */
export interface Survey {
  readonly facts: Facts;
  /** Two hosts with the same are one, or copies of one: the daemon's id, its hostname, the ids of all containers. */
  readonly dockerMark: string;
  readonly imageStore: ImageStore;
  /** Of every container, whoever made it. */
  readonly names: ReadonlySet<string>;
  /** These are as many as docker says that it has: none is left out. */
  readonly isWhole: boolean;
  /** Containers that are labelled `rollout.play`, and their images; no networks and no volumes. */
  readonly observed: Observed;
}

/** What a host runs and has, at one moment. */
export interface Observed {
  /** By name: every container whose name a service of ours could have, and every one labelled `rollout.play`. */
  readonly containers: ReadonlyMap<string, Container>;
  /** Names of those that a run created ahead of their turn: no part of what the host runs, whoever looks. */
  readonly ahead?: readonly string[];
  /** Images of those containers and the wanted ones that are present, by id and by every repo digest and tag. */
  readonly images: ReadonlyMap<string, Image>;
  /** Names of those that were asked for. */
  readonly networks: ReadonlySet<string>;
  readonly volumes: ReadonlySet<string>;
  /** Their inspect documents, by name. */
  readonly networkDocuments?: ReadonlyMap<string, Container['inspect']>;
  readonly volumeDocuments?: ReadonlyMap<string, Container['inspect']>;
}

/** What is free where docker keeps its data. */
export interface Room {
  readonly folder: string;
  readonly freeBytes: number;
  /** Undefined where the file system does not count them. */
  readonly freeInodes: number | undefined;
}

/** By its images, where docker info was not asked; docker says of each in containerd's store by which manifest it goes. */
export function imageStoreOf({ images }: Pick<Observed, 'images'>): ImageStore {
  const isInContainerd = [...images.values()].some(
    ({ id, inspect: { Descriptor: descriptor } }) =>
      typeof descriptor === 'object' && descriptor !== null && 'digest' in descriptor && descriptor.digest === id,
  );
  return isInContainerd ? 'containerd' : 'docker';
}
