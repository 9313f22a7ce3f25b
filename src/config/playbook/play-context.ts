import type { Host } from '../../model/host.ts';
import type { Controller } from '../../model/task.ts';
import type { Part } from '../document.ts';
import type { Member } from '../inventory/graph.ts';
import type { Inventory } from '../inventory/inventory.ts';
import type { Settings } from '../inventory/vars-files.ts';
import type { Problems } from '../text/problems.ts';
import type { ComposeFile, ComposeSource } from '../compose/read.ts';
import type { DesiredContext } from './host-parts.ts';
import type { PlacedPolicy } from './policies.ts';

export interface PlayContext extends DesiredContext {
  readonly inventory: Inventory;
  readonly problems: Problems;
  /** The folder of the playbook. */
  readonly folder: string;
  /** The playbook's own. */
  readonly policies: readonly PlacedPolicy[];
  /** Hosts that `--limit` leaves; undefined without one. */
  readonly limit: ReadonlySet<Member> | undefined;
  hostOf(member: Member, playVars: Settings): Host;
  /** The lines of an `@file` in a pattern. */
  readLines(file: string): readonly string[];
  readCompose(source: ComposeSource): ComposeFile | undefined;
  /** A file with a list of tasks; undefined, with the problem noted, where it cannot be read. */
  readTasks(path: string): Part | undefined;
  /** Files of the controller, relative to this folder. */
  controllerOf(base: string): Controller;
}
