import { labels } from '../docker/names.ts';
import type { Container, Observed } from '../docker/observed.ts';
import { pinnedImage, type ImageRef } from '../model/image.ts';
import { keyOf, type HostDesired, type Service } from '../model/service.ts';
import type { Play } from '../model/play.ts';
import type { OrderName } from '../model/strategy.ts';
import type { Task } from '../model/task.ts';
import { sharingOf } from '../service/shared.ts';
import { afterOps } from './after-ops.ts';
import { borrowedTroubles, healBorrowed, rotateBorrowed, settleAfterTasks } from './borrowed-gate.ts';
import { dependencyOrder, jobsOf } from './dependencies.ts';
import type { ReplacementOrder } from './order/order.ts';
import { orderOf } from './order/table.ts';
import { differingResources, missingExternals, missingForNever, missingResources } from './resources.ts';
import { completion, nothing, type ServiceSteps } from './role.ts';
import { reconcileService } from './service-steps.ts';
import { missingSharers } from './sharing.ts';
import type { TaskFinding } from './task-findings.ts';
import { abandonedVolumes } from './volumes.ts';
import { unprobedServices } from './unprobed.ts';
import type { ChangeKind, NodePlan, Op, PlaybookName, ServiceChange } from './plan.ts';

export interface NodeContext {
  readonly host: string;
  readonly play: string;
  readonly playbook: PlaybookName;
  /** The service that answers the balancer's check. */
  readonly gate: string | undefined;
  readonly removeOrphans: boolean;
  /** Tasks only where a service changes. */
  readonly tasksOnChange?: boolean;
  /** stop-first where it is not given. */
  readonly order?: OrderName;
  /** All of its tasks were found to have nothing to do. */
  readonly areTasksIdle?: boolean;
  readonly findings?: readonly TaskFinding[];
}

/** What a host is decided on in a play, with no more than the play says. */
export function contextOf(host: string, play: Play, playbook: PlaybookName): NodeContext {
  const { name, healthContainer: gate, removeOrphans, tasksOnChange, strategy } = play;
  const { order } = strategy;
  return { host, play: name, playbook, gate, removeOrphans, tasksOnChange, ...(order === undefined ? {} : { order }) };
}

const noTasks: Pick<HostDesired, 'preTasks' | 'tasks' | 'postTasks'> = { preTasks: [], tasks: [], postTasks: [] };

/**
 * Every decision about one host: what differs between what it runs and what the play wants, and the ops that end the
 * difference. Images must be resolved. Reads nothing and changes nothing, and so can be asked again at any moment.
 */
export function reconcile(desired: HostDesired, observed: Observed, context: NodeContext): NodePlan {
  const services = dependencyOrder(desired.services, context.gate);
  const jobs = jobsOf(services);
  const order = orderOf(context);
  const others = services.filter(({ name }) => name !== context.gate);
  const paused = others.filter(({ containerName: name }) => observed.containers.get(name)?.state.status === 'paused');
  const wake = paused.map((service): Op => ({ ...pausedOp(service), kind: 'unpause' }));
  const awake = afterOps(observed.containers, wake);
  const leftovers = [
    ...order.heal(services, awake, { gate: context.gate, jobs, server: desired.server }),
    ...healBorrowed(desired, observed),
  ];
  const containers = afterOps(awake, leftovers);
  const now = { ...observed, containers };
  const borrowed = borrowedTroubles(desired, now);
  const resources = differingResources(desired, observed);
  const changed = new Map<string, ChangeKind>();
  const early = new Set<string>();
  const steps = services.map((service) => {
    const role = {
      isGate: service.name === context.gate,
      isJob: jobs.has(service.name),
      others,
      changed,
      play: context.play,
      playbook: context.playbook,
    };
    const found = reconcileService(service, now, role, order);
    const isEarly = role.isJob && mayRunEarly(service, services, { changed, early, containers });
    const step = asJob(role.isJob, isEarly ? beforeItLeaves(service, found) : found);
    if (isEarly) early.add(service.name);
    if (step.change !== undefined) changed.set(service.containerName, step.change.kind);
    return step;
  });
  const orphans = reconcileOrphans(desired, containers, context, order);
  const own = [...steps, ...orphans].flatMap(({ change }) => (change === undefined ? [] : [change]));
  const staying = paused.filter(({ containerName }) => !changed.has(containerName));
  const changes = [...staying.map(pausedChange), ...own];
  const beside = steps.flatMap((step) => step.beside).map((op): Op => ({ ...op, beside: 'drain' }));
  const parting = [...steps].reverse().flatMap((step) => step.parting ?? []);
  const disruptive = [...parting, ...[...orphans, ...steps].flatMap(({ during }) => during)];
  const ofLeaving = changes.filter(({ service }) => !early.has(service));
  const isIdle = leftovers.length === 0 && changes.every(({ kind }) => kind === 'orphan');
  const isLeftAlone = context.areTasksIdle === true || (context.tasksOnChange === true && isIdle);
  const { preTasks, tasks, postTasks } = isLeftAlone ? noTasks : desired;
  const leaves = ofLeaving.some(({ kind }) => interrupting.has(kind)) || tasks.length > 0;

  return {
    host: context.host,
    server: desired.server,
    ...(context.findings === undefined ? {} : { findings: context.findings }),
    changes:
      leftovers.length === 0 ? changes : [healChange(leftovers, context.gate ?? desired.borrowedGate), ...changes],
    errors: [
      ...missingExternals(desired, observed),
      ...missingForNever(desired, observed),
      ...missingSharers(services, observed.containers),
      ...steps.flatMap((step) => step.errors ?? []),
      ...resources.errors,
      ...borrowed.errors,
    ],
    warnings: [
      ...resources.warnings,
      ...borrowed.warnings,
      ...unprobedServices(services, observed, { gate: context.gate, jobs, starting: startingIn(own) }),
    ],
    pulls: missingImages(steps, observed),
    heal: [...wake, ...staying.filter(({ name }) => !jobs.has(name)).map(verifyAwake), ...leftovers],
    before: [
      ...taskOps('pre', preTasks, desired.handlers),
      ...missingResources(desired, observed),
      ...steps.flatMap(({ before }) => before),
    ],
    during: leaves
      ? rotateBorrowed(
          settleAfterTasks(
            order.rotate({
              services,
              containers,
              changes: ofLeaving,
              jobs,
              beside,
              ops: [...disruptive, ...taskOps('main', tasks, desired.handlers)],
              desired,
              context,
            }),
          ),
          desired.borrowedGate,
          containers,
        )
      : [],
    after: [...orphans.flatMap(({ after }) => after), ...taskOps('post', postTasks, desired.handlers)],
  };
}

/** Services whose container is another one afterwards, or runs again. */
function startingIn(changes: readonly ServiceChange[]): ReadonlySet<string> {
  return new Set(changes.flatMap(({ service, kind }) => (beginning.has(kind) ? [service] : [])));
}

const beginning: ReadonlySet<ChangeKind> = new Set(['create', 'replace', 'adopt']);

/** Changes for which a node leaves rotation. */
const interrupting: ReadonlySet<ChangeKind> = new Set(['create', 'replace', 'adopt', 'start', 'remove']);

/** True where a run has nothing at all to do on the host. */
export function isUnchanged(plan: NodePlan): boolean {
  return [plan.heal, plan.before, plan.during, plan.after].every((ops) => ops.length === 0);
}

/**
 * Whether a job may run while its node still serves, so that one that fails costs nothing: all that it needs is there
 * and stays as it is, or is a job that ran early itself.
 */
function mayRunEarly(
  { dependsOn, spec }: Service,
  services: readonly Service[],
  {
    changed,
    early,
    containers,
  }: {
    readonly changed: ReadonlyMap<string, ChangeKind>;
    readonly early: ReadonlySet<string>;
    readonly containers: Observed['containers'];
  },
): boolean {
  const needed = services.filter((other) => dependsOn.some(({ service }) => service === keyOf(other)));
  const isThere = ({ name, containerName }: Service): boolean =>
    early.has(name) || (!changed.has(containerName) && containers.get(containerName)?.state.running === true);
  return needed.every(isThere) && sharingOf(spec).every(({ container }) => !changed.has(container));
}

function asJob(isJob: boolean, step: ServiceSteps): ServiceSteps {
  return isJob && step.change !== undefined ? { ...step, change: { ...step.change, isJob } } : step;
}

/** A job's whole update, ahead of its node's way out. */
function beforeItLeaves(service: Service, step: ServiceSteps): ServiceSteps {
  const ops = [...step.before, ...step.beside, ...(step.parting ?? []), ...step.during];
  if (!ops.some(({ kind }) => kind === 'start')) return step;
  const done = completion(service, step.change?.cause ?? 'started');
  return { ...step, before: [...ops, done], beside: [], parting: [], during: [] };
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
  context: NodeContext,
  order: ReplacementOrder,
): readonly ServiceSteps[] {
  const known = new Set(services.flatMap((service) => order.containerNames(service)));
  // A replica's label has its number behind the service's name.
  const isLeftOut = (service = ''): boolean =>
    leftOut.includes(service) || leftOut.includes(service.replace(/-\d+$/, ''));
  return [...containers.values()]
    .filter(({ name, labels: of }) => !known.has(name) && !isLeftOut(of[labels.service]))
    .flatMap((container): ServiceSteps[] => {
      const { name, state } = container;
      const found = orphanOf(container, context);
      if (found === undefined) return [];
      const service = container.labels[labels.service] ?? name;
      const { cause } = found;
      if (!context.removeOrphans || !found.isOwn)
        return [{ ...nothing, change: { service: name, kind: 'orphan', cause, differences: [] } }];
      const stop: Op = { kind: 'stop', service, container: name, graceMs: orphanGraceMs, cause };
      return [
        {
          // One that still runs may serve, and may hold a port that its successor wants.
          ...nothing,
          change: { service: name, kind: 'remove', cause, differences: [], volumes: abandonedVolumes(container) },
          during: state.running ? [stop] : [],
          after: [{ kind: 'remove', service, container: name, cause }],
        },
      ];
    });
}

/** Why nobody names it any more; only what this play itself has made is its own to remove. Undefined: somebody else's. */
function orphanOf(
  { name, labels: of }: Container,
  { play, playbook }: NodeContext,
): { readonly cause: string; readonly isOwn: boolean } | undefined {
  const owner = of[labels.play];
  const book = of[labels.playbook];
  if (owner === undefined || (book !== undefined && book !== playbook.name)) return undefined;
  if (owner === play && book !== undefined) return { cause: 'the play no longer names it', isOwn: true };
  const hand = `remove it by hand if nobody needs it: docker rm -f ${name}`;
  if (owner === play)
    return { cause: `the play no longer names it, unless another playbook's play ${play} does; ${hand}`, isOwn: false };
  if (book === undefined || playbook.plays.includes(owner)) return undefined;
  return { cause: `play ${owner}, which the playbook no longer has, made it; ${hand}`, isOwn: false };
}

/** Docker's own default; an orphan's stop_grace_period is nowhere to be read. */
const orphanGraceMs = 10_000;

/** Before anything else: whoever waits for an answer of a paused container keeps its node from being drained. */
const pausedOp = ({ name: service, containerName: container }: Service) => ({ service, container, cause: pausedCause });
const pausedCause = 'paused, should run';

function verifyAwake(service: Service): Op {
  return { ...pausedOp(service), kind: 'verify', service, wasPaused: true };
}

function pausedChange({ name: service }: Service): ServiceChange {
  const differences = [{ path: 'state', from: 'paused', to: 'running' }];
  return { service, kind: 'update', cause: pausedCause, differences };
}

/** Draining and admitting are the gate's, and name no service. */
function healChange(heal: readonly Op[], gate: string | undefined): ServiceChange {
  const services = [
    ...new Set(heal.flatMap((op) => ('service' in op && typeof op.service === 'string' ? [op.service] : []))),
  ];
  return {
    service: services.join(', ') || (gate ?? 'node'),
    kind: 'heal',
    cause: heal[0]?.cause ?? '',
    differences: [],
  };
}

/** Ops of a list of tasks; the last one has the handlers that are due by then. */
export function taskOps(
  phase: Extract<Op, { kind: 'task' }>['phase'],
  tasks: readonly Task[] = [],
  handlers: readonly Task[] = [],
): readonly Op[] {
  const cause = phase === 'main' ? 'tasks' : phase === 'before' || phase === 'after' ? phase : `${phase}_tasks`;
  return tasks.map((task, index) => {
    const isLast = index === tasks.length - 1 && handlers.length > 0;
    return { kind: 'task', phase, task, cause, ...(isLast ? { handlers } : {}) };
  });
}
