import { diffService, liveUpdate } from '../docker/diff.ts';
import { labels, nextName, previousName } from '../docker/names.ts';
import type { Container, Observed } from '../docker/observed.ts';
import { pinnedImage, type ImageRef } from '../model/image.ts';
import { keyOf, type HostDesired, type Service } from '../model/service.ts';
import { afterOps, healNode, restartPolicyOf } from './heal.ts';
import { causeOf, summarize } from './cause.ts';
import { dependencyOrder, jobsOf } from './order.ts';
import { differingResources, missingExternals, missingForNever, missingResources } from './resources.ts';
import { missingSharers, namesAtCreate, sharesWithStopping, sharingChange, type SharingChange } from './sharing.ts';
import type { ChangeKind, Difference, NodePlan, Op, ServiceChange } from './plan.ts';

export interface NodeContext {
  readonly host: string;
  readonly play: string;
  /** The service that answers the balancer's check. */
  readonly gate: string | undefined;
  readonly removeOrphans: boolean;
}

/**
 * Every decision about one host: what differs between what it runs and what the play wants, and the ops that end the
 * difference. Images must be resolved. Reads nothing and changes nothing, and so can be asked again at any moment.
 */
export function reconcile(desired: HostDesired, observed: Observed, context: NodeContext): NodePlan {
  const services = dependencyOrder(desired.services, context.gate);
  const jobs = jobsOf(services);
  const heal = healNode(services, observed.containers, { gate: context.gate, jobs, server: desired.server });
  const containers = afterOps(observed.containers, heal);
  const now = { ...observed, containers };
  const others = services.filter(({ name }) => name !== context.gate);
  const resources = differingResources(desired, observed);
  const changed = new Map<string, ChangeKind>();
  const steps = services.map((service) => {
    const role = { isGate: service.name === context.gate, isJob: jobs.has(service.name), others, changed, context };
    const step = reconcileService(service, now, role);
    if (step.change !== undefined) changed.set(service.containerName, step.change.kind);
    return step;
  });
  const orphans = reconcileOrphans(desired, containers, context);
  const changes = [...steps, ...orphans].flatMap(({ change }) => (change === undefined ? [] : [change]));
  const beside = steps.flatMap((step) => step.beside).map((op): Op => ({ ...op, beside: 'drain' }));
  const parting = [...steps].reverse().flatMap((step) => step.parting ?? []);
  const disruptive = [...parting, ...[...orphans, ...steps].flatMap(({ during }) => during)];
  const leaves = changes.some(({ kind }) => interrupting.has(kind)) || desired.tasks.length > 0;

  return {
    host: context.host,
    server: desired.server,
    changes: heal.length === 0 ? changes : [healChange(heal), ...changes],
    errors: [
      ...missingExternals(desired, observed),
      ...missingForNever(desired, observed),
      ...missingSharers(services, observed.containers),
      ...resources.errors,
    ],
    warnings: resources.warnings,
    pulls: missingImages(steps, observed),
    heal,
    before: [
      ...taskOps('pre', desired.preTasks),
      ...missingResources(desired, observed),
      ...steps.flatMap(({ before }) => before),
    ],
    during: leaves
      ? rotation({
          services,
          containers,
          changes,
          beside,
          ops: [...disruptive, ...taskOps('main', desired.tasks)],
          desired,
          context,
        })
      : [],
    after: [...orphans.flatMap(({ after }) => after), ...taskOps('post', desired.postTasks)],
  };
}

/** Changes for which a node leaves rotation. */
const interrupting: ReadonlySet<ChangeKind> = new Set(['create', 'replace', 'adopt', 'start', 'remove']);

/** True where a run has nothing at all to do on the host. */
export function isUnchanged(plan: NodePlan): boolean {
  return [plan.heal, plan.before, plan.during, plan.after].every((ops) => ops.length === 0);
}

/** Drain, the given ops, verify what they started, admit. The gate starts with admit, never before. */
function rotation(input: {
  services: readonly Service[];
  containers: Observed['containers'];
  changes: readonly ServiceChange[];
  beside: readonly Op[];
  ops: readonly Op[];
  desired: HostDesired;
  context: NodeContext;
}): readonly Op[] {
  const { services, containers, changes, beside, ops, context } = input;
  const { server } = input.desired;
  const gateService = services.find(({ name }) => name === context.gate);
  const gate = gateService?.containerName;
  const cause =
    changes
      .filter(({ kind }) => kind !== 'orphan' && kind !== 'update')
      .map(summarize)
      .join('; ') || 'tasks';
  const causes = new Map(changes.map((change) => [change.service, change.cause]));
  const started = new Set(ops.flatMap((op) => (op.kind === 'start' ? [op.service] : [])));
  const isGateThere = gate !== undefined && containers.get(gate)?.state.running === true;
  return [
    { kind: 'drain', container: isGateThere ? gate : undefined, server, cause },
    ...beside,
    ...ops,
    ...services
      .filter(({ name }) => started.has(name))
      .map((service): Op => ({
        kind: 'verify',
        service,
        container: service.containerName,
        cause: causes.get(service.name) ?? 'started',
      })),
    {
      kind: 'admit',
      container: gate,
      policy: gateService === undefined ? 'no' : restartPolicyOf(gateService),
      server,
      cause: 'verified',
    },
  ];
}

interface ServiceSteps {
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
}

const nothing: ServiceSteps = { before: [], beside: [], during: [], after: [] };

interface Role {
  readonly isGate: boolean;
  /** Runs to its end and is done, rather than serving. */
  readonly isJob: boolean;
  /** Every service but the gate, for dependencies. */
  readonly others: readonly Service[];
  /** What the plan does with the services before this one. */
  readonly changed: ReadonlyMap<string, ChangeKind>;
  readonly context: NodeContext;
}

function reconcileService(service: Service, observed: Observed, role: Role): ServiceSteps {
  const current = observed.containers.get(service.containerName);
  if (current === undefined) {
    return createSteps(service, role, { service: service.name, kind: 'create', cause: 'not there', differences: [] });
  }
  const differences = differencesOf(service, current, observed.images, role.context.play);
  const shared = sharingChange(service, current, observed.containers, role.changed);
  if (differences.length === 0 && shared?.kind !== 'replace') return startSteps(service, current, role, shared);

  const ours = current.labels[labels.play] === role.context.play;
  const live = ours && shared?.kind !== 'replace' ? liveUpdate(service, current, observed.images) : undefined;
  const cause = differences.length === 0 ? (shared?.cause ?? '') : causeOf(differences);
  if (live !== undefined && role.isGate && isHalfDrained(service, current)) return drainAgain(service, current, live);
  if (live !== undefined) {
    const started = startSteps(service, current, role, shared);
    const update: Op = { kind: 'update', service: service.name, container: current.name, args: live, cause };
    return {
      ...started,
      change: { service: service.name, kind: 'update', cause, differences },
      before: [update],
    };
  }
  return replaceSteps(service, observed, role, {
    service: service.name,
    kind: ours ? 'replace' : 'adopt',
    cause,
    differences: shared?.kind === 'replace' ? [...differences, shared.difference] : differences,
  });
}

/** Draining takes the gate's policy before it stops it: the run that did so was cut off, and the stop may be under way. */
function isHalfDrained(service: Service, { state, restartPolicy }: Container): boolean {
  return state.running && restartPolicy.name === 'no' && restartPolicyOf(service) !== 'no';
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
  if (current.state.running) return shared === undefined ? nothing : restartSteps(service, current, role, shared);
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
  const hasPrevious = observed.containers.has(previousName(name));
  const beside: Op[] = [createOp(service, nextName(name), role, cause)];
  if (hasPrevious) beside.push({ ...id, kind: 'remove', container: previousName(name) });
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
  return { ...nothing, change, image: service.image, beside, parting: isParting ? stop : [], during };
}

function createOp(service: Service, container: string, { changed }: Role, cause: string): Op {
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
  play: string,
): readonly Difference[] {
  const differences = diffService(service, current, images);
  const owner = current.labels[labels.play];
  if (owner === play) return differences;
  const from = owner === undefined ? 'not created by rollout' : `of play ${owner}`;
  return [{ path: 'container', from, to: `of play ${play}` }, ...differences];
}

function missingImages(steps: readonly ServiceSteps[], { images }: Observed): readonly ImageRef[] {
  const missing = new Map<string, ImageRef>();
  for (const { image } of steps) {
    if (image !== undefined && !images.has(pinnedImage(image))) missing.set(pinnedImage(image), image);
  }
  return [...missing.values()];
}

/** Containers of this play that it no longer names: reported, or taken away. */
function reconcileOrphans(
  { services, leftOut = [] }: HostDesired,
  containers: Observed['containers'],
  { play, removeOrphans }: NodeContext,
): readonly ServiceSteps[] {
  const known = new Set(services.flatMap(({ containerName: name }) => [name, nextName(name), previousName(name)]));
  // A replica's label has its number behind the service's name.
  const isLeftOut = (service = ''): boolean =>
    leftOut.includes(service) || leftOut.includes(service.replace(/-\d+$/, ''));
  const orphans = [...containers.values()].filter(
    (container) =>
      container.labels[labels.play] === play &&
      !known.has(container.name) &&
      !isLeftOut(container.labels[labels.service]),
  );
  return orphans.map(({ name, state, labels: { [labels.service]: service = name } }): ServiceSteps => {
    const cause = 'the play no longer names it';
    if (!removeOrphans) return { ...nothing, change: { service: name, kind: 'orphan', cause, differences: [] } };
    const stop: Op = { kind: 'stop', service, container: name, graceMs: orphanGraceMs, cause };
    return {
      // One that still runs may serve, and may hold a port that its successor wants.
      ...nothing,
      change: { service: name, kind: 'remove', cause, differences: [] },
      during: state.running ? [stop] : [],
      after: [{ kind: 'remove', service, container: name, cause }],
    };
  });
}

/** Docker's own default; an orphan's stop_grace_period is nowhere to be read. */
const orphanGraceMs = 10_000;

function healChange(heal: readonly Op[]): ServiceChange {
  const services = [
    ...new Set(heal.flatMap((op) => ('service' in op && typeof op.service === 'string' ? [op.service] : []))),
  ];
  return {
    service: services.join(', ') || 'health',
    kind: 'heal',
    cause: heal[0]?.cause ?? '',
    differences: [],
  };
}

function taskOps(phase: 'pre' | 'main' | 'post', tasks: HostDesired['tasks']): readonly Op[] {
  const cause = phase === 'main' ? 'tasks' : `${phase}_tasks`;
  return tasks.map((task) => ({ kind: 'task', phase, task, cause }));
}
