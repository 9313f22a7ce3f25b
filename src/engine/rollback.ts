import { exitCodes } from '../events/exit-code.ts';
import { assemblePlan } from '../plan/assemble.ts';
import { labels } from '../docker/names.ts';
import type { Container } from '../docker/observed.ts';
import type { Plan } from '../plan/plan.ts';
import { lastRun, undoRun, type NodeRollback } from '../plan/rollback.ts';
import { wavesOf } from '../plan/waves.ts';
import { RunRefused, type RunContext } from './context.ts';
import { haveEnded, type Node, type Tier } from './node.ts';
import { restoreAll } from './settle.ts';
import { stopIfAsked, type Stop } from './stop.ts';

/** A run that is to be undone. */
export interface Undo {
  readonly run: string;
  /** An interrupted rollback goes on: it may have been done. */
  readonly mayBeDone: boolean;
}

/** A run that cannot be undone as a whole: what it replaced is gone from some of its hosts. */
export class CannotUndo extends RunRefused {
  constructor(
    readonly run: string,
    /** What runs, and what is gone where. */
    readonly lines: readonly string[],
    /** What the hosts' containers were made from, `name:tag@digest`. */
    readonly running: ReadonlySet<string>,
  ) {
    super(exitCodes.usage, `run ${run} cannot be undone; nothing was touched`, [
      ...lines,
      'go back to a composition or to the images of an earlier run with --to, or with --limit on the hosts where it can be undone',
    ]);
  }
}

/** What a rollback is about to do. */
export interface Rollback {
  /** The run that is undone; undefined where no container tells of any. */
  readonly run: string | undefined;
  readonly plan: Plan;
  readonly ways: ReadonlyMap<Node, NodeRollback>;
}

/**
 * How one run is undone, the last one unless another is named: only what it has replaced goes back, on the hosts where
 * it has. @throws RunRefused where it cannot be undone as a whole
 */
export function planRollback(tiers: readonly Tier[], wanted: Undo | undefined): Rollback {
  const nodes = tiers.flatMap((tier) => tier.nodes);
  const run = wanted?.run ?? lastRun(nodes);
  const ways = new Map(run === undefined ? [] : nodes.map((node) => [node, undoRun(run, node)]));
  const lost = [...ways].filter(([, way]) => way.lost.length > 0);
  if (run !== undefined && lost.length > 0) {
    const lines = [...whatRuns(nodes, new Set(lost.flatMap(([, way]) => way.lost))), ...whatIsGone(lost)];
    const all = nodes.flatMap(({ observed }) => [...observed.containers.values()]);
    const running = all.filter(({ state }) => state.running).map(imageIn);
    throw new CannotUndo(run, lines, new Set(running));
  }
  if (wanted?.mayBeDone === false && [...ways.values()].every(({ before }) => before === undefined))
    throw new RunRefused(exitCodes.usage, `no host has anything that run ${wanted.run} replaced; nothing was touched`, [
      `the last run that changed these hosts is ${lastRun(nodes) ?? 'unknown'}; 'rollout history' lists runs`,
    ]);
  return {
    run,
    ways,
    plan: assemblePlan(
      tiers.map((tier) => withWays(tier, ways)),
      wavesOfRollback,
    ),
  };
}

/** A play's nodes back to what the run has replaced on them. The others are left as they are. */
export async function rollBackTier(tier: Tier, rollback: Rollback, context: RunContext): Promise<Stop | undefined> {
  const going: Node[] = [];
  for (const node of tier.nodes) {
    node.before = rollback.ways.get(node)?.before;
    if (node.before === undefined) node.result = 'unchanged';
    else going.push(node);
  }
  const stop = (): boolean => context.interrupt.isRequested;
  const reason = (node: Node): string => rollback.ways.get(node)?.cause ?? 'rollback';
  const blocked = await restoreAll(going, tier, { reason, stop }, context);
  // Here it is the aim of the run, not the way back from one.
  for (const node of going) if (node.result === 'restored') node.result = 'updated';
  const failed = going.filter(({ result }) => result === 'failed');
  const asked = stopIfAsked(context.interrupt, !haveEnded(going));
  if (asked !== undefined) return asked;
  if (blocked === undefined && failed.length === 0) return undefined;
  const words = blocked ?? `${failed.map(({ name }) => name).join(', ')} could not be rolled back`;
  return { kind: 'failures', isRestored: false, reason: words };
}

/** `app runs shop/app:1.1`, with the hosts. */
function whatRuns(nodes: readonly Node[], names: ReadonlySet<string>): readonly string[] {
  const found = nodes.flatMap(({ name, observed }) =>
    [...names].flatMap((each): (readonly [string, string])[] => {
      const container = observed.containers.get(each);
      return container?.state.running === true ? [[`${each} runs ${shortImage(imageIn(container))}`, name]] : [];
    }),
  );
  return byHosts(found);
}

function whatIsGone(lost: readonly (readonly [Node, NodeRollback])[]): readonly string[] {
  return byHosts(
    lost.map(([{ name }, way]) => [
      `what ran before as ${way.lost.join(', ')} is gone, as a later run took its place, or failed and was put back,`,
      name,
    ]),
  );
}

/** `app runs shop/app:1.1 on h1, h2`: what is the same on several hosts is told once. */
function byHosts(found: readonly (readonly [string, string])[]): readonly string[] {
  const hosts = new Map<string, string[]>();
  for (const [what, host] of found) hosts.set(what, [...(hosts.get(what) ?? []), host]);
  return [...hosts].map(([what, on]) => `${what} on ${on.length > 6 ? `${on.length} hosts` : on.join(', ')}`);
}

function imageIn({ labels: of, imageName }: Container): string {
  return of[labels.image] ?? imageName;
}

/** A digest says little where there is a tag. */
function shortImage(image: string): string {
  return image.replace(/(:[\w][\w.-]*)@sha256:[0-9a-f]{64}$/, '$1');
}

export function hasParked({ services, order, observed: { containers } }: Node): boolean {
  return services.some((service) => order.kept(service, containers) !== undefined);
}

function withWays(tier: Tier, ways: Rollback['ways']) {
  const nodes = tier.nodes.map((node) => ({
    name: node.name,
    zone: node.zone,
    services: node.services,
    plan: ways.get(node)?.plan ?? { ...node.plan, changes: [], heal: [], before: [], during: [], after: [] },
    isGoing: ways.get(node)?.before !== undefined,
  }));
  return { play: tier.play, unreachable: tier.unreachable, nodes };
}

function wavesOfRollback({ play, nodes }: ReturnType<typeof withWays>) {
  const parts = nodes.map(({ name, zone, isGoing }) => ({
    name,
    ...(zone === undefined ? {} : { zone }),
    isChanging: isGoing,
    isFinished: false,
  }));
  return wavesOf(play.strategy, parts, 'direct');
}
