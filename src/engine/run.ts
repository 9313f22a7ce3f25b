import pLimit from 'p-limit';
import type { LoadedPlaybook } from '../config/load.ts';
import type { HostResult } from '../events/event.ts';
import type { Clock } from '../model/clock.ts';
import type { Host } from '../model/host.ts';
import { DockerError } from '../docker/errors.ts';
import type { ImageRef } from '../model/image.ts';
import { differingImages } from '../plan/local-image.ts';
import { warningsOfNodes } from '../plan/resources.ts';
import { endingOf, type Ending } from '../plan/outcome.ts';
import type { Plan } from '../plan/plan.ts';
import { isUnchanged } from '../plan/reconcile.ts';
import type { Connector } from '../ssh/connect.ts';
import type { LockHolder } from '../ssh/lock.ts';
import { RemoteError } from '../ssh/remote.ts';
import { RunRefused, type RunContext } from './context.ts';
import type { ImageResolver } from './images.ts';
import type { Node, Tier } from './node.ts';
import { preflight, type PreflightInput } from './preflight.ts';
import { rollBackTier } from './rollback.ts';
import {
  canariesOf,
  maxUnavailableOf,
  minAvailableOf,
  rollBackEarlier,
  rollPlay,
  type Promotion,
  type Stop,
} from './roll.ts';
import { HostSession } from './session.ts';
import { someOf, whileSilent } from './wait.ts';

/** What every command that connects hands to the engine. */
export interface FleetInput {
  readonly playbook: LoadedPlaybook;
  readonly connector: Connector;
  readonly images: ImageResolver;
  readonly holder: LockHolder;
}

export interface RunInput extends FleetInput, Promotion {
  /** 0: fail at once when another run holds a host. */
  readonly lockTimeoutMs: number;
  /** The plan as text, for the journal and the terminal. */
  readonly formatPlan: (plan: Plan) => string;
  /** Asked after the plan, before anything is touched; undefined: go ahead. */
  readonly confirm: ((plan: Plan) => Promise<boolean>) | undefined;
  /** What to type to go on after a pause. */
  readonly resumeCommand: string;
  /** Nodes that the run being resumed had finished. */
  readonly isFinished: (play: string, host: string) => boolean;
}

/** A whole run: preflight, plan, pull, then every play in turn. @throws RunRefused, ConfigError when nothing was touched. */
export function run(input: RunInput, context: RunContext): Promise<Ending> {
  const { lockTimeoutMs, isFinished } = input;
  return withFleet(input, { lockTimeoutMs, resolvesImages: true, isFinished }, context, async (tiers) => {
    const plan = await announcePlan(tiers, input, context);
    if (input.confirm !== undefined && !(await input.confirm(plan)))
      throw new RunRefused(2, 'not confirmed; nothing was touched');
    return untilEnd(tiers, context, async () => {
      await pullAll(tiers, input.images, context);
      return rollPlays(tiers, input, context);
    });
  });
}

/** What a run would do, from real reads and without any write. */
export function planOnly(input: FleetInput, context: RunContext): Promise<Plan> {
  return withFleet(input, { lockTimeoutMs: undefined, resolvesImages: true }, context, (tiers) =>
    Promise.resolve(planOf(tiers)),
  );
}

/** Every node back to its parked previous containers: no canary, the same limits, nothing resolved or pulled. */
export function rollBackParked(
  input: FleetInput & Pick<RunInput, 'lockTimeoutMs'>,
  context: RunContext,
): Promise<Ending> {
  return withFleet(input, { lockTimeoutMs: input.lockTimeoutMs, resolvesImages: false }, context, (tiers) =>
    untilEnd(tiers, context, async () => {
      for (const tier of tiers) {
        const stop = await rollBackTier(tier, context);
        if (stop !== undefined) return stop;
      }
      return undefined;
    }),
  );
}

/** Preflight, the work, and everything closed again, however it ends. */
async function withFleet<T>(
  input: FleetInput,
  options: Pick<PreflightInput, 'lockTimeoutMs' | 'resolvesImages'> & Partial<Pick<PreflightInput, 'isFinished'>>,
  context: RunContext,
  work: (tiers: readonly Tier[]) => Promise<T>,
): Promise<T> {
  const sessions = new Sessions(input, context.clock);
  let tiers: readonly Tier[] = [];
  try {
    const connect = (host: Host): Promise<HostSession> => sessions.open(host);
    tiers = await preflight({ isFinished: () => false, ...input, ...options, connect }, context);
    return await work(tiers);
  } finally {
    for (const { watch } of tiers) watch?.close();
    await sessions.close();
  }
}

/** The work of a run up to its end; stopped in the middle it ends all the same, with what is known of each host. */
async function untilEnd(
  tiers: readonly Tier[],
  context: RunContext,
  work: () => Promise<Stop | undefined>,
): Promise<Ending> {
  try {
    return finish(tiers, await work(), context);
  } catch (error) {
    if (!context.interrupt.now.aborted) throw error;
    return finish(tiers, { kind: 'interrupt' }, context);
  }
}

function planOf(tiers: readonly Tier[], skipsCanary: (play: string) => boolean = () => false): Plan {
  return {
    plays: tiers.map((tier) => {
      const changing = tier.nodes.filter(({ plan }) => !isUnchanged(plan));
      return {
        play: tier.play.name,
        nodes: tier.nodes.map(({ plan }) => plan),
        canaries: changing
          .slice(0, skipsCanary(tier.play.name) ? 0 : canariesOf(tier, changing.length))
          .map(({ name }) => name),
        maxUnavailable: maxUnavailableOf(tier),
        minAvailable: minAvailableOf(tier),
        warnings: warningsOf(tier),
      };
    }),
  };
}

function warningsOf({ play, nodes, unreachable }: Tier): readonly string[] {
  const warnings = [
    ...differingImages(nodes.map(({ name, services }) => ({ name, services }))),
    ...warningsOfNodes(nodes.map(({ plan }) => plan)),
  ];
  if (unreachable.length > 0) warnings.push(`left out, unreachable: ${unreachable.join(', ')}`);
  if (play.loadBalancer !== undefined && play.healthContainer === undefined) {
    warnings.push(
      'no health_container: a node cannot be drained before its services stop, so requests in flight are cut',
    );
  }
  return warnings;
}

async function announcePlan(tiers: readonly Tier[], input: RunInput, context: RunContext): Promise<Plan> {
  const plan = planOf(tiers, input.skipsCanary);
  context.emit({
    type: 'plan_ready',
    text: input.formatPlan(plan),
    images: await input.images.record(),
    plays: plan.plays.map(({ play, canaries, maxUnavailable, minAvailable, nodes }) => ({
      play,
      canaries,
      maxUnavailable,
      minAvailable,
      hosts: Object.fromEntries(
        nodes.map(({ host, changes }) => [host, changes.map(({ service, kind, cause }) => ({ service, kind, cause }))]),
      ),
    })),
  });
  return plan;
}

/** Every image that is missing, on every host at once, before anything is drained. */
async function pullAll(tiers: readonly Tier[], images: ImageResolver, context: RunContext): Promise<void> {
  const limit = pLimit(context.forks);
  const nodes = tiers.flatMap(({ nodes }) => nodes).filter(({ plan }) => plan.pulls.length > 0);
  const failed: string[] = [];
  const pull = async (node: Node, image: ImageRef): Promise<void> => {
    const startedMs = context.clock.now();
    await node.session.docker.pull(image, await images.credentialsFor(image), platformOf(node, image));
    const durationMs = context.clock.now() - startedMs;
    context.emit({ type: 'image_pulled', host: node.name, image: image.written, durationMs });
  };
  const pending = new Set(nodes.map(({ name }) => name));
  const pullEach = (): Promise<unknown> =>
    Promise.all(
      nodes.map((node) =>
        limit(async () => {
          try {
            for (const image of node.plan.pulls) await pull(node, image);
          } catch (error) {
            if (!(error instanceof DockerError || error instanceof RemoteError)) throw error;
            failed.push(`${node.name}: ${error.message}`);
          }
          pending.delete(node.name);
        }),
      ),
    );
  const message = (): string => `${someOf(pending)} to pull ${pending.size === 1 ? 'its' : 'their'} images`;
  await whileSilent(context, undefined, { message, limitMs: 0 }, pullEach);
  if (failed.length > 0)
    throw new RunRefused(4, `images could not be pulled on ${failed.length} hosts; nothing was touched`, failed);
}

/** What `docker pull` is asked for where an image has several platforms. */
function platformOf({ services }: Node, image: ImageRef): string | undefined {
  const platform = services.find((service) => service.image === image)?.spec['platform'];
  return typeof platform === 'string' ? platform : undefined;
}

async function rollPlays(tiers: readonly Tier[], input: RunInput, context: RunContext): Promise<Stop | undefined> {
  for (const [index, tier] of tiers.entries()) {
    if (context.interrupt.isRequested) return { kind: 'interrupt' };
    const stop = await rollPlay(tier, input, context);
    if (stop?.kind === 'pause') context.emit({ type: 'run_paused', reason: stop.reason, next: input.resumeCommand });
    if (stop === undefined) continue;
    if (stop.kind !== 'failures') return stop;
    if (tier.play.strategy.onFailure !== 'continue') return rollBackEarlier(tiers.slice(0, index), stop, context);
  }
  return undefined;
}

function finish(tiers: readonly Tier[], stop: Stop | undefined, context: RunContext): Ending {
  const hosts: Record<string, { result: HostResult; durationMs?: number; message?: string }> = {};
  for (const { nodes, unreachable } of tiers) {
    for (const host of unreachable) hosts[host] = { result: 'unreachable' };
    for (const { name, result, plan, durationMs, message } of nodes) {
      const settled = result === 'untouched' && isUnchanged(plan) ? 'unchanged' : result;
      const earlier = hosts[name]?.result;
      if (earlier !== undefined && rank[earlier] >= rank[settled]) continue;
      hosts[name] = {
        result: settled,
        ...(durationMs === undefined ? {} : { durationMs }),
        ...(message === undefined ? {} : { message }),
      };
    }
  }
  const ending = endingOf({
    results: Object.values(hosts).map(({ result }) => result),
    stoppedBy: stop?.kind,
    isRestored: stop?.kind !== 'failures' || stop.isRestored,
  });
  context.interrupt.close();
  context.emit({ type: 'run_finished', ...ending, durationMs: context.clock.now() - context.startedMs, hosts });
  return ending;
}

/** Of a host's results in several plays, the one that an operator must hear of. */
const rank: Readonly<Record<HostResult, number>> = {
  untouched: 0,
  unchanged: 1,
  updated: 2,
  restored: 3,
  failed: 4,
  unreachable: 5,
};

/** One session a host, however many plays it is in. */
class Sessions {
  readonly #input: FleetInput;
  readonly #clock: Clock;
  readonly #open = new Map<string, Promise<HostSession>>();

  constructor(input: FleetInput, clock: Clock) {
    this.#input = input;
    this.#clock = clock;
  }

  open(host: Host): Promise<HostSession> {
    let session = this.#open.get(host.name);
    if (session === undefined) {
      session = HostSession.open(host, this.#input.connector, this.#input.holder, this.#clock);
      this.#open.set(host.name, session);
    }
    return session;
  }

  async close(): Promise<void> {
    const sessions = await Promise.allSettled(this.#open.values());
    await Promise.all(sessions.flatMap((session) => (session.status === 'fulfilled' ? [session.value.close()] : [])));
    await this.#input.connector.close();
  }
}
