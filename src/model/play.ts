import type { Gate } from './gate.ts';
import type { Host } from './host.ts';
import type { Position } from './problem.ts';
import type { Secret } from './secret.ts';
import type { Strategy } from './strategy.ts';

/** Where a play's nodes take their traffic from. */
export interface LoadBalancerSpec {
  /** A kind of the table in balancer/. */
  readonly type: string;
  /** As that kind has settled them; only it knows what they are. */
  readonly settings: object;
  /** Inventory host through whose SSH connection the balancer is read. */
  readonly via?: Host;
  /** Port of the nodes that it sends to, where the play says so. */
  readonly port?: number;
  readonly position: Position;
}

/** One tier of hosts and its services. What needs facts comes from `LoadedPlaybook.desired`. */
export interface Play {
  readonly name: string;
  /** In inventory order, `--limit` applied. */
  readonly hosts: readonly Host[];
  /** Hosts of the play, `--limit` or not: what capacity is a share of. */
  readonly hostCount: number;
  /** Undefined for `type: none` and where a play has no balancer. */
  readonly loadBalancer: LoadBalancerSpec | undefined;
  /** The service whose container answers the balancer's check. */
  readonly healthContainer: string | undefined;
  /** A container that is none of the play's, and answers the check in place of one: stopped and started, never anything else. */
  readonly borrowedGate?: string;
  readonly strategy: Strategy;
  /** What has to succeed between the canary and the others. */
  readonly gate?: Gate;
  readonly removeOrphans: boolean;
  /** Tasks run only on hosts where a service changes. */
  readonly tasksOnChange: boolean;
  readonly position: Position;
}

/** Whether the play's nodes leave rotation by the stop of a container that answers the balancer's check. */
export function hasGate({ healthContainer, borrowedGate }: Pick<Play, 'healthContainer' | 'borrowedGate'>): boolean {
  return healthContainer !== undefined || borrowedGate !== undefined;
}

/** What a playbook says of a registry. */
export interface RegistryCredentials {
  /** Host and port, as in image names. */
  readonly registry: string;
  readonly username?: string;
  readonly password?: Secret;
  /** Spoken to over HTTP, or over TLS without a known certificate. Registries on 127.0.0.0/8 and localhost always are. */
  readonly insecure?: true;
}
