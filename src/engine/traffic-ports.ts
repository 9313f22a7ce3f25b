import type { Duplex } from 'node:stream';
import { statesOf } from '../balancer/view.ts';
import { noLongerNeeded, type Clock } from '../model/clock.ts';
import { formatDuration } from '../model/duration.ts';
import { jobsOf } from '../plan/dependencies.ts';
import type { Op } from '../plan/plan.ts';
import {
  parseAddress,
  portsOfContainers,
  portsOfServices,
  silentPorts,
  trafficPorts,
  type HostPort,
  type PortFinding,
  type TrafficPorts,
} from '../plan/traffic-ports.ts';
import { RemoteError } from '../ssh/remote.ts';
import type { RunContext } from './context.ts';
import { neighbourContainers } from './neighbours.ts';
import type { Node, Tier } from './node.ts';
import { OpError } from './op-error.ts';
import type { HostSession } from './session.ts';

/** What must answer before a node that is being updated is let in. */
const expected = new WeakMap<Node, TrafficPorts>();

const lookIntervalMs = 250;
/** Docker's proxy takes every connection, and ends it at once where nothing listens in the container. */
const settleMs = 100;
/** For services whose own check has passed already. */
const checkedLimitMs = 10_000;

/**
 * Looks which ports of the node answer before it is updated, while it serves: those that take its traffic must answer
 * again before it is let in.
 */
export async function noteTrafficPorts(node: Node, context: RunContext): Promise<void> {
  expected.delete(node);
  const { watch, play } = node.tier;
  if (watch === undefined || !node.plan.during.some(({ kind }) => kind === 'admit')) return;
  const services = node.services.filter(({ name }) => name !== node.gate && !jobsOf(node.services).has(name));
  const running = services.flatMap(({ containerName }) => {
    const container = node.observed.containers.get(containerName);
    return container?.state.running === true ? [container] : [];
  });
  // A play without services of its own is let in for what others run on its nodes.
  const isOthers = node.services.length === 0;
  const serving = isOthers ? neighbourContainers(node) : running;
  const before = serving.length === 0 ? undefined : portsOfContainers(serving);
  const addresses = statesOf(watch.latest ?? { atMs: 0, readings: [] }, node.server).flatMap(({ address = '' }) =>
    parseAddress(address),
  );
  const port = play.loadBalancer?.port;
  const ofBalancer = port === undefined ? addresses : [{ port, ...addresses.find((found) => found.port === port) }];
  const findings = await lookAt(before === undefined ? [] : [...before, ...ofBalancer], node);
  const answeredBefore = new Set([...findings].filter(([, found]) => found === 'answers').map(([number]) => number));
  const found = trafficPorts({ ofBalancer, before, answeredBefore, ofPlay: portsOfServices(services), isOthers });
  if (found !== undefined) expected.set(node, found);
  else sayUnknown(node, ofBalancer.length > 0 ? ofBalancer : (before ?? []), findings, context);
}

/** Once a play: most often it is so on every host. */
function sayUnknown(
  { name, tier }: Node,
  ports: readonly HostPort[],
  findings: ReadonlyMap<number, PortFinding>,
  context: RunContext,
): void {
  if (saidOf.has(tier)) return;
  saidOf.add(tier);
  const numbers = [...new Set(ports.map(({ port }) => port))].join(', ');
  const isUnseen = ports.some(({ port }) => findings.get(port) === 'unknown');
  const why =
    ports.length === 0
      ? `no port is known to take the traffic of play "${tier.play.name}" (load_balancer.port names it)`
      : isUnseen
        ? `port ${numbers} of ${name} cannot be tried from the host (AllowTcpForwarding of its sshd)`
        : `nothing answered at port ${numbers} of ${name} before the update`;
  context.emit({ type: 'warning', message: `${why}: whether the new version answers there is not checked` });
}

const saidOf = new WeakSet<Tier>();

/** What comes back is what ran before: whatever answers there is what answered then. */
export function forgetTrafficPorts(node: Node): void {
  expected.delete(node);
}

/** Waits until the ports that take the node's traffic answer. @throws OpError where they do not */
export async function awaitTrafficPorts(
  op: Extract<Op, { kind: 'admit' }>,
  node: Node,
  context: RunContext,
): Promise<void> {
  const ports = expected.get(node);
  if (ports === undefined) return;
  const limitMs = limitOf(node);
  using notice = context.heartbeat.wait(node.name, { limitMs: limitMs });
  for (;;) {
    const silent = silentPorts(ports, await lookAt(ports.ports, node));
    if (silent === undefined) return;
    const where = `nothing answers at port ${silent.join(', ')} of the host`;
    if (notice.isOver)
      throw new OpError(op, `${where}, ${meanings[ports.origin]} (for ${formatDuration(limitMs)})`, {
        hint: hints[ports.origin],
        trouble: 'silent',
      });
    notice.say(`the traffic's port to answer: ${where}`);
    await context.clock.sleep(lookIntervalMs, context.interrupt.now);
  }
}

const meanings = {
  balancer: 'where the balancer sends its requests',
  before: 'where it answered before the update',
  play: "which the play's services publish",
} as const;

const hints = {
  balancer: 'Do the ports of the services fit the server lines of the balancer?',
  before:
    'Where the balancer sends to another port by now, name it: load_balancer.port, or let its page tell (stats show-legends).',
  play: 'Does the program listen where ports says, and at 0.0.0.0 in its container?',
} as const;

/** A service with a check of its own is ready by now; another one may still be starting. */
function limitOf(node: Node): number {
  const { healthyDeadlineMs } = node.tier.play.strategy;
  const isChecked =
    node.services.length > 0 &&
    node.services.every(
      ({ name, probe, spec }) => name === node.gate || probe !== undefined || spec['healthcheck'] !== undefined,
    );
  return isChecked ? Math.min(healthyDeadlineMs, checkedLimitMs) : healthyDeadlineMs;
}

async function lookAt(ports: readonly HostPort[], node: Node): Promise<ReadonlyMap<number, PortFinding>> {
  const byPort = new Map<number, Set<string>>();
  for (const { port, address } of ports) {
    // The loopback address last: what answers there may be docker's proxy.
    const addresses = byPort.get(port) ?? new Set<string>();
    if (address !== undefined) addresses.add(address);
    byPort.set(port, addresses);
  }
  const findings = await Promise.all(
    [...byPort].map(async ([port, addresses]) => [port, await lookAtPort(port, [...addresses], node.session)] as const),
  );
  return new Map(findings);
}

/** A port is silent only where every address refuses: one that cannot be asked may be the one that serves. */
async function lookAtPort(port: number, addresses: readonly string[], session: HostSession): Promise<PortFinding> {
  let isUnknown = false;
  for (const address of [...addresses, '127.0.0.1']) {
    const found = await tryPort(port, address, session);
    if (found === 'answers') return found;
    if (found === 'unknown') isUnknown = true;
  }
  return isUnknown ? 'unknown' : 'silent';
}

async function tryPort(port: number, address: string, { remote, clock }: HostSession): Promise<PortFinding> {
  try {
    const stream = await remote.openTcp(port, address);
    return (await isEndedAtOnce(stream, clock)) ? 'silent' : 'answers';
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    // With a hint it is sshd's own refusal to look; a lost connection or a firewall that drops says nothing either.
    return error.kind === 'channel_refused' && error.hint === undefined ? 'silent' : 'unknown';
  }
}

async function isEndedAtOnce(stream: Duplex, clock: Clock): Promise<boolean> {
  const known = new AbortController();
  const ended = new Promise<boolean>((resolve) => {
    stream.once('data', () => resolve(false));
    for (const event of ['end', 'close', 'error'] as const) stream.once(event, () => resolve(true));
  });
  const settled = clock.sleep(settleMs, known.signal).then(() => false);
  settled.catch(() => undefined);
  try {
    return await Promise.race([ended, settled]);
  } finally {
    known.abort(noLongerNeeded);
    stream.destroy();
  }
}
