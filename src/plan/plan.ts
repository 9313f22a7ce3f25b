import type { DrainNote } from '../docker/drain-note.ts';
import type { Difference } from '../model/difference.ts';
import type { ImageRef } from '../model/image.ts';
import type { NetworkSpec, Service, VolumeSpec } from '../model/service.ts';
import type { Task } from '../model/task.ts';
import type { TaskFinding, TaskPhase } from './task-findings.ts';
import type { Wave } from './waves.ts';

export type { Difference };

export type ChangeKind =
  | 'create' // there is none
  | 'replace' // image or spec differs
  | 'adopt' // same name, not ours: replaced
  | 'update' // docker can change it live
  | 'start' // right, but not running
  | 'heal' // leftovers of a run that was cut off
  | 'remove' // an orphan, with remove_orphans
  | 'orphan'; // reported only

/** An anonymous volume, and the path at which a container has it. */
export interface CarriedVolume {
  readonly name: string;
  readonly target: string;
}

/** What becomes of an anonymous volume: none is ever removed. */
export interface VolumeNote extends CarriedVolume {
  readonly fate:
    | 'kept' // the new container has it
    | 'renewed' // the new container gets an empty one (renew_anon_volumes)
    | 'left'; // nothing mounts it any more
}

export interface ServiceChange {
  readonly service: string;
  readonly kind: ChangeKind;
  /** `image shop/app:1.4 → shop/app:1.5`, in one line. */
  readonly cause: string;
  readonly differences: readonly Difference[];
  /** It runs to its end, and is right when that was 0. */
  readonly isJob?: true;
  /** Anonymous volumes of the container that goes. */
  readonly volumes?: readonly VolumeNote[];
}

/** One step on one host. Atomic, and with its cause. */
export type Op = {
  readonly cause: string;
  /** It touches nothing that serves, and so goes on while the node drains. */
  readonly beside?: 'drain';
} & (
  | { readonly kind: 'pull'; readonly image: ImageRef }
  | { readonly kind: 'create_network'; readonly network: NetworkSpec }
  | { readonly kind: 'create_volume'; readonly volume: VolumeSpec }
  | {
      readonly kind: 'drain';
      readonly container: string | undefined;
      readonly server: string;
      /** Of a container that is none of the play's: what is left on the host for whoever has to put it back. */
      readonly note?: Omit<DrainNote, 'ran'>;
    }
  | {
      readonly kind: 'admit';
      readonly container: string | undefined;
      /** The gate's own restart policy: while the node is out it is `no`, so that a reboot does not let it in. */
      readonly policy: string;
      readonly server: string;
      /** It is none of the play's: the note that was left about it goes. */
      readonly isBorrowed?: true;
    }
  /** Waits until what ran on the host besides the play's own services runs again, and well. */
  | { readonly kind: 'settle'; readonly containers: 'noted' | readonly string[] }
  | {
      readonly kind: 'create';
      readonly service: Service;
      readonly container: string;
      /** What it shares with is not yet in its place: names until then, by the names in the service. */
      readonly namesUntilThen?: Readonly<Record<string, string>>;
      /** Volumes of the container that it replaces, in place of new ones. */
      readonly carried?: readonly CarriedVolume[];
      /** That container: its id, and the restart policy that parking takes from it. */
      readonly replaces?: { readonly id: string; readonly restart: string };
    }
  | { readonly kind: 'start'; readonly service: string; readonly container: string }
  | { readonly kind: 'stop'; readonly service: string; readonly container: string; readonly graceMs: number }
  | { readonly kind: 'set_restart'; readonly service: string; readonly container: string; readonly policy: string }
  | { readonly kind: 'update'; readonly service: string; readonly container: string; readonly args: readonly string[] }
  | { readonly kind: 'unpause'; readonly service: string; readonly container: string }
  | { readonly kind: 'rename'; readonly service: string; readonly container: string; readonly to: string }
  | { readonly kind: 'remove'; readonly service: string; readonly container: string }
  | {
      readonly kind: 'await';
      readonly service: string;
      readonly container: string;
      readonly condition: 'service_healthy' | 'service_completed_successfully';
    }
  | {
      readonly kind: 'verify';
      readonly service: Service;
      readonly container: string;
      /** Docker calls a container that it paused unhealthy until its next check: that is waited for. */
      readonly wasPaused?: true;
    }
  | {
      readonly kind: 'task';
      readonly phase: TaskPhase;
      readonly task: Task;
      /** Of the last one of its list: what is called then. */
      readonly handlers?: readonly Task[];
    }
);

/** A playbook, as far as containers are told apart by it. */
export interface PlaybookName {
  readonly name: string;
  readonly plays: readonly string[];
}

/** What a run would do to one host. */
export interface NodePlan {
  readonly host: string;
  readonly server: string;
  /** What its tasks would do; absent where they were not looked at. */
  readonly findings?: readonly TaskFinding[];
  readonly changes: readonly ServiceChange[];
  /** What stands in the way of the plan; nothing is touched while there is any. */
  readonly errors: readonly string[];
  /** What is otherwise than the play says, and stays so. */
  readonly warnings: readonly string[];
  /** Images to bring before anything is drained. */
  readonly pulls: readonly ImageRef[];
  /** Puts back into service what a run that was cut off left half way, or somebody has paused; before anything else. */
  readonly heal: readonly Op[];
  /** Before the node leaves rotation: networks, volumes, live updates, pre_tasks. */
  readonly before: readonly Op[];
  /** Its way out, new containers beside the old ones, and what is done while it is out. Empty: the node does not leave. */
  readonly during: readonly Op[];
  /** After it is back. */
  readonly after: readonly Op[];
}

export interface PlayPlan {
  readonly play: string;
  /** In inventory order, unchanged nodes too. */
  readonly nodes: readonly NodePlan[];
  /** Hosts updated first, alone. */
  readonly canaries: readonly string[];
  /** Who comes when. */
  readonly waves: readonly Wave[];
  /** What must succeed between canary and others, in words. */
  readonly gate?: string;
  /** Nodes out of rotation at once, resolved for this play's size. */
  readonly maxUnavailable: number;
  readonly minAvailable: number;
  readonly warnings: readonly string[];
}

export interface Plan {
  readonly plays: readonly PlayPlan[];
}

/** How many changes of services a plan holds, on all hosts together. */
export function changesOf({ plays }: Plan): number {
  return plays.reduce((sum, { nodes }) => nodes.reduce((count, { changes }) => count + changes.length, sum), 0);
}
