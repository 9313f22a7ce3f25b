import type { BalancerView } from '../balancer/view.ts';
import type { Observed } from '../docker/observed.ts';
import type { HostDesired } from '../model/service.ts';
import type { NodePlan, ServiceChange } from './plan.ts';
import type { Counted } from './traffic.ts';

/** What was found of one host for one play. */
export type HostFinding =
  | {
      readonly kind: 'read';
      readonly host: string;
      readonly desired: HostDesired;
      readonly observed: Observed;
      /** What a run would do. */
      readonly plan: NodePlan;
      /** Who holds its lock. */
      readonly lock?: LockFinding | undefined;
      /** What could not be found out about it, as an image that its registry does not tell. */
      readonly troubles: readonly string[];
    }
  | ({ readonly kind: 'unreachable' } & Unreachable);

export interface Unreachable {
  readonly host: string;
  /** The kind of what went wrong: `unreachable`, `auth_failed`, `daemon_down` … */
  readonly reason: string;
  readonly message: string;
  /** What to type or change. */
  readonly hint?: string;
}

export interface LockFinding {
  /** `run 20261121-1504 of alice from laptop, since 2026-11-21T15:04:05Z` */
  readonly holder: string;
  readonly run?: string;
  readonly since?: number;
}

/** What was found for one play. */
export interface PlayFinding {
  readonly play: string;
  readonly hosts: readonly HostFinding[];
  /** Undefined where the play has no balancer. */
  readonly view: BalancerView | undefined;
  /** Requests of each server since the look before. */
  readonly counted: readonly Counted[];
  /** How long ago that was. */
  readonly countedMs: number;
  /** The balancer's names of all hosts of the play, `--limit` or not. */
  readonly servers: readonly string[];
}

/** A fleet at one moment: what `rollout status` shows and prints as JSON. */
export interface FleetStatus {
  readonly playbook: string;
  /** Of the composition that is wanted. */
  readonly composition?: string;
  readonly atMs: number;
  /** Nothing differs, all runs and is healthy, every host answers and is UP. */
  readonly asWanted: boolean;
  readonly plays: readonly PlayStatus[];
}

export interface PlayStatus {
  readonly play: string;
  readonly asWanted: boolean;
  /** Absent where the play has no balancer. */
  readonly balancer?: BalancerStatus;
  /** In inventory order. */
  readonly hosts: readonly HostStatus[];
  readonly unreachable: readonly Unreachable[];
  /** What is worth saying of the hosts, and does not count. */
  readonly warnings: readonly string[];
}

export interface BalancerStatus {
  /** Those that could not be read. */
  readonly errors: readonly { readonly balancer: string; readonly message: string }[];
  /** Servers of the play's hosts that are UP at every balancer. */
  readonly up: number;
  readonly sessions: number;
  readonly traffic: TrafficStatus;
  /** Servers there that are no host of the play. */
  readonly otherServers: readonly string[];
}

/** Requests over the time between two looks. */
export interface TrafficStatus {
  readonly requests: number;
  readonly errors: number;
  readonly overMs: number;
}

export interface HostStatus {
  readonly host: string;
  readonly asWanted: boolean;
  readonly services: readonly ServiceStatus[];
  /** What a run would change, in the plan's words. */
  readonly drift: readonly Pick<ServiceChange, 'service' | 'kind' | 'cause' | 'differences'>[];
  /** Containers that a run has replaced, to go back to. */
  readonly parked: readonly ParkedStatus[];
  /** Containers that a run has left half way. */
  readonly leftovers: readonly string[];
  /** What stands in a run's way, and what could not be found out. */
  readonly problems: readonly string[];
  readonly lock?: LockFinding;
  readonly balancer?: ServerAtBalancers;
}

export interface ServerAtBalancers {
  readonly server: string;
  /** `UP`, or `UP at lb1, DOWN 1/2 at lb2` where they differ. */
  readonly state: string;
  readonly isUp: boolean;
  /** Undefined where no balancer counts them. */
  readonly sessions?: number;
  readonly queued: number;
  readonly traffic: TrafficStatus;
}

export interface ParkedStatus {
  readonly service: string;
  readonly container: string;
  readonly image: string;
}

export interface ServiceStatus {
  readonly service: string;
  readonly container: string;
  /** `running`, `exited with code 1`, `not there`. */
  readonly state: string;
  readonly isGood: boolean;
  /** `name:tag` that it was made from. */
  readonly image?: string;
  readonly digest?: string;
  readonly composition?: string;
  readonly run?: string;
  /** Since when it is in its state, as docker says: RFC 3339. */
  readonly since?: string;
  readonly sinceMs?: number;
  readonly health?: 'starting' | 'healthy' | 'unhealthy';
  readonly restarts?: number;
  /** It answers the balancer's check, and is none of the play's. */
  readonly isBorrowed?: true;
}
