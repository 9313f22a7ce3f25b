// Longer than 300 lines: one union of all events, with no code, so that an event is one entry in one place.
import type { Facts } from '../model/host.ts';

/** How a run ended. */
export type Outcome = 'changed' | 'unchanged' | 'failed' | 'rolled_back' | 'paused' | 'interrupted';

/** How a host ended. */
export type HostResult = 'updated' | 'unchanged' | 'failed' | 'restored' | 'unreachable' | 'untouched';

/** An op in words, the same in plan, log and report. */
export interface OpText {
  readonly kind: string;
  /** `stop app`, `create app.next from shop/app:1.5`. */
  readonly text: string;
  /** `image 1.4 → 1.5`. */
  readonly cause: string;
  readonly service?: string;
  /** The job whose end it waits for. */
  readonly job?: string;
}

/** Why a node failed, complete enough to act on. */
export interface Failure {
  readonly op: OpText;
  /** One line: what happened. */
  readonly message: string;
  readonly exitCode?: number;
  /** The container's last log lines, oldest first. */
  readonly logs: readonly string[];
  /** The file at the controller that holds its whole log. */
  readonly logFile?: string;
  /** The command to type next. */
  readonly next?: string;
  /** The new container itself failed, and neither its host nor the registry: it speaks against the image. */
  readonly ofImage?: true;
}

/** Requests and errors over a span, from the balancer's counters. */
export interface Traffic {
  readonly requests: number;
  readonly errors: number;
  /** errors / requests; 0 without requests. */
  readonly errorRatio: number;
  readonly responseTimeMs?: number;
}

/** `promoted`: an operator ended the bake; `skipped`: the run does not bake (`--no-bake`). */
export type BakeVerdict = 'passed' | 'failed' | 'inconclusive' | 'promoted' | 'skipped';

/** What was seen of updated nodes on real traffic. */
export interface Judgement {
  readonly verdict: BakeVerdict;
  /** `2 of 410 failed (0.5 %), peers 0.4 %; 2.1 % or more would have been seen`. */
  readonly reason: string;
  /** Of the nodes that were judged. */
  readonly canary?: Traffic;
  /** Of nodes that were not updated, on the same traffic. */
  readonly peers?: Traffic;
  /** Of the fleet before the run, where there were no such nodes. */
  readonly before?: Traffic;
  /** An error ratio from this on would have been seen; absent where nothing short of a total failure would. */
  readonly detectableRatio?: number;
}

/** Of an image on its way to a host. */
export interface ImageProgress {
  /** `push`: the controller sends it. */
  readonly by: 'pull' | 'push';
  /** Of a pull. What the host had before is not among them. */
  readonly layers?: { readonly total: number; readonly fetched: number; readonly unpacked: number };
  /** Absent where the size of a layer is not known. */
  readonly doneBytes?: number;
  readonly totalBytes?: number;
  /** Over the last ten seconds. Of a pull whose layers come as a whole only: since its beginning. */
  readonly bytesPerSecond?: number;
  readonly durationMs: number;
}

/** What the balancers show of a play's servers: the fewest UP on any one of them. */
export interface PoolCount {
  readonly up: number;
  readonly servers: number;
}

/** Capacity now, and the backend's requests since the last time. */
export interface TrafficSeen {
  readonly pool: PoolCount;
  /** Open ones and queued requests; absent where a balancer does not count them. */
  readonly sessions?: number;
  /** Over all its servers, strangers among them; absent where a balancer does not count, or has only begun to. */
  readonly requests?: number;
  readonly errors?: number;
  /** Since the last one. */
  readonly spanMs: number;
}

export interface PlannedChange {
  readonly service: string;
  readonly kind: string;
  readonly cause: string;
}

/** Nodes that are updated together, and hold for `bakeMs` before the next ones; 0: not at all. */
export interface PlannedWave {
  /** `canary`, `stage 10%`, `zone eu`, `the others`. */
  readonly name: string;
  readonly zone?: string;
  readonly hosts: readonly string[];
  readonly maxUnavailable: number;
  readonly bakeMs: number;
}

/** Where a resumed run goes on from; what the runs before the last one had done is among it. */
export interface Resumed {
  /** The run that it goes on with. */
  readonly run: string;
  /** The first one, where that one was resumed itself. */
  readonly first?: string;
  /** Hosts whose node was finished, by play. */
  readonly finished: Readonly<Record<string, readonly string[]>>;
  /** Plays whose canary had been judged. */
  readonly judged: readonly string[];
  /** By play: the waves that had held, the canary among them. */
  readonly baked?: Readonly<Record<string, readonly string[]>>;
  /** A rollback goes on: neither canary nor bakes. */
  readonly isRollback?: true;
  /** Of such a rollback: the run whose images it goes back to. */
  readonly toRun?: string;
  /** What its tags stood for, as in `plan_ready`. */
  readonly images: Readonly<Record<string, string>>;
}

/** How each host ended, by its name. */
export type RunHosts = Readonly<
  Record<string, { readonly result: HostResult; readonly durationMs?: number; readonly message?: string }>
>;

/** What happened, as data. One a line in `--output json` and in the journal, with `v`, `at` and `run` in front. */
export type EventBody =
  | {
      readonly type: 'run_started';
      readonly command: 'run' | 'rollback' | 'resume';
      readonly playbook: string;
      readonly composition?: string;
      /** Flags that decide what the run does, by their long names: what `resume` goes on with. */
      readonly options?: Readonly<Record<string, unknown>>;
      /** `-e`: files and names as given, no value; and a hash of it all, to know the same again. */
      readonly extraVars?: { readonly given: readonly string[]; readonly hash: string };
      /** The working folder, for the relative paths among them. */
      readonly cwd?: string;
      readonly version: string;
      readonly user: string;
      readonly plays: readonly { readonly play: string; readonly hosts: readonly string[] }[];
      /** Of a rollback: to the previous containers, to the composition, or to the images of an earlier run. */
      readonly rollbackTo?: 'parked' | 'composition' | 'run';
      /** That run. */
      readonly toRun?: string;
      /** The machine that it runs on: where it can be steered. */
      readonly controller?: string;
      /** The git commit of the playbook's working tree. */
      readonly commit?: string;
      /** What the composition was made from: a git tag or commit. */
      readonly source?: string;
      /** The page of the CI job that it runs in. */
      readonly ciJob?: string;
      /** `--no-bake`, and why. */
      readonly noBake?: { readonly reason: string };
      /** `--ignore-window`, and why. */
      readonly ignoreWindow?: { readonly reason: string };
      /** What a scheduler started it by: a cron expression and its time zone. */
      readonly scheduled?: string;
      /** Of a resumed run: what the runs before it had done. */
      readonly resumed?: Resumed;
    }
  | { readonly type: 'host_connected'; readonly host: string; readonly facts: Facts; readonly durationMs: number }
  | { readonly type: 'host_unreachable'; readonly host: string; readonly message: string; readonly hint?: string }
  | {
      readonly type: 'plan_ready';
      /** The whole plan, as `rollout plan` prints it. */
      readonly text: string;
      /** Of a rollback to parked containers: the run that it undoes. */
      readonly undoes?: string;
      readonly plays: readonly {
        readonly play: string;
        readonly canaries: readonly string[];
        /** Its nodes in the order of their turns: the canary, stages, zones, and everyone else. */
        readonly waves?: readonly PlannedWave[];
        readonly maxUnavailable: number;
        readonly minAvailable: number;
        readonly hosts: Readonly<Record<string, readonly PlannedChange[]>>;
      }[];
      /** Every image the run uses, `name:tag` to `name:tag@digest`. */
      readonly images: Readonly<Record<string, string>>;
      /** By service, over all plays and hosts: its images with their digests; one where it is the same everywhere. */
      readonly components?: Readonly<Record<string, readonly string[]>>;
    }
  /** Of an image that takes long: how far it has come. Once a second a host at most; less often with many hosts. */
  | ({ readonly type: 'image_progress'; readonly host: string; readonly image: string } & ImageProgress)
  | { readonly type: 'image_pulled'; readonly host: string; readonly image: string; readonly durationMs: number }
  /** Sent by the controller: bytes of layers, those that the host lacked and all. */
  | {
      readonly type: 'image_pushed';
      readonly host: string;
      readonly image: string;
      readonly sentBytes: number;
      readonly totalBytes: number;
      readonly durationMs: number;
    }
  | {
      readonly type: 'node_started';
      readonly host: string;
      readonly play: string;
      readonly role: 'canary' | 'fan_out' | 'rollback';
      readonly cause: string;
      readonly ops: number;
    }
  | {
      readonly type: 'drain_started';
      readonly host: string;
      readonly server: string;
      readonly sessions: number;
      readonly pool?: PoolCount;
    }
  | {
      readonly type: 'node_drained';
      readonly host: string;
      readonly durationMs: number;
      readonly sessionsCut: number;
      readonly pool?: PoolCount;
    }
  | { readonly type: 'op_started'; readonly host: string; readonly op: OpText }
  | {
      readonly type: 'op_finished';
      readonly host: string;
      readonly op: OpText;
      readonly ok: boolean;
      readonly durationMs: number;
      readonly exitCode?: number;
      readonly message?: string;
    }
  /** A task of the playbook, or one item of its loop. `ignored`: it failed, and that is ignored. */
  | {
      readonly type: 'task_finished';
      readonly host: string;
      readonly task: string;
      readonly module: string;
      readonly status: 'ok' | 'changed' | 'skipped' | 'failed' | 'ignored';
      /** Of a loop. */
      readonly item?: string;
      readonly rc?: number;
      readonly message?: string;
      /** The end of what it printed. Nothing with no_log. */
      readonly stdout?: string;
      readonly stderr?: string;
      /** Lines of a unified diff of the file that it changed. */
      readonly diff?: readonly string[];
      readonly durationMs: number;
    }
  /** Whole lines of what a command in a container prints, as they come; not with no_log. */
  | { readonly type: 'task_output'; readonly host: string; readonly task: string; readonly lines: readonly string[] }
  | { readonly type: 'node_verified'; readonly host: string; readonly durationMs: number }
  | { readonly type: 'node_admitted'; readonly host: string; readonly durationMs: number; readonly pool?: PoolCount }
  | {
      readonly type: 'bake_started';
      readonly play: string;
      /** What holds, by the plan's name: `canary`, `stage 10%`, `zone eu`. */
      readonly wave?: string;
      readonly hosts: readonly string[];
      readonly bakeMs: number;
    }
  /** Too little was seen to judge by: it goes on, up to `bakeMs` from its beginning. */
  | {
      readonly type: 'bake_prolonged';
      readonly play: string;
      readonly wave: string;
      readonly bakeMs: number;
      readonly reason: string;
    }
  | ({
      readonly type: 'bake_finished';
      readonly play: string;
      /** `soak` for what came after the last node. */
      readonly wave?: string;
      readonly hosts: readonly string[];
    } & Judgement)
  /** Of nodes updated by then, against those still to come. */
  | ({
      readonly type: 'fan_out_judged';
      readonly play: string;
      readonly hosts: readonly string[];
    } & Judgement)
  | {
      readonly type: 'node_done';
      readonly host: string;
      readonly play: string;
      /** `unchanged`: at its turn it was as wanted by then, and was not started. */
      readonly result: 'updated' | 'unchanged';
      readonly durationMs: number;
    }
  | { readonly type: 'node_failed'; readonly host: string; readonly failure: Failure }
  | {
      readonly type: 'node_restored';
      readonly host: string;
      readonly durationMs: number;
      /** False: it could not be put back; `message` says why and what is where. */
      readonly serving: boolean;
      readonly message?: string;
      /** What to type where it does not serve. */
      readonly next?: string;
      /** It had been tried before, in vain. */
      readonly again?: boolean;
      /** False: nothing of the play ran there before, so that nothing serves. */
      readonly ranBefore?: false;
    }
  /** From another terminal: `rollout promote`, `pause`, `abort`. */
  | {
      readonly type: 'run_steered';
      readonly steering: 'promote' | 'pause' | 'abort';
      /** The user there. */
      readonly by: string;
      /** What it led to. */
      readonly message: string;
    }
  /** What a check answered, unless it passes once more. */
  | {
      readonly type: 'check_result';
      readonly play: string;
      readonly check: string;
      /** Those that it was asked for; the same question is asked once for all of them. */
      readonly hosts: readonly string[];
      readonly phase: 'bake' | 'fan_out' | 'soak';
      /** `unanswered`: nothing was heard that speaks for or against. */
      readonly outcome: 'passed' | 'failed' | 'unanswered';
      readonly message: string;
      /** By now, in this phase. */
      readonly failures: number;
      readonly failureLimit: number;
      /** It fails nothing. */
      readonly dryRun?: boolean;
    }
  /** After the canary has held. */
  | {
      readonly type: 'gate_started';
      readonly play: string;
      /** The canaries. */
      readonly hosts: readonly string[];
      /** `./smoke.sh at the controller`. */
      readonly gate: string;
      readonly timeoutMs: number;
    }
  | {
      readonly type: 'gate_finished';
      readonly play: string;
      readonly hosts: readonly string[];
      readonly gate: string;
      readonly ok: boolean;
      /** Why it did not open; `exit code 0` where it did. */
      readonly message: string;
      readonly exitCode?: number;
      /** The last lines that it printed. */
      readonly output: readonly string[];
      readonly durationMs: number;
    }
  | {
      readonly type: 'run_paused';
      readonly reason: string;
      readonly next: string;
      /** Its window has closed, or a freeze has begun. */
      readonly by?: 'window';
    }
  | {
      readonly type: 'run_finished';
      readonly outcome: Outcome;
      readonly exitCode: number;
      readonly durationMs: number;
      readonly hosts: RunHosts;
      /** Of a run that was refused or broke off: why, as the terminal showed it. */
      readonly error?: { readonly message: string; readonly details: readonly string[] };
      /** Of an interrupted run: what to type to go on. */
      readonly next?: string;
    }
  /** With `-vvv`: a command on a host. Without an exit code it goes on, or its connection broke. */
  | {
      readonly type: 'command_run';
      readonly host: string;
      /** Quoted for a shell. */
      readonly commandLine: string;
      /** Where that is a script of rollout's own: its name and arguments, without its text. */
      readonly script?: string;
      readonly exitCode?: number;
      readonly durationMs: number;
    }
  /** Said at least every 10 s during any wait. */
  | {
      readonly type: 'waiting';
      readonly host?: string;
      readonly message: string;
      readonly elapsedMs: number;
      readonly limitMs: number;
      /** Sessions still open on the node, while it drains. */
      readonly sessions?: number;
      readonly pool?: PoolCount;
    }
  /** What the balancers of a play show and have counted, every two seconds at most, whenever they are read. */
  | ({ readonly type: 'traffic_seen'; readonly play: string } & TrafficSeen)
  | { readonly type: 'warning'; readonly host?: string; readonly message: string };

export type Event = EventBody & {
  readonly v: 1;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly run: string;
};

/** Events of one type, or of a few. */
export type EventOf<T extends Event['type']> = Event & { readonly type: T };

/** Where events go: the renderer, the journal. */
export type Emit = (event: EventBody) => void;
