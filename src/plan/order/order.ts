import type { Container, Observed } from '../../docker/observed.ts';
import type { HostDesired, Service } from '../../model/service.ts';
import type { OrderName } from '../../model/strategy.ts';
import type { Op, ServiceChange } from '../plan.ts';
import type { Role, ServiceSteps } from '../role.ts';

export type Containers = ReadonlyMap<string, Container>;

/**
 * In which order the old and the new containers of a node stop and start. An order answers three questions, each at any
 * point and from what is on the host alone: what next, how to heal what a run left half way, and how to put back what
 * ran before. One more order is one more module and its row in table.ts.
 */
export interface ReplacementOrder {
  readonly name: OrderName;
  /** The names that containers of a service may have on a host, its own first. */
  containerNames(service: Service): readonly string[];
  /** Its replacement has begun, and what runs of it is not to be started or judged by itself. */
  isMidway(service: Service, containers: Containers): boolean;

  /** What next, for one service: its successor takes the place of the container that runs. */
  replace(service: Service, observed: Observed, role: Role, change: ServiceChange): ServiceSteps;
  /** What next, for the node: out of rotation, what its services need, and in again. */
  rotate(rotation: Rotation): readonly Op[];

  /** How to heal: the node serves again with containers that are there; what the playbook wants comes afterwards. */
  heal(services: readonly Service[], containers: Containers, node: NodeRoles): readonly Op[];

  /** How to put back: from whatever the host runs now to the containers that it ran before, told apart by their ids. */
  putBack(input: PutBack): WayBack;
  /** The container that would come back for a service; undefined where none is kept. */
  kept(service: Service, containers: Containers): Container | undefined;
  /** What "before" is without a run in memory: what is kept of `going` (all, where it is not given) in its place again. */
  before(services: readonly Service[], now: Containers, going?: ReadonlySet<Service>): Containers;
}

/** What the services of a node are to it. */
export interface NodeRoles {
  /** Name of the health container's service. */
  readonly gate: string | undefined;
  readonly jobs: ReadonlySet<string>;
  /** The node's name at the balancer. */
  readonly server: string;
}

export interface Rotation {
  /** In dependency order, the gate last. */
  readonly services: readonly Service[];
  readonly containers: Containers;
  readonly changes: readonly ServiceChange[];
  readonly jobs: ReadonlySet<string>;
  /** What goes on while the node drains. */
  readonly beside: readonly Op[];
  /** What is done while it is out. */
  readonly ops: readonly Op[];
  readonly desired: Pick<HostDesired, 'server'>;
  readonly context: Pick<NodeRoles, 'gate'>;
}

export interface PutBack {
  /** Wanted by the play, in dependency order, the gate last. */
  readonly services: readonly Service[];
  readonly gate: string | undefined;
  readonly server: string;
  readonly before: Containers;
  readonly now: Containers;
  readonly cause: string;
}

export interface WayBack {
  readonly ops: readonly Op[];
  /** Services whose old container is gone: they cannot be put back. */
  readonly lost: readonly string[];
}
