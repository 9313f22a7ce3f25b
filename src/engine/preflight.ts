import pLimit from 'p-limit';
import type { BalancerWatch } from '../balancer/watch.ts';
import type { LoadedPlaybook } from '../config/load.ts';
import { DockerError } from '../docker/errors.ts';
import { RegistryError } from '../docker/registry-error.ts';
import { platformOfHost } from '../docker/platform.ts';
import type { Host } from '../model/host.ts';
import type { Play } from '../model/play.ts';
import { ConfigError } from '../model/problem.ts';
import type { HostDesired } from '../model/service.ts';
import type { Task } from '../model/task.ts';
import { orderOf } from '../plan/order/table.ts';
import { LockedError, type LockHolder } from '../ssh/lock.ts';
import { RemoteError } from '../ssh/remote.ts';
import { checkBalancers, openBalancer, prepareBalancer } from './balancer.ts';
import type { RunContext } from './context.ts';
import type { ImageResolver } from './images.ts';
import { LockTurn } from './lock-turn.ts';
import { completeSurvey, Node, type Reading, type Tier } from './node.ts';
import { withHint } from './op-error.ts';
import { refuseTakenPorts } from './taken-ports.ts';
import { assertForwarding } from './probe.ts';
import { twinWarnings } from '../plan/twins.ts';
import type { HostSession } from './session.ts';
import { previewTasks } from './task-preview.ts';
import { someOf } from '../model/alike.ts';
import {
  isOnlyLocked,
  type Troubles,
  refuse,
  refuseUnreachable,
  refuseErrors,
  refuseUnusedPushes,
} from './refusals.ts';

export interface PreflightInput {
  readonly playbook: LoadedPlaybook;
  readonly images: ImageResolver;
  /** This run, for whoever is turned away by it. */
  readonly holder: LockHolder;
  /** Connects, once per host however many plays it is in. @throws RemoteError */
  readonly connect: (host: Host) => Promise<HostSession>;
  /** How long to wait for a host's lock; undefined: only read, take no lock. */
  readonly lockTimeoutMs: number | undefined;
  /** False for a rollback to parked containers, which needs no registry. */
  readonly resolvesImages: boolean;
  /** Nodes that the run being resumed had finished: their tasks have been run. */
  readonly isFinished: (play: string, host: string) => boolean;
}

/**
 * Everything that must hold before anything is touched: every host connected, locked and read, every image resolved,
 * every balancer read, every plan possible. @throws RunRefused, ConfigError
 */
export async function preflight(input: PreflightInput, context: RunContext): Promise<readonly Tier[]> {
  const pending = new Set(input.playbook.plays.flatMap(({ hosts }) => hosts.map(({ name }) => name)));
  const message = (): string => (pending.size > 0 ? `${someOf(pending)} to be read` : 'the balancer to be read');
  if (input.resolvesImages) resolveAhead(input);
  const turn = new LockTurn(input.holder, input.lockTimeoutMs ?? 0, context);
  using _wait = context.heartbeat.wait(undefined, { message, limitMs: 0 });
  for (;;) {
    const { tiers, troubles } = await readFleet(input, turn, pending, context);
    if (isOnlyLocked(troubles) && (await turn.mayTryAgain())) {
      for (const { watch } of tiers) watch?.close();
      continue;
    }
    refuse(troubles);
    await turn.goOn();
    if (input.resolvesImages) await previewTasks(tiers, { isPlan: input.lockTimeoutMs === undefined }, context);
    await check(tiers, troubles, input, context);
    return tiers;
  }
}

/** The registries answer while the hosts are being connected. The images of a play's first host are mostly everybody's. */
function resolveAhead({ playbook, images }: PreflightInput): void {
  for (const play of playbook.plays) {
    const [host] = play.hosts;
    if (host === undefined) continue;
    try {
      images.ahead(playbook.desired(play, host, undefined));
    } catch (error) {
      // A template that needs the host's facts: its images are asked for when those are known.
      if (!(error instanceof ConfigError)) throw error;
    }
  }
}

/** Hosts that have been read, or cannot be, are taken out of `pending`. */
async function readFleet(
  input: PreflightInput,
  turn: LockTurn,
  pending: Set<string>,
  context: RunContext,
): Promise<{ readonly tiers: readonly Tier[]; readonly troubles: Troubles }> {
  const limit = pLimit(context.forks);
  const troubles: Troubles = { refused: [], away: [], locked: [], config: [], unreachable: new Map() };
  const tiers = await Promise.all(
    input.playbook.plays.map(async (play): Promise<Tier> => {
      const found = await Promise.all(
        play.hosts.map(async (host) => {
          const prepared = await limit(() => prepareHost(host, play, { ...input, turn }, troubles, context));
          pending.delete(host.name);
          return prepared;
        }),
      );
      const servers = found.flatMap((entry) =>
        entry === undefined || 'unreachable' in entry ? [] : [entry.desired.server],
      );
      return assembleTier(play, found, await openBalancer(play, servers, input.connect, context), input);
    }),
  );
  return { tiers, troubles };
}

async function check(
  tiers: readonly Tier[],
  troubles: Troubles,
  input: PreflightInput,
  context: RunContext,
): Promise<void> {
  for (const tier of tiers) refuseUnreachable(tier, troubles.unreachable);
  // What runs is to be put back, whatever the play's own services lack.
  if (input.resolvesImages) {
    refuseUnusedPushes(input.images);
    for (const tier of tiers) refuseErrors(tier);
    await refuseTakenPorts(tiers, context);
  }
  await checkBalancers(tiers, (play) => input.playbook.serverNames(play));
}

type Prepared =
  | (Pick<Node, 'session' | 'desired'> & { readonly found: Reading; readonly dockerMark: string })
  | { readonly unreachable: string }
  | undefined;

/** One host: connect, then its lock with facts and containers, then what is still missing. Undefined when trouble was noted, here or with another host. */
async function prepareHost(
  host: Host,
  play: Play,
  { playbook, images, connect, lockTimeoutMs, resolvesImages, turn }: PreflightInput & { readonly turn: LockTurn },
  troubles: Troubles,
  context: RunContext,
): Promise<Prepared> {
  const startedMs = context.clock.now();
  try {
    context.interrupt.soon.throwIfAborted();
    const session = await connect(host);
    if (lockTimeoutMs !== undefined && !(await turn.take(session))) return undefined;
    const surveying = session.survey();
    // The host is busy now, and this process is not.
    prepareBalancer(play);
    const survey = await surveying;
    const { facts } = survey;
    session.containerNames = [...survey.names];
    session.platform = platformOfHost(facts);
    const durationMs = context.clock.now() - startedMs;
    if (!turn.isAgain) context.emit({ type: 'host_connected', host: host.name, facts, durationMs });
    const wanted = playbook.desired(play, host, facts);
    const desired = resolvesImages
      ? await images.resolve(wanted, session, {
          nowMs: context.clock.now(),
          mayPull: lockTimeoutMs !== undefined,
          platform: session.platform,
          imageStore: survey.imageStore,
        })
      : wanted;
    await assertForwarding(desired.services, session.remote);
    const { dockerMark } = survey;
    const found = await completeSurvey(survey, session, desired, orderOf(play.strategy));
    return { session, desired, dockerMark, found };
  } catch (error) {
    // Whatever else was found meanwhile: what ends the run is the wish to stop.
    context.interrupt.soon.throwIfAborted();
    if (error instanceof LockedError) troubles.locked.push(error);
    else if (error instanceof ConfigError) troubles.config.push(error);
    else if (error instanceof RegistryError)
      (error.kind === 'unreachable' ? troubles.away : troubles.refused).push(withHint(error));
    else if (error instanceof RemoteError && isConfiguration(error))
      troubles.refused.push(`${host.name}: ${withHint(error)}`);
    else if (error instanceof RemoteError || error instanceof DockerError) {
      const hint = error.hint === undefined ? {} : { hint: error.hint };
      context.emit({ type: 'host_unreachable', host: host.name, message: error.message, ...hint });
      troubles.unreachable.set(host.name, withHint(error));
      return { unreachable: host.name };
    } else throw error;
    return undefined;
  }
}

/** A host key that changed or is unknown is never a host that happens to be down. */
function isConfiguration({ kind }: RemoteError): boolean {
  return (
    kind === 'host_key_unknown' ||
    kind === 'host_key_changed' ||
    kind === 'host_key_revoked' ||
    kind === 'config' ||
    kind === 'forwarding_refused'
  );
}

function assembleTier(
  play: Play,
  found: readonly Prepared[],
  watch: BalancerWatch | undefined,
  { playbook, images, isFinished, connect, lockTimeoutMs }: PreflightInput,
): Tier {
  const prepared = found.filter((entry) => entry !== undefined);
  const tier: Tier = {
    play,
    playbook: { name: playbook.name, plays: playbook.plays.map(({ name }) => name) },
    watch,
    nodes: [],
    unreachable: prepared.flatMap((entry) => ('unreachable' in entry ? [entry.unreachable] : [])),
    failed: new Set(),
    servers: undefined,
    warnings: [],
    shared: new Map(),
    delegate: (name) => connect(delegateHost(playbook, play, name)),
    images,
    composition: playbook.composition?.name,
  };
  // Where a lock is taken it says so, and knows.
  const told = prepared.flatMap((entry) =>
    'unreachable' in entry ? [] : [{ host: entry.session.host.name, dockerMark: entry.dockerMark }],
  );
  if (lockTimeoutMs === undefined) tier.warnings.push(...twinWarnings(told));
  let mayRunOnce = true;
  for (const entry of prepared) {
    if ('unreachable' in entry) continue;
    const isDone = isFinished(play.name, entry.session.host.name);
    const tasks = isDone ? 'none' : mayRunOnce ? 'all' : 'not run_once';
    const node = new Node(entry.session, tier, withTasks(entry.desired, tasks), entry.found);
    tier.nodes.push(node);
    if (isDone || !play.tasksOnChange || runsTasks(node.plan)) mayRunOnce = false;
  }
  return tier;
}

function runsTasks({ before, during, after }: Node['plan']): boolean {
  return [...before, ...during, ...after].some(({ kind }) => kind === 'task');
}

/** `run_once` is for the first host of the play that can be reached, as in Ansible, or the first of those that change. */
function withTasks(desired: HostDesired, wanted: 'all' | 'not run_once' | 'none'): HostDesired {
  if (wanted === 'all') return desired;
  const chosen = (tasks: readonly Task[]): readonly Task[] => (wanted === 'none' ? [] : tasks.flatMap(withoutOnce));
  const { preTasks, tasks, postTasks } = desired;
  return {
    ...desired,
    before: [],
    preTasks: chosen(preTasks),
    tasks: chosen(tasks),
    postTasks: chosen(postTasks),
    after: [],
  };
}

function withoutOnce(task: Task): readonly Task[] {
  if (task.runOnce) return [];
  if (task.kind === 'module') return [task];
  const { block, rescue, always } = task;
  const lists = [block, rescue, always].map((list) => list.flatMap(withoutOnce));
  const [first = [], second = [], third = []] = lists;
  return [{ ...task, block: first, rescue: second, always: third }];
}

/** The host of delegate_to: one of the inventory, or the controller. */
function delegateHost(playbook: LoadedPlaybook, play: Play, name: string): Host {
  const found = playbook.hostNamed(play, name);
  if (found !== undefined) return found;
  if (['localhost', '127.0.0.1', '::1'].includes(name))
    return { name: 'localhost', groups: [], vars: {}, connection: { kind: 'local' } };
  throw new Error(`delegate_to: ${name} is no host of the inventory`);
}
