import { diffService, liveUpdate } from '../docker/diff.ts';
import { compareSpecHash } from '../docker/hash.ts';
import { labels, nextName, previousName } from '../docker/names.ts';
import type { Container, Observed } from '../docker/observed.ts';
import type { ImageRef } from '../model/image.ts';
import { keyOf, type Service } from '../model/service.ts';
import { causeOf } from './cause.ts';
import { restartPolicyOf } from './heal.ts';
import { adoptedName, isOurs, lineupOf, policyOf, strangersInTheWay } from './lineup.ts';
import type { ChangeKind, Difference, Op, PlaybookName, ServiceChange } from './plan.ts';
import { namesAtCreate, sharesWithStopping, sharingChange, type SharingChange } from './sharing.ts';
import { planVolumes } from './volumes.ts';

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

/** Every decision about one service: what differs, and the ops that end the difference. */
export function reconcileService(service: Service, observed: Observed, role: Role): ServiceSteps {
  const current = observed.containers.get(service.containerName);
  if (current === undefined) {
    return createSteps(service, role, { service: service.name, kind: 'create', cause: 'not there', differences: [] });
  }
  const differences = differencesOf(service, current, observed.images, role);
  const shared = sharingChange(service, current, observed.containers, role.changed);
  if (differences.length === 0 && shared?.kind !== 'replace') return startSteps(service, current, role, shared);

  const ours = ownerOf(service, current, role) === undefined;
  const live = ours && shared?.kind !== 'replace' ? liveUpdate(service, current, observed.images) : undefined;
  const cause = differences.length === 0 ? (shared?.cause ?? '') : causeOf(differences);
  if (live !== undefined && role.isGate && isHalfDrained(service, current)) return drainAgain(service, current, live);
  if (live !== undefined) {
    const started = startSteps(service, current, role, shared);
    const update: Op = { kind: 'update', service: service.name, container: current.name, args: live, cause };
    const change: ServiceChange = { service: service.name, kind: 'update', cause, differences };
    return { ...started, change: alsoStarted(change, started.change), before: [update] };
  }
  return replaceSteps(service, observed, role, {
    service: service.name,
    kind: ours ? 'replace' : 'adopt',
    cause,
    differences: shared?.kind === 'replace' ? [...differences, shared.difference] : differences,
  });
}

/** What is updated, and does not run: its node leaves rotation for the start. */
function alsoStarted(update: ServiceChange, start: ServiceChange | undefined): ServiceChange {
  if (start === undefined) return update;
  const differences = [...start.differences, ...update.differences];
  return { ...start, cause: `${start.cause}; ${update.cause}`, differences };
}

/** Draining takes the gate's policy before it stops it: the run that did so was cut off, and the stop may be under way. */
function isHalfDrained(service: Service, { state, restartPolicy }: Container): boolean {
  return state.running && restartPolicy.name === 'no' && restartPolicyOf(service) !== 'no';
}

/** What it goes back to: a drain that was cut off may have taken the gate's policy, which is the one it was made with. */
function ownPolicy(service: Service, current: Container): string {
  const isTaken =
    isHalfDrained(service, current) && compareSpecHash(service, current.labels[labels.specHash])?.sameMutable === true;
  return isTaken ? restartPolicyOf(service) : policyOf(current);
}

/** The node leaves rotation in good order and comes back; admitting gives the gate its policy. */
function drainAgain(service: Service, current: Container, live: readonly string[]): ServiceSteps {
  const cause = 'its drain was cut off';
  const args = live.filter((arg) => !arg.startsWith('--restart'));
  const update: Op = { kind: 'update', service: service.name, container: current.name, args, cause };
  const differences = [{ path: 'restart', from: 'no', to: restartPolicyOf(service) }];
  return {
    ...nothing,
    change: { service: service.name, kind: 'start', cause, differences },
    before: args.length === 0 ? [] : [update],
  };
}

/** Right, but perhaps not running, or running with what another container no longer is. */
function startSteps(service: Service, current: Container, role: Role, shared: SharingChange | undefined): ServiceSteps {
  // Only the gate comes here paused: leaving rotation stops it, and it starts when its node is let in.
  if (current.state.running && current.state.status !== 'paused')
    return shared === undefined ? nothing : restartSteps(service, current, role, shared);
  if (role.isJob && current.state.status === 'exited' && current.state.exitCode === 0) return nothing;
  const found = current.state.status === 'exited' ? `exited with code ${current.state.exitCode}` : current.state.status;
  const change: ServiceChange = {
    service: service.name,
    kind: 'start',
    cause: `${found}, should run`,
    differences: [{ path: 'state', from: found, to: 'running' }],
  };
  return { ...nothing, change, during: startOps(service, role, change.cause) };
}

/** Stopped and started, so that it joins the namespaces that the other container has now. */
function restartSteps(service: Service, current: Container, role: Role, shared: SharingChange): ServiceSteps {
  const { cause, difference } = shared;
  const change: ServiceChange = { service: service.name, kind: 'start', cause, differences: [difference] };
  // Draining stops the gate, and admitting starts it.
  if (role.isGate) return { ...nothing, change };
  const id = { service: service.name, container: current.name, cause };
  const policy = restartPolicyOf(service);
  const setPolicy = (to: string): readonly Op[] =>
    policy === 'no' ? [] : [{ ...id, kind: 'set_restart', policy: to }];
  return {
    ...nothing,
    change,
    parting: [...setPolicy('no'), { ...id, kind: 'stop', graceMs: service.stopGraceMs }],
    during: [...setPolicy(policy), ...startOps(service, role, cause)],
  };
}

/** The first container of its name: nothing to stop, and nothing to go back to. */
function createSteps(service: Service, role: Role, change: ServiceChange): ServiceSteps {
  const { containerName: container } = service;
  return {
    ...nothing,
    change,
    image: service.image,
    beside: [createOp(service, container, role, change.cause)],
    during: startOps(service, role, change.cause),
  };
}

/** Create next (while the node drains), restart no, stop, park, rename, start. Heal has already removed any leftover. */
function replaceSteps(service: Service, observed: Observed, role: Role, change: ServiceChange): ServiceSteps {
  const name = service.containerName;
  const { cause } = change;
  const id = { service: service.name, cause };
  const current = observed.containers.get(name);
  const { previous } = lineupOf(name, observed.containers);
  const volumes = current === undefined ? undefined : planVolumes(service, current, observed.images);
  const beside: Op[] = [
    {
      ...createOp(service, nextName(name), role, cause),
      ...(volumes === undefined || volumes.carried.length === 0 ? {} : { carried: volumes.carried }),
      ...(current === undefined ? {} : { replaces: { id: current.id, restart: ownPolicy(service, current) } }),
    },
  ];
  // The one that was adopted is not ours to remove.
  if (previous !== undefined)
    beside.push(
      isOurs(previous)
        ? { ...id, kind: 'remove', container: previous.name }
        : { ...id, kind: 'rename', container: previous.name, to: adoptedName(name, previous) },
    );
  // Before it stops: docker starts a stopped container again, with the daemon or the host, unless its policy is `no`,
  // and it would then fight the new one for its port.
  const stop: Op[] = [{ ...id, kind: 'set_restart', container: name, policy: 'no' }];
  // Draining has stopped the gate already.
  if (current?.state.running === true && !role.isGate) {
    stop.push({ ...id, kind: 'stop', container: name, graceMs: service.stopGraceMs });
  }
  const isParting = sharesWithStopping(service, role.changed);
  const during: Op[] = [
    ...(isParting ? [] : stop),
    { ...id, kind: 'rename', container: name, to: previousName(name) },
    { ...id, kind: 'rename', container: nextName(name), to: name },
    ...startOps(service, role, cause),
  ];
  const noted = volumes === undefined || volumes.notes.length === 0 ? {} : { volumes: volumes.notes };
  return {
    ...nothing,
    change: { ...change, ...noted },
    image: service.image,
    beside,
    parting: isParting ? stop : [],
    during,
    errors: strangersInTheWay(service, observed.containers),
  };
}

function createOp(
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
function startOps(service: Service, { isGate, others }: Role, cause: string): readonly Op[] {
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

function differencesOf(
  service: Service,
  current: Container,
  images: Observed['images'],
  role: Role,
): readonly Difference[] {
  const differences = diffService(service, current, images);
  const from = ownerOf(service, current, role);
  return from === undefined ? differences : [{ path: 'container', from, to: `of play ${role.play}` }, ...differences];
}

/**
 * Whose a container is, in words; undefined where it is this play's. A play that was renamed keeps its containers: what
 * has its playbook's name, and is of the service of this name, is its own.
 */
function ownerOf({ name }: Service, { labels: of }: Container, { play, playbook }: Role): string | undefined {
  const owner = of[labels.play];
  if (owner === undefined) return 'not created by rollout';
  const book = of[labels.playbook];
  if (book !== undefined && book !== playbook.name) return `of play ${owner} of playbook ${book}`;
  return owner === play || of[labels.service] === name ? undefined : `of play ${owner}`;
}
