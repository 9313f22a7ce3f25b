import type { ImageRef } from '../../model/image.ts';
import type { Secret } from '../../model/secret.ts';
import type { Part } from '../document.ts';
import type { Member } from '../inventory/graph.ts';
import type { Settings } from '../inventory/vars-files.ts';
import type { PlacedPolicy } from './policies.ts';
import type { Scopes } from './scopes.ts';
import type { ServicePart } from './services.ts';
import type { TaskTemplate } from './task-of-host.ts';

export type TaskListName = 'before' | 'pre' | 'main' | 'post' | 'after' | 'handlers';

/** What all hosts of a play share. */
export interface DesiredContext {
  readonly scopes: Scopes;
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly tags: { readonly only: readonly string[]; readonly skip: readonly string[] };
  /** Those of the host's groups, and its own. */
  readonly inventoryPolicies: (member: Member) => readonly PlacedPolicy[];
  readonly component: (name: string) => ImageRef | undefined;
  /** No image without a digest. */
  readonly requireLocked: boolean;
  readonly readFile: (folder: string, path: string) => string | undefined;
  readonly environmentVariable: (name: string) => string | undefined;
}

/** The parts of a play that are rendered anew for every host. */
export interface HostParts {
  readonly playName: string;
  readonly playVars: Settings;
  readonly services: ReadonlyMap<string, ServicePart>;
  /** Its container takes the node out and lets it in, whatever tags a run is about. */
  readonly healthContainer: string | undefined;
  /** A container in its place that is none of the play's. */
  readonly borrowedGate: string | undefined;
  /** Its container runs at the gate alone. */
  readonly gateService: string | undefined;
  readonly networks: Part;
  readonly volumes: Part;
  readonly configs: ReadonlyMap<string, ServicePart>;
  /** Profiles that are switched on. */
  readonly profiles: ReadonlySet<string>;
  /** Those of playbook and play. */
  readonly policies: readonly PlacedPolicy[];
  readonly server: Part;
  /** Undefined where the play has no zones. */
  readonly zone: Part | undefined;
  /** The list of its checks. */
  readonly checks: Part;
  /** The playbook's, where commands of checks run. */
  readonly folder: string;
  readonly tasks: Readonly<Record<TaskListName, readonly TaskTemplate[]>>;
  /** Names of variables that only a run can tell. */
  readonly later: ReadonlySet<string>;
}
