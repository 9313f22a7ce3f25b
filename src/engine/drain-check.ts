import { describeServer, isUp, statesOf, unreadable, type BalancerView } from '../balancer/view.ts';
import type { BalancerWatch } from '../balancer/watch.ts';
import { leaveNoteSteps, removeNoteCommand } from '../docker/note-steps.ts';
import type { Container } from '../docker/observed.ts';
import { startStep, stopStep, updateStep } from '../docker/steps.ts';
import { DockerError } from '../docker/errors.ts';
import { formatDuration } from '../model/duration.ts';
import type { Host } from '../model/host.ts';
import type { Play } from '../model/play.ts';
import { Capacity } from '../plan/capacity.ts';
import type { Finding } from '../plan/doctor.ts';
import { policyOf, restartPolicyOf } from '../plan/restart-policy.ts';
import { minAvailable } from '../plan/limits.ts';
import type { HostFinding } from '../plan/status-model.ts';
import { LockedError } from '../ssh/lock.ts';
import { RemoteError } from '../ssh/remote.ts';
import type { RunContext } from './context.ts';
import type { FleetReader } from './look.ts';
import type { HostSession } from './session.ts';

/** It has nothing to finish: it only answers checks. */
const healthGraceMs = 5000;

interface Proof {
  readonly host: Host;
  readonly play: Play;
  readonly found: Extract<HostFinding, { kind: 'read' }>;
  /** The balancer's names of all hosts of the play. */
  readonly servers: readonly string[];
}

/** How long a node took to leave rotation and to come back. */
export interface DrainProof {
  readonly host: string;
  readonly outMs: number;
  readonly backMs: number;
}

/**
 * Proves that the balancer's check follows the health container of one node: stops it, waits until no balancer shows the
 * node UP, and starts it again, whatever was seen. The host is locked meanwhile; a node whose way out would go below
 * `min_available` is left alone.
 */
export async function proveDrain(
  proof: Proof,
  reader: FleetReader,
  context: RunContext,
): Promise<DrainProof | Finding> {
  const { host, play, found } = proof;
  const fail = (message: string, fix?: string): Finding => ({
    level: 'error',
    area: 'drain',
    host: host.name,
    play: play.name,
    message,
    ...(fix === undefined ? {} : { fix }),
  });
  const gate = gateOf(play, found);
  const watch = await reader.balancerOf(play);
  if (gate === undefined || watch === undefined)
    return fail(
      `there is nothing to prove: play ${play.name} has no ${gate === undefined ? 'health_container' : 'load_balancer that can be read'}`,
    );
  const { server } = found.desired;
  const refused = refusal(await watch.fresh(), server, proof);
  if (refused !== undefined) return fail(`not taken out: ${refused}`);
  if (gate.current?.state.running !== true)
    return fail(`not taken out: its health container ${gate.container} does not run`);
  const session = await reader.session(host);
  try {
    await session.lock(0);
  } catch (error) {
    if (!(error instanceof LockedError)) throw error;
    return fail(`not taken out: ${error.message}`);
  }
  try {
    return await outAndBack({ ...proof, ...gate, current: gate.current }, session, watch, context, fail);
  } catch (error) {
    if (!(error instanceof DockerError || error instanceof RemoteError)) throw error;
    return fail(error.message, error.hint);
  } finally {
    await session.unlock();
  }
}

/** What answers the balancer's check, the play's own or not. */
interface Gate {
  readonly container: string;
  readonly policy: string;
  readonly isBorrowed: boolean;
  readonly current: Container | undefined;
}

function gateOf({ healthContainer, borrowedGate }: Play, { desired, observed }: Proof['found']): Gate | undefined {
  const service = desired.services.find(({ name }) => name === healthContainer);
  const container = service?.containerName ?? borrowedGate;
  if (container === undefined) return undefined;
  const current = observed.containers.get(container);
  const policy = service === undefined ? policyOf(current) : restartPolicyOf(service);
  return { container, policy, isBorrowed: service === undefined, current };
}

async function outAndBack(
  { host, play, found, container, policy, isBorrowed, current }: Proof & Gate & { readonly current: Container },
  session: HostSession,
  watch: BalancerWatch,
  context: RunContext,
  fail: (message: string, fix?: string) => Finding,
): Promise<DrainProof | Finding> {
  const { docker } = session;
  const { clock } = context;
  const { server } = found.desired;
  const startedMs = clock.now();
  let outMs: number | undefined;
  try {
    // As in a run: a host that reboots half way stays out, and the next run lets it in.
    const { id, state } = current;
    await docker.carryOut([
      ...(isBorrowed ? leaveNoteSteps(container, { id, startedAt: state.startedAt, policy, ran: [] }) : []),
      updateStep(container, ['--restart', 'no']),
      stopStep(container, healthGraceMs),
    ]);
    outMs = await until(watch, startedMs, play.strategy.drain.timeoutMs, context, (view) => isOut(view, server));
  } finally {
    await docker.carryOut([updateStep(container, ['--restart', policy]), startStep(container)]);
    if (isBorrowed) await docker.run(removeNoteCommand(container));
  }
  const backMs = await until(watch, clock.now(), play.strategy.healthyDeadlineMs, context, (view) =>
    isUp(view, server),
  );
  const state = watch.latest === undefined ? 'unknown' : describeServer(watch.latest, server);
  if (outMs === undefined)
    return fail(
      `${server} was still UP ${formatDuration(play.strategy.drain.timeoutMs)} after ${container} had stopped: the balancer's check asks something else`,
      `Let it ask the health container, as in: server ${server} ADDRESS:8080 check port 8081. Or wait longer: strategy.drain.timeout`,
    );
  if (backMs === undefined)
    return fail(
      `${server} is ${state} ${formatDuration(play.strategy.healthyDeadlineMs)} after ${container} was started again`,
      `Look at it: docker logs ${container}`,
    );
  return { host: host.name, outMs, backMs };
}

/** How long it took, or undefined where it did not come about within the limit or before an interrupt. */
async function until(
  watch: BalancerWatch,
  startedMs: number,
  limitMs: number,
  { clock, interrupt }: RunContext,
  holds: (view: BalancerView) => boolean,
): Promise<number | undefined> {
  while (!interrupt.isRequested) {
    const view = await watch.next();
    const elapsedMs = clock.now() - startedMs;
    if (holds(view)) return elapsedMs;
    if (elapsedMs > limitMs) return undefined;
  }
  return undefined;
}

/** Why the node may not leave. */
function refusal(view: BalancerView, server: string, { play, servers }: Proof): string | undefined {
  const trouble = unreadable(view);
  if (trouble !== undefined) return `the balancer cannot be read: ${trouble}`;
  if (!isUp(view, server)) return `${server} is ${describeServer(view, server)}`;
  const least = minAvailable(play.strategy, play.hostCount);
  const low = new Capacity(view, new Set(servers), least).refusal(server);
  return low === undefined ? undefined : `${low} (min_available)`;
}

function isOut(view: BalancerView, server: string): boolean {
  const states = statesOf(view, server);
  return states.length > 0 && states.every(({ status }) => status !== 'up' && status !== 'going_down');
}
