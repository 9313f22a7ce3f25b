import type { Check } from './check.ts';
import type { ImageRef } from './image.ts';
import type { Secret } from './secret.ts';
import type { Task } from './task.ts';

/** A key's value in its one canonical form: short and long forms alike, units resolved, sorted where order means nothing. */
export type Canonical =
  null | boolean | number | string | Secret | readonly Canonical[] | { readonly [key: string]: Canonical };

/** Every key of a service that differs from docker's default, by Compose key, `image` aside. Absent means default. */
export type ServiceSpec = Readonly<Record<string, Canonical>>;

export interface Dependency {
  readonly service: string;
  readonly condition: 'service_started' | 'service_healthy' | 'service_completed_successfully';
  /** False: the play need not have it. */
  readonly required?: false;
}

/** A check of a new container from the controller, through the host's SSH connection. */
export type Probe = {
  readonly intervalMs: number;
  /** For one try. */
  readonly timeoutMs: number;
} & (
  | {
      readonly kind: 'http';
      readonly port: number;
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
      /** Statuses that pass; undefined: 200 to 399. */
      readonly status?: readonly number[];
    }
  | { readonly kind: 'tcp'; readonly port: number }
  | { readonly kind: 'command'; readonly command: readonly string[] }
);

/** One container as a play wants it on one host. Rendered, validated, canonical. */
export interface Service {
  /** The key under `services`; replicas have `-1` … appended. */
  readonly name: string;
  /** The key under `services`, where `scale` made this one of several. */
  readonly replicaOf?: string;
  /** `container_name`, else the name. */
  readonly containerName: string;
  /** The tag resolved to a digest once the run has done so. */
  readonly image: ImageRef;
  /** `always`, also where nothing is written: the registry says which image a tag means, in every run. */
  readonly pullPolicy: 'always' | 'missing' | 'never' | 'daily';
  readonly spec: ServiceSpec;
  readonly dependsOn: readonly Dependency[];
  /** How long `docker stop` waits before SIGKILL: 10 s unless stop_grace_period says otherwise. */
  readonly stopGraceMs: number;
  readonly probe?: Probe;
  /** A new container begins with new anonymous volumes, and not with those of the one it replaces. */
  readonly renewsVolumes?: true;
}

/** The key under `services`, by which other services name it: that of all its replicas. */
export function keyOf({ name, replicaOf }: Pick<Service, 'name' | 'replicaOf'>): string {
  return replicaOf ?? name;
}

export interface NetworkSpec {
  readonly name: string;
  readonly external: boolean;
  readonly options: Readonly<Record<string, Canonical>>;
}

export interface VolumeSpec {
  readonly name: string;
  readonly external: boolean;
  readonly options: Readonly<Record<string, Canonical>>;
}

/** What a play wants of one host, rendered with that host's variables and facts. */
export interface HostDesired {
  /** In the file's order. */
  readonly services: readonly Service[];
  readonly networks: readonly NetworkSpec[];
  readonly volumes: readonly VolumeSpec[];
  /** The node's server name in the balancer's backend. */
  readonly server: string;
  /** Where the strategy has zones: the one that it is in. */
  readonly zone?: string;
  /** Name of a container that answers the balancer's check, and is none of the play's. */
  readonly borrowedGate?: string;
  /** A play before this one makes that container in the same run. */
  readonly isGateMadeEarlier?: true;
  /** The container that runs once at the play's gate. */
  readonly gate?: Service;
  /** What its new version is asked, beside the balancer's counters; absent: nothing. */
  readonly checks?: readonly Check[];
  /** Once a run, on the first host of the play that can be reached: ahead of every node. */
  readonly before?: readonly Task[];
  readonly preTasks: readonly Task[];
  readonly tasks: readonly Task[];
  readonly postTasks: readonly Task[];
  /** The same, when every node is done. */
  readonly after?: readonly Task[];
  /** Called by tasks that change something. */
  readonly handlers?: readonly Task[];
  /** Variables of tasks that are known to be skipped on this host. */
  readonly skippedResults?: readonly string[];
  /** Services that `--tags` or `--skip-tags` left out: not wanted in this run, and no orphans either. */
  readonly leftOut?: readonly string[];
}
