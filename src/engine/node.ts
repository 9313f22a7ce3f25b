import type { Wanted } from '../docker/commands.ts';
import { specHash } from '../docker/hash.ts';
import { noteName } from '../docker/drain-note.ts';
import { labels, nextName, previousName } from '../docker/names.ts';
import type { Observed } from '../docker/observed.ts';
import { missingFrom } from '../docker/survey.ts';
import type { HostResult } from '../events/event.ts';
import type { Host, Value } from '../model/host.ts';
import { formatImageRef, pinnedImage, type ImageRef } from '../model/image.ts';
import type { Play } from '../model/play.ts';
import type { HostDesired, Service } from '../model/service.ts';
import type { BalancerWatch } from '../balancer/watch.ts';
import type { CountedServers } from '../plan/capacity.ts';
import { dependencyOrder } from '../plan/dependencies.ts';
import type { ReplacementOrder } from '../plan/order/order.ts';
import { orderOf } from '../plan/order/table.ts';
import type { NodePlan, Op, PlaybookName } from '../plan/plan.ts';
import { contextOf, reconcile } from '../plan/reconcile.ts';
import { sharedContainers } from '../plan/sharing.ts';
import type { TaskFinding } from '../plan/task-findings.ts';
import { TaskMemory } from '../task/world.ts';
import type { RunContext } from './context.ts';
import type { ImageResolver } from './images.ts';
import type { HostSession, Surveyed } from './session.ts';
import type { WaitingContainers } from './waiting-containers.ts';

/** A play's part in a run: what its nodes share. */
export interface Tier {
  readonly play: Play;
  readonly playbook: PlaybookName;
  /** Undefined where the play has no balancer. */
  readonly watch: BalancerWatch | undefined;
  /** In inventory order; unreachable hosts are not among them. */
  readonly nodes: Node[];
  readonly unreachable: string[];
  /** Those whose update has failed, put back or not; kept by {@link Node.result}. */
  readonly failed: Set<Node>;
  /** Servers whose requests count as the play's: its own nodes' and those of plays in the same pools. */
  servers: CountedServers;
  /** What the balancers make worth saying before anything is done. */
  readonly warnings: string[];
  /** What run_once has registered. */
  readonly shared: Map<string, Value>;
  /** The connection to another host, for delegate_to. @throws RemoteError, Error for one that nobody knows */
  readonly delegate: (host: string) => Promise<HostSession>;
  /** What brings an image that has gone from a host again. */
  readonly images: ImageResolver;
  /** Name of the composition, for the containers' label. */
  readonly composition: string | undefined;
}

/** A host in a play, for the length of a run. */
export class Node {
  readonly session: HostSession;
  readonly tier: Tier;
  readonly desired: HostDesired;
  /** What its tasks have found. */
  readonly tasks: TaskMemory;
  #findings: readonly TaskFinding[] | undefined;
  #areTasksIdle = false;
  observed: Observed;
  /** When the reading of `observed` was begun. */
  #observedAtMs: number;
  /** When everything on it was last read, and not its containers alone. */
  #wholeAtMs: number;
  #reading: Promise<void> | undefined;
  plan: NodePlan;
  /** What it ran when this run began to change it; undefined while it has not. */
  before: Observed['containers'] | undefined;
  /** Its host or daemon went away in the middle of an op, and what that stopped has not been looked at yet. */
  wasAway = false;
  /** This run has put right what an earlier one left half way: the tasks of that change may not have run. */
  wasHealed = false;
  /** What was created ahead of its turn; undefined where nothing was. */
  waiting: WaitingContainers | undefined;
  /** Docker's folder has room for more than its update needs. */
  hasAmpleRoom = false;
  /** The last try to put it back failed. */
  isStranded = false;
  #result: HostResult = 'untouched';
  message: string | undefined;
  durationMs: number | undefined;

  constructor(session: HostSession, tier: Tier, desired: HostDesired, found: Reading) {
    this.session = session;
    this.tier = tier;
    this.desired = desired;
    this.tasks = TaskMemory.with(desired.skippedResults ?? [], tier.shared);
    this.observed = found.observed;
    this.#observedAtMs = this.#wholeAtMs = found.atMs;
    this.plan = this.#reconcile();
  }

  get result(): HostResult {
    return this.#result;
  }

  // The budget for failures is asked about at every step, however many nodes there are.
  set result(result: HostResult) {
    this.#result = result;
    if (result === 'failed' || result === 'restored' || result === 'unreachable') this.tier.failed.add(this);
    else this.tier.failed.delete(this);
  }

  /** What `node` is to its tasks: whether this run changes a service of it, and which. */
  get changing(): Value {
    const services = this.plan.changes.filter(({ kind }) => kind !== 'orphan').map(({ service }) => service);
    return { changed: services.length > 0, services };
  }

  /** What its tasks would do; where that is nothing they are left out of the plan. */
  setFindings(findings: readonly TaskFinding[], areIdle: boolean): void {
    this.#findings = findings;
    this.#areTasksIdle = areIdle;
    this.plan = this.#reconcile();
  }

  get host(): Host {
    return this.session.host;
  }

  get name(): string {
    return this.session.host.name;
  }

  get server(): string {
    return this.desired.server;
  }

  /** Undefined where the play has no zones. */
  get zone(): string | undefined {
    return this.desired.zone;
  }

  get gate(): string | undefined {
    return this.tier.play.healthContainer;
  }

  /** The container in the gate's place where that is none of the play's. */
  get borrowedGate(): string | undefined {
    return this.tier.play.borrowedGate;
  }

  /** In dependency order, the gate last. */
  get services(): readonly Service[] {
    return dependencyOrder(this.desired.services, this.gate);
  }

  /** How its containers take each other's place. */
  get order(): ReplacementOrder {
    return orderOf(this.tier.play.strategy);
  }

  /**
   * Reads the host again and decides anew. Callers that ask meanwhile share it. `isBrief`: a reading that this run has
   * already, not long ago, is only brought up to date.
   */
  refresh({ isBrief = false }: { readonly isBrief?: boolean } = {}): Promise<void> {
    this.#reading ??= this.#read(isBrief).finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  /** Time has passed in which a person may have changed the host by hand: it is to be read again. */
  forget(): void {
    this.#observedAtMs = this.#wholeAtMs = -Infinity;
  }

  /** Whether what is known of the host is as good as read now: it is locked, and this run has changed nothing since. */
  isFresh(): boolean {
    return this.#observedAtMs > this.session.changedAtMs && this.session.clock.now() - this.#observedAtMs <= freshForMs;
  }

  /** What says, on the container itself, whose it is and what it was made from. */
  labelsFor(
    { service, replaces }: Pick<Extract<Op, { kind: 'create' }>, 'service' | 'replaces'>,
    { run, release }: Pick<RunContext, 'run' | 'release'>,
  ): Readonly<Record<string, string>> {
    const { composition, play } = this.tier;
    return {
      [labels.playbook]: this.tier.playbook.name,
      [labels.play]: play.name,
      [labels.service]: service.name,
      [labels.specHash]: specHash(service),
      [labels.image]: formatImageRef(service.image),
      [labels.run]: run,
      ...(release === undefined ? {} : { [labels.release]: release }),
      ...(replaces === undefined ? {} : { [labels.replaces]: replaces.id, [labels.replacesRestart]: replaces.restart }),
      ...(composition === undefined ? {} : { [labels.composition]: composition }),
    };
  }

  /** Images that have come since the host was read: what they say, of volumes as of variables, may change its plan. */
  async learn(images: readonly ImageRef[]): Promise<void> {
    const found = await this.session.observe({ names: undefined, images: images.map(pinnedImage) });
    this.observed = { ...this.observed, images: new Map([...this.observed.images, ...found.images]) };
    this.plan = this.#reconcile();
  }

  async #read(isBrief: boolean): Promise<void> {
    const atMs = this.session.clock.now();
    const brief = isBrief ? await this.#readContainers() : undefined;
    if (brief === undefined) {
      this.observed = (await readNode(this.session, this.desired, this.order)).observed;
      this.#wholeAtMs = atMs;
    } else this.observed = brief;
    this.#observedAtMs = atMs;
    this.plan = this.#reconcile();
  }

  /**
   * Its containers alone, by one docker process of the three that a whole reading takes. Undefined where that does not
   * do: the last whole one is too old, the play has more than containers, or an image is not known.
   */
  async #readContainers(): Promise<Observed | undefined> {
    const { images } = this.observed;
    const { names, networks = [], volumes = [] } = wantedOf(this.desired, this.order);
    if (this.session.clock.now() - this.#wholeAtMs > wholeForMs || networks.length + volumes.length > 0) return;
    const asked = new Set([...names, ...this.observed.containers.keys()]);
    const containers = await this.session.docker.inspect([...asked]);
    const areKnown = [...containers.values()].every(({ imageId }) => images.has(imageId));
    return areKnown ? { ...this.observed, containers } : undefined;
  }

  #reconcile(): NodePlan {
    const { play } = this.tier;
    const context = contextOf(this.name, play, this.tier.playbook);
    return reconcile(this.desired, this.observed, {
      ...context,
      tasksOnChange: play.tasksOnChange && !this.wasHealed,
      areTasksIdle: this.#areTasksIdle,
      ...(this.#findings === undefined ? {} : { findings: this.#findings }),
    });
  }
}

/** Each of them has been seen to, whatever came of it. */
export const haveEnded = (nodes: readonly Node[]): boolean => nodes.every(({ result }) => result !== 'untouched');

/** How long a reading of a host that this run has locked is as good as a new one. */
const freshForMs = 5000;
/** And how long what is beside its containers, with containers that were read since. */
const wholeForMs = 60_000;

export interface Reading {
  readonly observed: Observed;
  /** When it was begun. */
  readonly atMs: number;
}

/** Everything on a host that a play's decisions need, in one round trip. */
export async function readNode(session: HostSession, desired: HostDesired, order: ReplacementOrder): Promise<Reading> {
  const atMs = session.clock.now();
  return { observed: await session.observe(wantedOf(desired, order)), atMs };
}

/** The same, out of what is known of the host already; only what is missing from that is asked for. */
export async function completeSurvey(
  survey: Surveyed,
  session: HostSession,
  desired: HostDesired,
  order: ReplacementOrder,
): Promise<Reading> {
  const { observed, atMs } = survey;
  const missing = missingFrom(survey, wantedOf(desired, order));
  if (missing === undefined) return { observed, atMs };
  if (missing.names !== undefined) return readNode(session, desired, order);
  const { containers: _, images, ...resources } = await session.observe(missing);
  return { observed: { ...observed, ...resources, images: new Map([...observed.images, ...images]) }, atMs };
}

/** What a host is asked for, for one play. */
export function wantedOf(
  desired: HostDesired,
  order: ReplacementOrder,
): Wanted & { readonly names: readonly string[] } {
  const { services, networks, volumes, borrowedGate: gate } = desired;
  return {
    names: [
      ...services.flatMap((service) => order.containerNames(service)),
      ...sharedContainers(services),
      ...(gate === undefined ? [] : [gate, nextName(gate), previousName(gate)]),
    ],
    images: imagesOf(desired).map(pinnedImage),
    networks: networks.map(({ name }) => name),
    volumes: [...volumes.map(({ name }) => name), ...(gate === undefined ? [] : [noteName(gate)])],
  };
}

export function imagesOf(desired: HostDesired): readonly ImageRef[] {
  return desired.services.map(({ image }) => image);
}
