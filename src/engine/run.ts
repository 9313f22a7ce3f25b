import { exitCodes } from '../events/exit-code.ts';
import type { Plan } from '../plan/plan.ts';
import { assemblePlan } from '../plan/assemble.ts';
import { RunRefused, type RunContext } from './context.ts';
import { untilEnd, type FinishedRun } from './finish.ts';
import { withFleet, type FleetInput } from './fleet.ts';
import type { Tier } from './node.ts';
import { pullAll } from './pull.ts';
import { rollBackTier } from './rollback.ts';
import { rollPlay, wavesOfTier, type Promotion } from './roll.ts';
import { rollBackEarlier } from './settle.ts';
import { askedStop, type Stop } from './stop.ts';

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
    return untilEnd(tiers, context, async () => {
      await pullAll(tiers, input.images, context);
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

/** Every node back to its parked previous containers: no canary, the same limits, nothing resolved or pulled. */
export function rollBackParked(
  input: FleetInput & Pick<RunInput, 'lockTimeoutMs'>,
  context: RunContext,
): Promise<FinishedRun> {
  return withFleet(input, { lockTimeoutMs: input.lockTimeoutMs, resolvesImages: false }, context, (tiers) =>
    untilEnd(tiers, context, async () => {
      for (const tier of tiers) {
        const stop = await rollBackTier(tier, context);
        if (stop !== undefined) return sayPause(stop, context);
      }
      return undefined;
    }),
  );
}

function sayPause(stop: Stop | undefined, context: RunContext): Stop | undefined {
  if (stop?.kind === 'pause') context.emit({ type: 'run_paused', reason: stop.reason, next: context.resumeCommand });
  return stop;
}

async function announcePlan(tiers: readonly Tier[], input: RunInput, context: RunContext): Promise<Plan> {
  const plan = assemblePlan(tiers, (tier) => wavesOfTier(tier, input));
  context.emit({
    type: 'plan_ready',
    text: input.formatPlan(plan),
    images: await input.images.record(),
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
  return plan;
}

async function rollPlays(tiers: readonly Tier[], input: RunInput, context: RunContext): Promise<Stop | undefined> {
  for (const [index, tier] of tiers.entries()) {
    if (context.interrupt.isRequested) return askedStop(context.interrupt);
    const stop = await rollPlay(tier, input, context);
    if (stop === undefined) continue;
    if (stop.kind !== 'failures') return stop;
    if (tier.play.strategy.onFailure !== 'continue') return rollBackEarlier(tiers.slice(0, index), stop, context);
  }
  return undefined;
}
