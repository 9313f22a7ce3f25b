import { serverNames, type BalancerView } from '../balancer/view.ts';
import type { EventBody } from '../events/event.ts';
import { DockerError } from '../docker/errors.ts';
import type { Container } from '../docker/observed.ts';
import { formatDuration } from '../model/duration.ts';
import { jobsOf } from '../plan/order.ts';
import { LockedError } from '../ssh/lock.ts';
import { RemoteError } from '../ssh/remote.ts';
import { emptyTraffic, judgeCanary, lostRotation, recordTraffic, type Verdict } from '../plan/canary.ts';
import { judgeContainer } from '../plan/verification.ts';
import type { Wave } from '../plan/waves.ts';
import { CheckRun } from './check-run.ts';
import type { RunContext } from './context.ts';
import type { Gate } from './gate.ts';
import type { Node, Tier } from './node.ts';
import { tryWhileAnswering } from './probe.ts';
import { absenceWords, isAbsence, readThroughAbsence } from './absence.ts';
import { returnLimitMs } from './refresh.ts';
import { WaitNotice, whileSilent } from './wait.ts';

/** How often the canary's containers are looked at while it bakes. */
const examineIntervalMs = 1000;

export type Finding = Pick<Extract<EventBody, { type: 'bake_finished' }>, 'verdict' | 'reason' | 'canary' | 'peers'>;

/** Holds the canaries, or the nodes of a stage or zone, on real traffic for the bake, and judges them against their peers. Ends early at a failure. */
export async function bake(
  wave: Wave,
  canaries: readonly Node[],
  tier: Tier,
  gate: Gate,
  context: RunContext,
): Promise<Finding | { readonly verdict: 'interrupted' }> {
  const { play } = tier;
  const { name, bakeMs } = wave;
  const hosts = canaries.map((node) => node.name);
  context.emit({ type: 'bake_started', play: play.name, wave: name, hosts, bakeMs });
  const checks = new CheckRun('bake', tier, context);
  checks.watch(canaries);
  try {
    const seen = await holdOrLose(wave, canaries, tier, gate, checks, context);
    const finding = await checks.conclude(seen, tier.watch !== undefined);
    context.emit({ type: 'bake_finished', play: play.name, wave: name, hosts, ...finding });
    return finding;
  } catch (error) {
    if (context.interrupt.isRequested) return { verdict: 'interrupted' };
    throw error;
  } finally {
    checks.end();
  }
}

/** A canary that nobody can look at any more has not held. */
async function holdOrLose(
  wave: Wave,
  canaries: readonly Node[],
  tier: Tier,
  gate: Gate,
  checks: CheckRun,
  context: RunContext,
): Promise<Finding> {
  try {
    const wait = { message: baking(wave), limitMs: wave.bakeMs };
    return await whileSilent(context, undefined, wait, (heard) => hold(wave, canaries, tier, gate, checks, heard));
  } catch (error) {
    const isHostTrouble = error instanceof RemoteError || error instanceof DockerError || error instanceof LockedError;
    if (!isHostTrouble || context.interrupt.isRequested) throw error;
    return { verdict: 'failed', reason: `${error.host} cannot be looked at: ${error.message}` };
  }
}

const baking = ({ role, name }: Wave): string => `${role === 'canary' ? 'the canary' : name} to bake`;

async function hold(
  wave: Wave,
  canaries: readonly Node[],
  tier: Tier,
  gate: Gate,
  checks: CheckRun,
  context: RunContext,
): Promise<Finding> {
  const { watch, play } = tier;
  const policy = play.strategy.canary;
  const notice = new WaitNotice(context, undefined, wave.bakeMs);
  const restarts = await restartCounts(canaries, context);
  const absences = new Map<Node, WaitNotice>();
  const servers = canaries.map(({ server }) => server);
  let traffic = emptyTraffic;
  let examinedMs = context.clock.now();
  const updated = tier.nodes.flatMap(({ result, server }) => (result === 'updated' ? [server] : []));
  const judge = (view: BalancerView): Verdict =>
    judgeCanary(traffic, servers, peersOf(view, [...servers, ...updated]), policy);
  for (;;) {
    const view = await watch?.next(context.interrupt.soon);
    if (checks.failure !== undefined) return { verdict: 'failed', reason: checks.failure };
    const nowMs = context.clock.now();
    if (nowMs - examinedMs >= examineIntervalMs) {
      examinedMs = nowMs;
      const trouble = await examine(canaries, restarts, absences, context);
      if (trouble !== undefined) return { verdict: 'failed', reason: trouble };
    }
    if (view === undefined) {
      if (gate.promotedBy !== undefined) return promoted(gate, notice, 'there is no balancer to count its requests');
      if (notice.isOver)
        return {
          verdict: 'inconclusive',
          reason: `it held for ${formatDuration(wave.bakeMs)}; there is no balancer to count its requests`,
        };
      await context.clock.sleep(Math.min(examineIntervalMs, notice.remainingMs + 1), context.interrupt.soon);
      continue;
    }
    const lost = lostRotation(view, servers);
    if (lost !== undefined) return { verdict: 'failed', reason: `the balancer took ${lost} out of rotation` };
    traffic = recordTraffic(traffic, view);
    const verdict = judge(view);
    if (notice.isOver || verdict.verdict === 'failed') return verdict;
    if (gate.promotedBy !== undefined) return promoted(gate, notice, verdict.reason);
    notice.say(`${baking(wave)}: ${verdict.reason}`);
  }
}

/** Before its time, and so without a verdict of its own. */
function promoted({ promotedBy = '' }: Gate, notice: WaitNotice, seen: string): Finding {
  return { verdict: 'promoted', reason: `by ${promotedBy} after ${formatDuration(notice.elapsedMs)}; ${seen}` };
}

/** Every server of the backend that this run has not updated. */
function peersOf(view: BalancerView, updated: readonly string[]): readonly string[] {
  return serverNames(view).filter((server) => !updated.includes(server));
}

async function restartCounts(canaries: readonly Node[], context: RunContext): Promise<ReadonlyMap<string, number>> {
  const counts = await Promise.all(
    canaries.map(async (node) =>
      (await readThroughAbsence(node.session, context, returnLimitMs, () => servingContainers(node))).map(
        (container) => [keyOf(node, container), container.state.restartCount] as const,
      ),
    ),
  );
  return new Map(counts.flat());
}

/** What is wrong with the canaries; undefined while nothing is. */
async function examine(
  canaries: readonly Node[],
  restarts: ReadonlyMap<string, number>,
  absences: Map<Node, WaitNotice>,
  context: RunContext,
): Promise<string | undefined> {
  const found = await Promise.all(
    canaries.map(async (node) => {
      try {
        const trouble = await examineNode(node, restarts);
        absences.delete(node);
        return trouble;
      } catch (error) {
        if (!isAbsence(error)) throw error;
        return missed(node, error, absences, context);
      }
    }),
  );
  return found.find((trouble) => trouble !== undefined);
}

/** The way there is lost, which for a while says nothing about the canary: the balancer still sees it. */
async function missed(
  node: Node,
  error: RemoteError | DockerError,
  absences: Map<Node, WaitNotice>,
  context: RunContext,
): Promise<string | undefined> {
  const absence = absences.get(node) ?? new WaitNotice(context, node.name, returnLimitMs);
  absences.set(node, absence);
  if (absence.isOver)
    return `${node.name} could not be looked at for ${formatDuration(returnLimitMs)}: ${error.message}`;
  absence.say(`the host to come back: ${absenceWords(error)}`);
  // One try at a time: the balancer is to be read meanwhile.
  if (error instanceof RemoteError) {
    await node.session.reconnect(context, 0).catch((failure: unknown) => {
      if (!isAbsence(failure)) throw failure;
    });
  }
  return undefined;
}

async function examineNode(node: Node, restarts: ReadonlyMap<string, number>): Promise<string | undefined> {
  for (const container of await servingContainers(node)) {
    const judgement = judgeContainer(container, restarts.get(keyOf(node, container)) ?? 0);
    if (judgement.kind === 'failed') return `${container.name} on ${node.name} ${judgement.reason}`;
  }
  for (const { name, probe } of node.services) {
    const trouble =
      probe === undefined
        ? undefined
        : await tryWhileAnswering(probe, node.session.remote, () => servingContainers(node));
    if (trouble !== undefined) return `the probe of ${name} on ${node.name} fails: ${trouble}`;
  }
  return undefined;
}

async function servingContainers(node: Node): Promise<readonly Container[]> {
  const jobs = jobsOf(node.services);
  const names = node.services.flatMap(({ name, containerName }) => (jobs.has(name) ? [] : [containerName]));
  return [...(await node.session.docker.inspect(names)).values()];
}

const keyOf = (node: Node, container: Container): string => `${node.name} ${container.name}`;
