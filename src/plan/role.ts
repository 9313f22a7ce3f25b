import type { ImageRef } from '../model/image.ts';
import { keyOf, type Service } from '../model/service.ts';
import type { ChangeKind, Op, PlaybookName, ServiceChange } from './plan.ts';
import { namesAtCreate } from './sharing.ts';

/** What is done for one service, by its place in the node's update. */
export interface ServiceSteps {
  readonly change?: ServiceChange;
  /** The image of a container that is to be created. */
  readonly image?: ImageRef;
  readonly before: readonly Op[];
  /** While the node drains. */
  readonly beside: readonly Op[];
  /** Before anything of `during`, of all services: what shares with a container that stops. */
  readonly parting?: readonly Op[];
  readonly during: readonly Op[];
  readonly after: readonly Op[];
  /** What stands in its way. */
  readonly errors?: readonly string[];
}

export const nothing: ServiceSteps = { before: [], beside: [], during: [], after: [] };

/** What a service is among the others of its node. */
export interface Role {
  readonly isGate: boolean;
  /** Runs to its end and is done, rather than serving. */
  readonly isJob: boolean;
  /** Every service but the gate, for dependencies. */
  readonly others: readonly Service[];
  /** What the plan does with the services before this one. */
  readonly changed: ReadonlyMap<string, ChangeKind>;
  readonly play: string;
  readonly playbook: PlaybookName;
}

/** A container that is made, but not started; what it shares with may still have another name. */
export function createOp(
  service: Service,
  container: string,
  { changed }: Role,
  cause: string,
): Extract<Op, { kind: 'create' }> {
  const names = namesAtCreate(service, changed);
  const namesUntilThen = Object.keys(names).length === 0 ? {} : { namesUntilThen: names };
  return { kind: 'create', service, container, ...namesUntilThen, cause };
}

/** Starts a service once what it depends on is as far as it asks; the gate is started by admit alone. */
export function startOps(service: Service, { isGate, others }: Role, cause: string): readonly Op[] {
  if (isGate) return [];
  const ops: Op[] = [];
  for (const { service: key, condition } of service.dependsOn) {
    if (condition === 'service_started') continue;
    for (const { name, containerName: container } of others.filter((other) => keyOf(other) === key)) {
      ops.push({ kind: 'await', service: name, container, condition, cause: `${service.name} depends on it` });
    }
  }
  return [...ops, { kind: 'start', service: service.name, container: service.containerName, cause }];
}

/** A job is right when it has ended with exit code 0. */
export function completion({ name, containerName }: Service, cause: string): Op {
  const condition = 'service_completed_successfully';
  return { kind: 'await', service: name, container: containerName, condition, cause };
}
