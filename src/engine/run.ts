import { sweepAhead } from './ahead.ts';
import type { EventBody } from '../events/event.ts';
import { exitCodes } from '../events/exit-code.ts';
import { formatImageRef } from '../model/image.ts';
import type { Plan } from '../plan/plan.ts';
import { assemblePlan } from '../plan/assemble.ts';
import { RunRefused, type RunContext } from './context.ts';
import { untilEnd, type FinishedRun } from './finish.ts';
import { gaugeAll } from './gauge.ts';
import { withFleet, type FleetInput } from './fleet.ts';
import { pullForGates } from './gate.ts';
import type { Tier } from './node.ts';
import { pullAll } from './pull.ts';
import { planRollback, rollBackTier, type Rollback, type Undo } from './rollback.ts';
import { requireRoom } from './room.ts';
import type { Promotion } from './promotion.ts';
import { hasWork, rollPlay, wavesOfTier } from './roll.ts';
import { rollBackEarlier } from './settle.ts';
import { sweepOneOffs } from './task-services.ts';
import { stopIfAsked, type Stop } from './stop.ts';

export interface RunInput extends FleetInput, Promotion {
  /** 0: fail at once when another run holds a host. */
  readonly lockTimeoutMs: number;
  /** The plan as text, for the journal and the terminal. */
  readonly formatPlan: (plan: Plan) => string;
  /** Asked after the plan, before anything is touched; undefined: go ahead. */
  readonly confirm: ((plan: Plan) => Promise<boolean>) | undefined;
}

/** A whole run: preflight, plan, pull, then every play in turn. @throws RunRefused, ConfigError when nothing was touched. */
export function run(input: RunInput, context: RunContext): Promise<FinishedRun> {
  const { lockTimeoutMs, isFinished } = input;
  return withFleet(input, { lockTimeoutMs, resolvesImages: true, isFinished }, context, async (tiers) => {
    const plan = await announcePlan(tiers, input, context);
    if (input.confirm !== undefined && !(await input.confirm(plan)))
      throw new RunRefused(exitCodes.usage, 'not confirmed; nothing was touched');
    using _gauges = gaugeAll(tiers, context);
    return await untilEnd(tiers, context, async () => {
      await sweepOneOffs(tiers, context);
      await sweepAhead(tiers, context);
      await pullAll(tiers, input.images, context);
      const gated = tiers.map((tier) => ({ tier, waves: wavesOfTier(tier, input) }));
      await pullForGates(gated, input.images, context);
      await requireRoom(tiers, context);
      return sayPause(await rollPlays(tiers, input, context), context);
    });
  });
}

/** What a run would do, from real reads and without any write. */
export function planOnly(input: FleetInput, context: RunContext): Promise<Plan> {
  return withFleet(input, { lockTimeoutMs: undefined, resolvesImages: true }, context, (tiers) =>
    Promise.resolve(assemblePlan(tiers, (tier) => wavesOfTier(tier, fresh))),
  );
}

/** A run that goes on with no other. */
const fresh = { pace: 'careful', isJudged: () => false, isFinished: () => false } as const;

/** What a rollback needs beside a run's input. */
export interface RollbackInput extends FleetInput, Pick<RunInput, 'lockTimeoutMs' | 'formatPlan' | 'confirm'> {
  /** The run to undo; undefined: the last one that changed these hosts. */
  readonly undo: Undo | undefined;
}

/** Undoes one run: every node back to what that run replaced on it, no canary, the same limits, nothing resolved or pulled. */
export function rollBackParked(input: RollbackInput, context: RunContext): Promise<FinishedRun> {
  const { lockTimeoutMs } = input;
  return withFleet(input, { lockTimeoutMs, resolvesImages: false }, context, async (tiers) => {
    const rollback = planRollback(tiers, input.undo);
    emitPlan(
      { plan: rollback.plan, text: rollbackText(rollback, input.formatPlan), images: {}, undoes: rollback.run },
      context,
    );
    if (input.confirm !== undefined && !(await input.confirm(rollback.plan)))
      throw new RunRefused(exitCodes.usage, 'not confirmed; nothing was touched');
    using _gauges = gaugeAll(tiers, context);
    return await untilEnd(tiers, context, async () => {
      // As it was brought up: what came last goes first.
      for (const tier of tiers.toReversed()) {
        const stop = await rollBackTier(tier, rollback, context);
        if (stop !== undefined) return sayPause(stop, context);
      }
      return undefined;
    });
  });
}

/** What a rollback would do, from real reads and without any write. */
export function planRollbackOnly(
  input: Omit<RollbackInput, 'lockTimeoutMs' | 'confirm'>,
  context: RunContext,
): Promise<{ readonly plan: Plan; readonly text: string }> {
  return withFleet(input, { lockTimeoutMs: undefined, resolvesImages: false }, context, (tiers) => {
    const rollback = planRollback(tiers, input.undo);
    return Promise.resolve({ plan: rollback.plan, text: rollbackText(rollback, input.formatPlan) });
  });
}

function rollbackText({ run, plan }: Rollback, formatPlan: RunInput['formatPlan']): string {
  if (run === undefined) return 'Nothing to roll back: no container of these hosts tells of a run that made it.';
  const isNothing = plan.plays.every(({ nodes }) => nodes.every(({ changes }) => changes.length === 0));
  const what = isNothing
    ? `The last run ${run} replaced nothing that could go back.`
    : `Undoes run ${run}, and nothing else.`;
  return `${what}\n\n${formatPlan(plan)}`;
}

function sayPause(stop: Stop | undefined, context: RunContext): Stop | undefined {
  if (stop?.kind === 'pause') context.emit(pausedEvent(stop.reason, context));
  return stop;
}

/** What a pause says of itself, and of how to go on. */
export function pausedEvent(reason: string, { interrupt, resumeCommand }: RunContext): EventBody {
  return { type: 'run_paused', reason, next: resumeCommand, ...(interrupt.hasClosed ? { by: 'window' } : {}) };
}

async function announcePlan(tiers: readonly Tier[], input: RunInput, context: RunContext): Promise<Plan> {
  const plan = assemblePlan(tiers, (tier) => wavesOfTier(tier, input));
  const images = await input.images.record();
  emitPlan({ plan, text: input.formatPlan(plan), images, components: componentsOf(tiers) }, context);
  return plan;
}

/** What every service is to run, whatever tag it came by: a composition can be made of it later. */
function componentsOf(tiers: readonly Tier[]): Readonly<Record<string, readonly string[]>> {
  const components = new Map<string, Set<string>>();
  for (const { services } of tiers.flatMap(({ nodes }) => nodes))
    for (const { name, image } of services)
      components.set(name, (components.get(name) ?? new Set()).add(formatImageRef(image)));
  return Object.fromEntries(
    [...components].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, all]) => [name, [...all]]),
  );
}

function emitPlan(
  {
    plan,
    text,
    images,
    components,
    undoes,
  }: {
    readonly plan: Plan;
    readonly text: string;
    readonly images: Readonly<Record<string, string>>;
    readonly components?: Readonly<Record<string, readonly string[]>>;
    readonly undoes?: string | undefined;
  },
  context: RunContext,
): void {
  context.emit({
    type: 'plan_ready',
    text,
    images,
    ...(components === undefined ? {} : { components }),
    ...(undoes === undefined ? {} : { undoes }),
    plays: plan.plays.map(({ play, canaries, waves, maxUnavailable, minAvailable, nodes }) => ({
      play,
      canaries,
      waves: waves.map(({ name, zone, hosts, bakeMs, maxUnavailable: atOnce }) => ({
        name,
        ...(zone === undefined ? {} : { zone }),
        hosts,
        maxUnavailable: atOnce,
        bakeMs,
      })),
      maxUnavailable,
      minAvailable,
      hosts: Object.fromEntries(
        nodes.map(({ host, changes }) => [host, changes.map(({ service, kind, cause }) => ({ service, kind, cause }))]),
      ),
    })),
  });
}

async function rollPlays(tiers: readonly Tier[], input: RunInput, context: RunContext): Promise<Stop | undefined> {
  let failed: Stop | undefined;
  for (const [index, tier] of tiers.entries()) {
    const asked = stopIfAsked(context.interrupt, hasWork(tier, input));
    if (asked !== undefined) return asked;
    const stop = await rollPlay(tier, input, context);
    if (stop === undefined) continue;
    if (stop.kind !== 'failures') return stop;
    if (tier.play.strategy.onFailure !== 'continue') return rollBackEarlier(tiers.slice(0, index), stop, context);
    failed ??= stop;
  }
  return failed;
}
