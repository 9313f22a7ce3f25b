import { type BalancerView, type ServerStatus, describeServer, serverNames, statesOf } from '../balancer/view.ts';
import { labels, nextName, previousName } from '../docker/names.ts';
import type { Container, Observed } from '../docker/observed.ts';
import { formatImageRef, parseImageRef } from '../model/image.ts';
import type { Service } from '../model/service.ts';
import { isHalfRemoved } from './containers.ts';
import { jobsOf } from './dependencies.ts';
import { warningsOfNodes } from './resources.ts';
import { nothingCounted, sumOf, type Count, type Counted } from './traffic.ts';
import { judgeContainer } from './verification.ts';
import type {
  HostFinding,
  PlayFinding,
  FleetStatus,
  PlayStatus,
  BalancerStatus,
  TrafficStatus,
  HostStatus,
  ServerAtBalancers,
  ParkedStatus,
  ServiceStatus,
} from './status-model.ts';

/** The status of a fleet, from what was found. Decides nothing about it: what differs is the plan's. */
export function statusOf(
  { playbook, composition }: { readonly playbook: string; readonly composition: string | undefined },
  plays: readonly PlayFinding[],
  nowMs: number,
): FleetStatus {
  const found = plays.map((play) => playStatus(play, nowMs));
  return {
    playbook,
    ...(composition === undefined ? {} : { composition }),
    atMs: nowMs,
    asWanted: found.every(({ asWanted }) => asWanted),
    plays: found,
  };
}

function playStatus(finding: PlayFinding, nowMs: number): PlayStatus {
  const { play, view } = finding;
  const read = finding.hosts.filter((host) => host.kind === 'read');
  const hosts = read.map((host) => hostStatus(host, finding, nowMs));
  const unreachable = finding.hosts.flatMap((host) => {
    if (host.kind === 'read') return [];
    const { kind: _, ...rest } = host;
    return [rest];
  });
  const balancer = view === undefined ? undefined : balancerStatus(view, finding);
  return {
    play,
    asWanted:
      unreachable.length === 0 &&
      (balancer === undefined || balancer.errors.length === 0) &&
      hosts.every(({ asWanted }) => asWanted),
    ...(balancer === undefined ? {} : { balancer }),
    hosts,
    unreachable,
    warnings: warningsOfNodes(read.map(({ plan }) => plan)),
  };
}

type ReadHost = Extract<HostFinding, { kind: 'read' }>;

function hostStatus(finding: ReadHost, play: PlayFinding, nowMs: number): HostStatus {
  const { host, desired, observed, plan, lock, troubles } = finding;
  const jobs = jobsOf(desired.services);
  const own = desired.services.map((service) =>
    serviceStatus(service, observed, { isJob: jobs.has(service.name), nowMs }),
  );
  const services = [...own, ...borrowedStatus(desired.borrowedGate, observed, nowMs)];
  const drift = plan.changes.map(({ service, kind, cause, differences }) => ({ service, kind, cause, differences }));
  const problems = [...plan.errors, ...troubles];
  const server = play.view === undefined ? undefined : serverStatus(play.view, desired.server, play);
  return {
    host,
    asWanted:
      // An orphan is only reported, and no run would touch it.
      drift.every(({ kind }) => kind === 'orphan') &&
      problems.length === 0 &&
      services.every(({ isGood }) => isGood) &&
      server?.isUp !== false,
    services,
    drift,
    parked: desired.services.flatMap((service) => parkedOf(service, observed)),
    leftovers: [
      ...desired.services.flatMap(({ containerName }) => leftoversOf(containerName, observed.containers)),
      // While a run holds the host they wait for their turn.
      ...(lock === undefined ? (observed.ahead ?? []).map((name) => `${name} (created ahead of its turn)`) : []),
    ],
    problems,
    ...(lock === undefined ? {} : { lock }),
    ...(server === undefined ? {} : { balancer: server }),
  };
}

function borrowedStatus(name: string | undefined, observed: Observed, nowMs: number): readonly ServiceStatus[] {
  if (name === undefined) return [];
  return [{ ...serviceStatus({ name, containerName: name }, observed, { isJob: false, nowMs }), isBorrowed: true }];
}

function serviceStatus(
  { name, containerName }: Pick<Service, 'name' | 'containerName'>,
  { containers }: Observed,
  { isJob, nowMs }: { readonly isJob: boolean; readonly nowMs: number },
): ServiceStatus {
  const container = containers.get(containerName);
  if (container === undefined) return { service: name, container: containerName, state: 'not there', isGood: false };
  const { state, labels: of } = container;
  const isDone = isJob && state.status === 'exited' && state.exitCode === 0;
  // Restarts of long ago are shown, and are no trouble now.
  const isGood = isDone || judgeContainer(container, state.restartCount).kind === 'good';
  const since = state.running || state.status === 'created' ? state.startedAt : state.finishedAt;
  const sinceMs = Date.parse(since);
  const composition = of[labels.composition];
  const run = of[labels.run];
  return {
    service: name,
    container: containerName,
    state: isDone ? 'completed' : stateWords(container),
    isGood,
    ...imageOf(container),
    ...(composition === undefined ? {} : { composition }),
    ...(run === undefined ? {} : { run }),
    // Docker says the year 1 where it has none.
    ...(sinceMs > 0 ? { since, sinceMs: Math.max(0, nowMs - sinceMs) } : {}),
    ...(state.health === undefined ? {} : { health: state.health }),
    restarts: state.restartCount,
  };
}

function stateWords({ state }: Container): string {
  if (state.status !== 'exited' && state.status !== 'dead') return state.status;
  return `${state.status} with code ${state.exitCode}${state.oomKilled ? ', out of memory' : ''}`;
}

/** As it was written when the container was made; of a stranger's what docker was told. */
function imageOf({ labels: of, imageName }: Container): { readonly image: string; readonly digest?: string } {
  const written = of[labels.image] ?? imageName;
  const parsed = parseImageRef(written);
  if (parsed === undefined) return { image: written };
  const { digest, ...named } = parsed;
  return digest === undefined
    ? { image: written }
    : { image: named.tag === undefined ? written : formatImageRef(named), digest };
}

function parkedOf({ name, containerName }: Service, { containers }: Observed): readonly ParkedStatus[] {
  const container = containers.get(previousName(containerName));
  // Without the one that took its place it is no parked one, but one to be put back.
  if (container === undefined || !containers.has(containerName) || isHalfRemoved(container)) return [];
  return [{ service: name, container: container.name, image: imageOf(container).image }];
}

function leftoversOf(name: string, containers: Observed['containers']): readonly string[] {
  const next = containers.get(nextName(name));
  const previous = containers.has(name) ? undefined : containers.get(previousName(name));
  const current = containers.get(name);
  const half = current !== undefined && isHalfRemoved(current) ? current : undefined;
  return [next, previous, half].flatMap((container) =>
    container === undefined ? [] : [`${container.name} (${container.state.status})`],
  );
}

function balancerStatus(view: BalancerView, { hosts, counted, countedMs, servers }: PlayFinding): BalancerStatus {
  const own = new Set([...servers, ...hosts.flatMap((host) => (host.kind === 'read' ? [host.desired.server] : []))]);
  const names = serverNames(view);
  const states = names.filter((name) => own.has(name)).flatMap((name) => statesOf(view, name));
  return {
    errors: view.readings.flatMap((reading) =>
      'error' in reading ? [{ balancer: reading.balancer, message: reading.error }] : [],
    ),
    up: [...own].filter((name) => isServing(view, name)).length,
    sessions: states.reduce((sum, { sessions = 0 }) => sum + sessions, 0),
    traffic: trafficOf(
      counted.filter(({ server }) => own.has(server)),
      countedMs,
    ),
    otherServers: names.filter((name) => !own.has(name)),
  };
}

/** A server without a check always gets its requests. */
const serving: ReadonlySet<ServerStatus> = new Set(['up', 'no_check']);

function isServing(view: BalancerView, server: string): boolean {
  const states = statesOf(view, server);
  return states.length > 0 && states.every(({ status }) => serving.has(status));
}

function serverStatus(view: BalancerView, server: string, { counted, countedMs }: PlayFinding): ServerAtBalancers {
  const states = statesOf(view, server);
  const known = states.flatMap(({ sessions }) => (sessions === undefined ? [] : [sessions]));
  return {
    server,
    state: describeServer(view, server),
    isUp: isServing(view, server),
    ...(known.length === 0 ? {} : { sessions: known.reduce((sum, each) => sum + each, 0) }),
    queued: states.reduce((sum, { queued }) => sum + queued, 0),
    traffic: trafficOf(
      counted.filter((each) => each.server === server),
      countedMs,
    ),
  };
}

function trafficOf(counted: readonly Counted[], overMs: number): TrafficStatus {
  const { requests, errors } = counted.reduce<Count>(sumOf, nothingCounted);
  return { requests, errors, overMs };
}
