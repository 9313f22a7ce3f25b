import type { Facts } from '../model/host.ts';
import type {
  Failure,
  HostResult,
  ImageProgress,
  Judgement,
  OpText,
  Outcome,
  PlannedChange,
  PoolCount,
} from './event.ts';

/**
 * Where a host stands. `pending` to `planned` are before its update, `starting` to `restoring` are under way,
 * the others are ends.
 */
export type HostPhase =
  | 'pending'
  | 'connected'
  | 'planned'
  | 'starting'
  | 'draining'
  | 'updating'
  | 'admitting'
  | 'finishing'
  | 'restoring'
  | 'unreachable'
  | 'unchanged'
  | 'done'
  | 'failed'
  | 'restored';

/** A wait, as it was last said. It is said again every ten seconds: one that is not has ended. */
export interface Wait {
  readonly message: string;
  readonly saidAtMs: number;
  readonly startedAtMs: number;
  readonly limitMs: number;
}

export interface HostState {
  readonly host: string;
  readonly phase: HostPhase;
  /** When the phase began. */
  readonly sinceMs: number;
  readonly facts?: Facts;
  /** The play whose node this host is, or was last. */
  readonly play?: string;
  readonly role?: 'canary' | 'fan_out' | 'rollback';
  readonly cause?: string;
  readonly nodeStartedAtMs?: number;
  /** The op under way. */
  readonly op?: { readonly op: OpText; readonly startedAtMs: number };
  readonly wait?: Wait;
  /** Open sessions when last read, while it drains. */
  readonly sessions?: number;
  /** How long the node took, over all plays and ways back. */
  readonly durationMs?: number;
  /** Jobs of this run that have ended with 0. */
  readonly completed?: readonly string[];
  readonly failure?: Failure;
  /** Known for certain only once the run has finished. */
  readonly result?: HostResult;
  readonly message?: string;
  /** What to type where it could not be put back. */
  readonly next?: string;
}

export interface PlayState {
  readonly play: string;
  readonly hosts: readonly string[];
  readonly canaries: readonly string[];
  /** 0 until the plan is ready. */
  readonly maxUnavailable: number;
  readonly minAvailable: number;
  /** What the plan says of each host. */
  readonly changes: Readonly<Record<string, readonly PlannedChange[]>>;
  /** Hosts that the run works on in this play: planned to, or begun. */
  readonly concerned: ReadonlySet<string>;
  /** Hosts whose update in this play has ended well. */
  readonly done: ReadonlySet<string>;
  readonly pool?: PoolCount;
  /** What its balancers have counted last. */
  readonly traffic?: TrafficRate;
  /** The newest one. */
  readonly bake?: Bake;
  /** In the order in which they came. */
  readonly verdicts: readonly JudgedNodes[];
  /** The newest answer of each check. */
  readonly checks: readonly CheckState[];
  /** In the order in which they were asked. */
  readonly gates: readonly GateState[];
}

/** A gate that was asked; without an end it was cut off, or still thinks. */
export interface GateState {
  /** `./smoke.sh at the controller`. */
  readonly gate: string;
  /** The canaries. */
  readonly hosts: readonly string[];
  readonly startedAtMs: number;
  readonly end?: {
    readonly atMs: number;
    readonly ok: boolean;
    readonly message: string;
    /** The last lines that it printed. */
    readonly output: readonly string[];
  };
}

/** Of a play's backend, over the last two seconds or so. */
export interface TrafficRate {
  readonly seenAtMs: number;
  readonly requestsPerSecond: number;
  readonly errorsPerSecond: number;
}

export interface CheckState {
  readonly check: string;
  readonly hosts: readonly string[];
  readonly phase: 'bake' | 'fan_out' | 'soak';
  readonly outcome: 'passed' | 'failed' | 'unanswered';
  readonly message: string;
  readonly failures: number;
  readonly failureLimit: number;
  readonly isDryRun: boolean;
}

export interface Bake extends Partial<Judgement> {
  /** `canary`, `stage 10%`, `zone eu`, `soak`. */
  readonly wave: string;
  readonly hosts: readonly string[];
  readonly startedAtMs: number;
  readonly bakeMs: number;
}

/** What was seen of nodes, in a bake, in fan-out (`fan-out`) or at the end (`soak`). */
export interface JudgedNodes extends Judgement {
  readonly wave: string;
  readonly hosts: readonly string[];
}

/** Everything that the events so far say of a run. */
/** An image on its way to a host, as it was last told. */
export interface Transfer extends ImageProgress {
  readonly host: string;
  readonly image: string;
  readonly saidAtMs: number;
  readonly isDone: boolean;
}

export interface RunState {
  /** Empty before the first event. */
  readonly run: string;
  readonly command?: 'run' | 'rollback' | 'resume';
  readonly playbook?: string;
  readonly composition?: string;
  readonly version?: string;
  readonly user?: string;
  readonly startedAtMs: number;
  /** The newest event's time. */
  readonly lastAtMs: number;
  readonly plays: readonly PlayState[];
  /** In inventory order. */
  readonly hosts: ReadonlyMap<string, HostState>;
  readonly planText?: string;
  readonly images: Readonly<Record<string, string>>;
  readonly failures: readonly { readonly host: string; readonly atMs: number; readonly failure: Failure }[];
  readonly warnings: readonly { readonly host?: string; readonly atMs: number; readonly message: string }[];
  /** Images that take long, in the order in which they were first told of, until the first node starts. */
  readonly transfers: readonly Transfer[];
  /** A wait of the run itself, not of one host. */
  readonly wait?: Wait;
  readonly paused?: { readonly reason: string; readonly next: string };
  /** Set by run_finished; a run without it was cut off, or still goes on. */
  readonly outcome?: Outcome;
  readonly exitCode?: number;
  readonly durationMs?: number;
  /** Why it was refused, or broke off. */
  readonly error?: { readonly message: string; readonly details: readonly string[] };
  /** What to type to go on after an interrupt. */
  readonly next?: string;
}

/** Nodes by where they stand; a host in two plays that both change it is two nodes. */
export interface Counts {
  readonly changing: number;
  readonly done: number;
  readonly active: number;
  /** Whether put back or not. */
  readonly failed: number;
  /** By a rollback, without a failure of their own. */
  readonly restored: number;
  readonly left: number;
}

const activePhases: ReadonlySet<HostPhase> = new Set([
  'starting',
  'draining',
  'updating',
  'admitting',
  'finishing',
  'restoring',
]);

/** True from node_started until the node is back, or its end is known. */
export function isActive(host: HostState): boolean {
  return activePhases.has(host.phase);
}

export function countNodes(state: RunState): Counts {
  let changing = 0;
  let done = 0;
  for (const play of state.plays) {
    changing += play.concerned.size;
    done += play.done.size;
  }
  let active = 0;
  let failed = 0;
  let restored = 0;
  for (const host of state.hosts.values()) {
    if (isActive(host)) active += 1;
    else if (host.phase === 'restored' && host.failure === undefined) restored += 1;
    else if (host.phase === 'failed' || host.phase === 'restored') failed += 1;
  }
  return { changing, done, active, failed, restored, left: Math.max(0, changing - done - active - failed - restored) };
}

/** What a node that was put back has where it ran nothing before. */
export const nothingRan = 'as it was: nothing ran there before';
