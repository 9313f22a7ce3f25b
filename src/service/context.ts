import type { ImageRef } from '../model/image.ts';
import type { Secret } from '../model/secret.ts';

/** What a service's definition may refer to outside itself. */
export interface ServiceContext {
  /** The playbook's secrets, by name. */
  readonly secrets: ReadonlyMap<string, Secret>;
  /** The composition's image of a component. */
  component(name: string): ImageRef | undefined;
  /** A file at the controller, relative to the playbook; `undefined` when it cannot be read. */
  readFile(path: string): string | undefined;
  /** A variable of the controller's environment. Without it every variable is unset. */
  environmentVariable?(name: string): string | undefined;
  /** Contents of the play's top-level `configs`, by name. */
  readonly configs?: ReadonlyMap<string, string | Secret>;
  /** The names on the host of the play's top-level networks and volumes, by key; a key that is not here is its own name. */
  readonly networkNames?: ReadonlyMap<string, string>;
  readonly volumeNames?: ReadonlyMap<string, string>;
  /** Profiles that are switched on: a service with profiles, none of which is here, is left out. */
  readonly profiles?: ReadonlySet<string>;
}
