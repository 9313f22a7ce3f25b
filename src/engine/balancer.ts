import type { Duplex } from 'node:stream';
import { createLoadBalancer, prepareLoadBalancer } from '../balancer/create.ts';
import {
  serverNames as namesIn,
  sessionsElsewhere,
  statesOf,
  unreadable,
  withoutTraffic,
  type BalancerView,
} from '../balancer/view.ts';
import { BalancerWatch } from '../balancer/watch.ts';
import { exitCodes } from '../events/exit-code.ts';
import type { Host } from '../model/host.ts';
import { hasGate, type Play } from '../model/play.ts';
import { allReady, Capacity, recovered, type CountedServers } from '../plan/capacity.ts';
import { canaryCount, minAvailable } from '../plan/limits.ts';
import { isUnchanged } from '../plan/reconcile.ts';
import { RemoteError } from '../ssh/remote.ts';
import { RunRefused, type RunContext } from './context.ts';
import type { Node, Tier } from './node.ts';
import { returnLimitMs } from './refresh.ts';
import type { HostSession } from './session.ts';
import { someOf } from '../model/alike.ts';

/** The balancer's names of all hosts of a play; undefined for those that take facts. */
type ServerNames = (play: Play) => readonly (string | undefined)[];
type Connect = (host: Host) => Promise<HostSession>;

/** Makes ready, while hosts are read, what the play's balancer will be read with. */
export function prepareBalancer({ loadBalancer }: Play): void {
  if (loadBalancer !== undefined) prepareLoadBalancer(loadBalancer);
}

/** The play's balancer, read from here or through the inventory host that reaches it. `servers`: its nodes' names there. */
export async function openBalancer(
  play: Play,
  servers: readonly string[],
  connect: Connect,
  context: RunContext,
): Promise<BalancerWatch | undefined> {
  const spec = play.loadBalancer;
  if (spec === undefined) return undefined;
  const via = spec.via === undefined ? undefined : await connectVia(spec.via, play, connect);
  const balancer = createLoadBalancer(spec, servers, {
    now: () => context.clock.now(),
    ...(via === undefined ? {} : { openTcp: (port, address) => openThrough(via, { port, address }, context) }),
  });
  return new BalancerWatch(balancer, context.clock, context.interrupt.now);
}

async function connectVia(host: Host, play: Play, connect: Connect): Promise<HostSession> {
  try {
    return await connect(host);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new RunRefused(
      exitCodes.usage,
      `the balancer of play "${play.name}" is read through ${host.name}, which cannot be reached: ${why}`,
    );
  }
}

/** Over a new connection where the old one is gone; a reading that cannot wait for it is followed by the next. */
async function openThrough(
  via: HostSession,
  { port, address }: { readonly port: number; readonly address: string },
  context: RunContext,
): Promise<Duplex> {
  try {
    return await via.remote.openTcp(port, address);
  } catch (error) {
    if (!(error instanceof RemoteError) || error.kind !== 'connection_lost') throw error;
    await via.reconnect(context, returnLimitMs);
    return via.remote.openTcp(port, address);
  }
}

/** Whether the balancers know every node, and can spare those that have to leave. @throws RunRefused */
export async function checkBalancers(tiers: readonly Tier[], serverNames: ServerNames): Promise<void> {
  const read = await Promise.all(
    tiers.map(async (tier) => ({ tier, view: tier.watch === undefined ? undefined : await readNow(tier) })),
  );
  const behind = read.flatMap(({ tier, view }) => (view === undefined ? [] : [{ tier, view }]));
  refuseSharedNames(behind);
  for (const { tier, view } of behind) refuseUnknown(tier, view);
  for (const { tier, view } of behind) {
    tier.servers = countedServers(poolMates(view, behind), serverNames);
    refuseUncheckable(tier, view);
    refuseDowntime(tier, view);
    tier.warnings.push(...warningsOf(tier, view));
  }
}

interface Behind {
  readonly tier: Tier;
  readonly view: BalancerView;
}

async function readNow({ watch, play }: Tier): Promise<BalancerView | undefined> {
  const view = await watch?.fresh();
  const trouble = view === undefined ? undefined : unreadable(view);
  if (trouble !== undefined)
    throw new RunRefused(exitCodes.usage, `the balancer of play "${play.name}" cannot be read: ${trouble}`);
  return view;
}

/** Plays whose nodes stand in one pool with this view's. */
function poolMates(view: BalancerView, behind: readonly Behind[]): readonly Tier[] {
  const pools = new Set(view.readings.map(({ balancer }) => balancer));
  return behind
    .filter((other) => other.view.readings.some(({ balancer }) => pools.has(balancer)))
    .map(({ tier }) => tier);
}

/** Every host of these plays, also those that this run leaves out or cannot reach. */
function countedServers(tiers: readonly Tier[], serverNames: ServerNames): CountedServers {
  const names = tiers.flatMap(({ play }) => serverNames(play));
  const known = new Set(names.filter((name) => name !== undefined));
  const ofNodes = new Set(tiers.flatMap(({ nodes }) => nodes.map(({ server }) => server)));
  const added = [...ofNodes].filter((server) => !known.has(server)).length;
  // Names that take the facts of hosts which are not connected.
  if (names.filter((name) => name === undefined).length > added) return undefined;
  return new Set([...known, ...ofNodes]);
}

/** One name for two hosts: when one of them is out the balancer speaks of the other. */
function refuseSharedNames(behind: readonly Behind[]): void {
  for (const { tier, view } of behind) {
    const hosts = new Map<string, Set<string>>();
    for (const { name, server } of poolMates(view, behind).flatMap(({ nodes }) => nodes))
      hosts.set(server, (hosts.get(server) ?? new Set()).add(name));
    const shared = [...hosts].find(([, names]) => names.size > 1);
    if (shared === undefined) continue;
    const [server, names] = shared;
    throw new RunRefused(
      exitCodes.usage,
      `play "${tier.play.name}": ${someOf(names)} are all called ${server} at the balancer`,
      ['every node has a name of its own there: load_balancer.server, by default {{ inventory_hostname }}'],
    );
  }
}

function refuseUnknown({ play, nodes }: Tier, view: BalancerView): void {
  const unknown = nodes.filter(({ server }) => statesOf(view, server).length === 0);
  if (unknown.length === 0) return;
  throw new RunRefused(
    exitCodes.usage,
    `play "${play.name}": the balancer has no server ${unknown.map(({ server }) => server).join(', ')}`,
    [
      `it has ${namesIn(view).join(', ')}`,
      'name a node as it is named there: load_balancer.server, by default {{ inventory_hostname }}',
    ],
  );
}

const isLeaving = ({ plan }: Node): boolean => !isUnchanged(plan) && plan.during.length > 0;

/** A server without a check always gets requests: stopping the health container would not take it out. */
function refuseUncheckable(tier: Tier, view: BalancerView): void {
  if (!hasGate(tier.play)) return;
  const stuck = tier.nodes.filter(
    (node) =>
      isLeaving(node) &&
      statesOf(view, node.server).some(({ status, weight }) => status === 'no_check' && weight !== 0),
  );
  if (stuck.length === 0) return;
  throw new RunRefused(
    exitCodes.usage,
    `play "${tier.play.name}": ${someOf(stuck.map(({ server }) => server))} cannot be drained: the balancer does not check ${stuck.length === 1 ? 'it' : 'them'}`,
    ['give the server lines a check that asks the health container, as in: server h1 10.0.0.11:8080 check port 8081'],
  );
}

/** A node that could never leave without going below min_available: by the configuration, or by what operators have set. */
function refuseDowntime(tier: Tier, view: BalancerView): void {
  const wanted = minAvailable(tier.play.strategy, tier.play.hostCount);
  const refusalIn = (fleet: BalancerView, { server }: Node): string | undefined =>
    new Capacity(fleet, tier.servers, wanted).refusal(server);
  for (const node of tier.nodes.filter(isLeaving)) {
    // One that gets no requests just now takes nothing away.
    if (refusalIn(view, node) === undefined) continue;
    const never = refusalIn(allReady(view), node);
    const accept = "to accept the downtime write min_available: 0 in the play's strategy";
    if (never !== undefined)
      throw new RunRefused(exitCodes.usage, `play "${tier.play.name}": updating ${node.name} would be downtime`, [
        `${never} (min_available)`,
        accept,
      ]);
    const now = refusalIn(recovered(view), node);
    if (now !== undefined)
      throw new RunRefused(
        exitCodes.unreachable,
        `play "${tier.play.name}": updating ${node.name} would be downtime just now`,
        [`${now} (min_available)`, `give the others their traffic back first; ${accept}`],
      );
  }
}

function warningsOf(tier: Tier, view: BalancerView): readonly string[] {
  const warnings: string[] = [];
  const changing = tier.nodes.filter(({ plan }) => !isUnchanged(plan));
  const canaries = changing.slice(0, canaryCount(tier.play.strategy, tier.nodes.length, changing.length));
  for (const { name, server } of tier.nodes) {
    const idle = withoutTraffic(view, server);
    if (idle.length === 0) continue;
    const isCanary = canaries.some((canary) => canary.name === name);
    const consequence = isCanary ? 'as the canary it can show nothing' : 'it is no capacity';
    warnings.push(`${name} gets no requests (${idle.join(', ')}): ${consequence}`);
  }
  for (const reading of view.readings) {
    if ('error' in reading) continue;
    const absent = tier.nodes.filter(({ server }) => !reading.servers.has(server));
    if (absent.length > 0)
      warnings.push(
        `${someOf(absent.map(({ server }) => server))}: not a server at ${reading.balancer}, only at others`,
      );
  }
  for (const node of changing.filter(isLeaving)) {
    const elsewhere = sessionsElsewhere(view, node.server);
    if (elsewhere.length > 0) warnings.push(elsewhereWarning(node.server, elsewhere));
  }
  return warnings;
}

/** Nobody waits for those: a backend of the same service has to be named. */
export function elsewhereWarning(server: string, sessions: readonly string[]): string {
  return `${server} has sessions that nobody waits for: ${sessions.join(', ')}; where that is the same service, list every backend in load_balancer.backend`;
}
