import { diffService, liveUpdate } from '../docker/diff.ts';
import { labels } from '../docker/names.ts';
import type { Container, Observed } from '../docker/observed.ts';
import type { Service } from '../model/service.ts';
import { causeOf } from './cause.ts';
import type { ReplacementOrder } from './order/order.ts';
import type { Difference, Op, ServiceChange } from './plan.ts';
import { isHalfDrained, restartPolicyOf } from './restart-policy.ts';
import { createOp, nothing, startOps, type Role, type ServiceSteps } from './role.ts';
import { sharingChange, type SharingChange } from './sharing.ts';

/** Every decision about one service: what differs, and the ops that end the difference. */
export function reconcileService(
  service: Service,
  observed: Observed,
  role: Role,
  order: ReplacementOrder,
): ServiceSteps {
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
  return order.replace(service, observed, role, {
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
