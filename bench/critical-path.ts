import type { Event } from '../src/events/event.ts';

interface Interval {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** What a node's containers and the balancer show of its update, told by themselves and not by rollout. Epoch times. */
export interface NodeWitness {
  /** When docker saw the health container end, and start again. */
  readonly healthStoppedAtMs: number;
  readonly healthStartedAtMs: number;
  /** When docker saw the new container start, and when its log says that it listens. */
  readonly appStartedAtMs: number;
  readonly appListensAtMs: number;
  /** What the balancer showed of the node's server, in order. */
  readonly shown: readonly ServerSample[];
}

export interface ServerSample {
  readonly atMs: number;
  /** `up`: exactly UP. `out`: gets no requests and has none. */
  readonly state: 'up' | 'between' | 'out';
}

/** Where a node's time went; the parts add up to the total. */
export interface NodeSplit {
  readonly host: string;
  readonly role: 'canary' | 'fan_out';
  readonly totalMs: number;
  /** The balancer's own interval: from the health container's end or start until the balancer shows it. */
  readonly balancerMs: number;
  /** From the new container's start until it listens, where the balancer was not waited for. */
  readonly applicationMs: number;
  /** Within docker commands that the update consists of, where neither of the others was waited for. */
  readonly dockerMs: number;
  /** All the rest: reading, judging, polling, and the ways between. */
  readonly oursMs: number;
}

/**
 * Splits the time of every node that a run updated, from the moment it was turned to until it was done. `events` are the
 * journal of a run with `-vvv`, which tells each command. Nodes without a witness are left out.
 */
export function splitNodes(
  events: readonly Event[],
  witnesses: ReadonlyMap<string, NodeWitness>,
): readonly NodeSplit[] {
  return events.flatMap((done) => {
    if (done.type !== 'node_done' || done.result !== 'updated') return [];
    const started = events.find((event) => event.type === 'node_started' && event.host === done.host);
    const witness = witnesses.get(done.host);
    if (started?.type !== 'node_started' || started.role === 'rollback' || witness === undefined) return [];
    // node_started is said once the host has been read again, and that is already our time.
    const span = { fromMs: done.at - done.durationMs, untilMs: done.at };
    return [{ host: done.host, role: started.role, ...split(span, waitsOf(witness), changesOf(events, done.host)) }];
  });
}

interface Waits {
  readonly balancer: readonly Interval[];
  readonly application: readonly Interval[];
}

function waitsOf(witness: NodeWitness): Waits {
  const { healthStoppedAtMs, healthStartedAtMs, appStartedAtMs, appListensAtMs, shown } = witness;
  const firstAfter = (atMs: number, state: ServerSample['state']): number =>
    shown.find((sample) => sample.atMs >= atMs && sample.state === state)?.atMs ?? atMs;
  return {
    balancer: [
      { fromMs: healthStoppedAtMs, untilMs: firstAfter(healthStoppedAtMs, 'out') },
      { fromMs: healthStartedAtMs, untilMs: firstAfter(healthStartedAtMs, 'up') },
    ],
    application: [{ fromMs: appStartedAtMs, untilMs: appListensAtMs }],
  };
}

/** Commands of docker's that change something; that we read the host is our own affair. */
const changing = /\bdocker (create|start|stop|rename|update|rm|pull|network (create|connect)|volume create)\b/;

function changesOf(events: readonly Event[], host: string): readonly Interval[] {
  return events.flatMap((event) =>
    event.type === 'command_run' && event.host === host && changing.test(event.commandLine)
      ? [{ fromMs: event.at - event.durationMs, untilMs: event.at }]
      : [],
  );
}

/** What was waited for at the same time counts once: as the balancer's, else the application's, else docker's. */
function split(
  span: Interval,
  { balancer, application }: Waits,
  docker: readonly Interval[],
): Omit<NodeSplit, 'host' | 'role'> {
  const totalMs = span.untilMs - span.fromMs;
  const balancerMs = coveredMs(span, balancer);
  const waitedMs = coveredMs(span, [...balancer, ...application]);
  const accountedMs = coveredMs(span, [...balancer, ...application, ...docker]);
  return {
    totalMs,
    balancerMs,
    applicationMs: waitedMs - balancerMs,
    dockerMs: accountedMs - waitedMs,
    oursMs: totalMs - accountedMs,
  };
}

/** How much of the span lies within at least one of the intervals. */
function coveredMs(span: Interval, intervals: readonly Interval[]): number {
  let covered = 0;
  let reached = span.fromMs;
  for (const { fromMs, untilMs } of intervals.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const from = Math.max(fromMs, reached);
    const until = Math.min(untilMs, span.untilMs);
    if (until <= from) continue;
    covered += until - from;
    reached = until;
  }
  return covered;
}
