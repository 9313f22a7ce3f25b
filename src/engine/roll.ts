import { failureBudget, minAvailable } from '../plan/limits.ts';
import { isUnchanged } from '../plan/reconcile.ts';
import { wavesOf, type Wave } from '../plan/waves.ts';
import { Ahead } from './ahead.ts';
import { CheckRun } from './check-run.ts';
import type { RunContext } from './context.ts';
import { executeOps } from './execute.ts';
import { passGate } from './gate.ts';
import { holdingIn, judgeByChecks, judgeWave } from './judge.ts';
import { haveEnded, type Node, type Tier } from './node.ts';
import { OpError } from './op-error.ts';
import { hasOnceTasks, isOnlyOnce, runOnceTasks } from './once.ts';
import type { Promotion } from './promotion.ts';
import { refreshNode } from './refresh.ts';
import { sayItStays, settle } from './settle.ts';
import { concludeFanOut, failedOnTraffic, soak, soakName } from './soak.ts';
import { stopIfAsked, type Failures, type Stop } from './stop.ts';
import { Guard, TierTraffic } from './traffic.ts';
import { updateNode } from './update.ts';
import { rollWindow } from './window.ts';

/** One play: what was left half way, then wave after wave, each but the last holding before the next one starts. */
export async function rollPlay(tier: Tier, promotion: Promotion, context: RunContext): Promise<Stop | undefined> {
  const ahead = new Ahead(context);
  try {
    return await rollThrough(tier, ahead, promotion, context);
  } finally {
    await ahead.end();
  }
}

async function rollThrough(
  tier: Tier,
  ahead: Ahead,
  promotion: Promotion,
  context: RunContext,
): Promise<Stop | undefined> {
  await healNodes(tier, context);
  const waves = wavesOfTier(tier, promotion);
  const traffic = new TierTraffic(tier);
  if (waves.length > 0)
    await traffic.begin(tier.nodes.filter(({ name }) => promotion.isFinished(tier.play.name, name)));
  const hasOnce = promotion.pace !== 'direct' && (waves.length > 0 || isOnlyOnce(tier));
  const isResumed = tier.nodes.some(({ name }) => promotion.isFinished(tier.play.name, name));
  const early = hasOnce && !isResumed ? await runOnceTasks(tier, 'before', context) : undefined;
  if (early !== undefined) return settle(early, tier, context);
  const failed = await rollWaves(waves, tier, { traffic, ahead }, promotion, context);
  if (failed !== undefined && !isGoneOnAfter(failed, tier)) return settle(failed, tier, context);
  if (promotion.pace === 'direct') return failed;
  concludeFanOut(tier, traffic, context);
  const asked = stopIfAsked(context.interrupt, hasOnce && hasOnceTasks(tier, 'after'));
  if (asked !== undefined) return asked;
  const late = hasOnce && failed === undefined ? await runOnceTasks(tier, 'after', context) : undefined;
  if (late !== undefined) return late;
  if (promotion.pace === 'unbaked' || promotion.isJudged(tier.play.name, soakName)) return failed;
  const stop = await soak(tier, traffic, promotion.holds, context);
  return stop === undefined ? failed : settle(stop, tier, context);
}

/** @returns why the play ends before its last wave; or, with `continue`, the first failure after which it has gone on */
async function rollWaves(
  waves: readonly Wave[],
  tier: Tier,
  { traffic, ahead }: { readonly traffic: TierTraffic; readonly ahead: Ahead },
  promotion: Promotion,
  context: RunContext,
): Promise<Stop | undefined> {
  let failed: Failures | undefined;
  for (const [index, wave] of waves.entries()) {
    const next = waves[index + 1];
    // A way back is not to be held up.
    if (next !== undefined && promotion.pace !== 'direct') ahead.begin(nodesOf(tier, [next]));
    const stop = await rollWave(wave, waves.slice(index + 1), tier, traffic, promotion, context);
    if (stop !== undefined && !isGoneOnAfter(stop, tier)) return stop;
    failed ??= stop;
    if (next !== undefined && next.zone !== wave.zone && (failed !== undefined || isOverBudget(tier, wave)))
      return { ...(failed ?? failuresIn(tier)), endsPlay: true };
    if (stop === undefined) continue;
    if (next === undefined) sayItStays(stop, context);
    else sayItGoesOn(stop, wave, context);
  }
  return failed;
}

/** With `on_failure: continue` a failure stops nothing but what comes after its zone, and the run fails at its end. */
function isGoneOnAfter(stop: Stop, { play }: Tier): stop is Failures {
  return stop.kind === 'failures' && play.strategy.onFailure === 'continue' && stop.endsPlay !== true;
}

function sayItGoesOn({ reason }: Failures, { zone }: Wave, context: RunContext): void {
  const others = zone === undefined ? 'the others' : `the others of zone ${zone}`;
  context.emit({ type: 'warning', message: `${reason}: ${others} are updated all the same (on_failure: continue)` });
}

/** The order of a play, from how its nodes were found. */
export function wavesOfTier(
  { play, nodes }: Pick<Tier, 'play' | 'nodes'>,
  { pace, isJudged, isFinished }: Pick<Promotion, 'pace' | 'isJudged' | 'isFinished'>,
): readonly Wave[] {
  return wavesOf(
    play.strategy,
    nodes.map(({ name, zone, plan }) => ({
      name,
      ...(zone === undefined ? {} : { zone }),
      isChanging: !isUnchanged(plan),
      isFinished: isFinished(play.name, name),
    })),
    pace,
    (wave) => isJudged(play.name, wave),
    play.gate !== undefined,
  );
}

/** Whether a play changes hosts at all: one that does not needs no time of its own. */
export function hasWork(tier: Tier, promotion: Promotion): boolean {
  const isBroken = tier.nodes.some(({ plan }) => plan.heal.length > 0);
  const isAboutOnce = isOnlyOnce(tier) && (hasOnceTasks(tier, 'before') || hasOnceTasks(tier, 'after'));
  return isBroken || isAboutOnce || wavesOfTier(tier, promotion).length > 0;
}

/** Nodes that an earlier run left out of rotation come back first, all at once: they take nothing away. */
async function healNodes(tier: Tier, context: RunContext): Promise<void> {
  const broken = tier.nodes.filter(({ plan }) => plan.heal.length > 0);
  await Promise.all(
    broken.map(async (node) => {
      try {
        await executeOps(node.plan.heal, node, context);
      } catch (error) {
        if (context.interrupt.now.aborted) throw error;
        // The update itself may be what fixes it.
        const { message, step } = OpError.from({ kind: 'heal', text: 'heal', cause: '' }, error);
        context.emit({
          type: 'warning',
          host: node.name,
          message: `could not be put back first: ${step.text}: ${message}`,
        });
      }
      // A host that cannot be read now is read again when its turn comes.
      await refreshNode(node, context).catch((error: unknown) => {
        if (context.interrupt.now.aborted) throw error;
      });
    }),
  );
}

async function rollWave(
  wave: Wave,
  later: readonly Wave[],
  tier: Tier,
  traffic: TierTraffic,
  promotion: Promotion,
  context: RunContext,
): Promise<Stop | undefined> {
  // A canary has nobody beside it until it bakes, and a way back is not to be held up.
  const isJudged = wave.role !== 'canary' && promotion.pace !== 'direct';
  const beside = isJudged
    ? {
        // What has failed once is not judged again.
        ...(traffic.failed === undefined ? { guard: new Guard(tier, traffic, context) } : {}),
        checks: new CheckRun('fan_out', tier, context),
      }
    : undefined;
  beside?.checks.watch(traffic.updated);
  const stop = await updateAll(wave, later, tier, { traffic, ...beside }, context).finally(() => {
    beside?.checks.end();
    return beside?.guard?.end();
  });
  if (stop !== undefined) return stop;
  const holding = holdingIn(wave, tier);
  if (holding.length === 0 && !wave.isGated) return undefined;
  const verdict =
    holding.length === 0 ? undefined : await judgeWave({ wave, holding, traffic }, tier, promotion, context);
  const ended = verdict ?? (await passGate(wave, tier, context));
  for (const node of nodesOf(tier, later)) node.forget();
  return ended;
}

function nodesOf({ nodes }: Tier, waves: readonly Wave[]): readonly Node[] {
  const names = new Set(waves.flatMap(({ hosts }) => hosts));
  return nodes.filter(({ name }) => names.has(name));
}

/** What judges the nodes that are updated already, while others are. */
interface Beside {
  readonly traffic: TierTraffic;
  readonly guard?: Guard;
  readonly checks?: CheckRun;
}

async function updateAll(
  wave: Wave,
  later: readonly Wave[],
  tier: Tier,
  { traffic, guard, checks }: Beside,
  context: RunContext,
): Promise<Stop | undefined> {
  const { strategy } = tier.play;
  const following = wave.bakeMs === 0 ? later[0] : undefined;
  const goesOn = strategy.onFailure === 'continue';
  const hasFailed = (): boolean =>
    isOverBudget(tier, wave) || guard?.failed !== undefined || checks?.failure !== undefined;
  const blocked = await rollWindow(
    nodesOf(tier, [wave]),
    tier,
    {
      maxUnavailable: wave.maxUnavailable,
      minAvailable: minAvailable(strategy, tier.play.hostCount),
      leftOut: new Set(failedIn(wave, tier).map(({ name }) => name)),
      following: following === undefined ? [] : nodesOf(tier, [following]),
      stop: () => context.interrupt.isRequested || (!goesOn && hasFailed()),
    },
    async (node, emit) => {
      await updateNode(node, wave.role, { ...context, emit });
      if (node.result === 'updated') checks?.watch([node]);
    },
    context,
  );
  if (!goesOn && isOverBudget(tier, wave)) return failuresIn(tier);
  const asked = stopIfAsked(context.interrupt, later.length > 0 || isHeld(wave) || !haveEnded(nodesOf(tier, [wave])));
  if (asked !== undefined) return asked;
  if (guard?.failed !== undefined) return failedOnTraffic(guard.failed, tier, traffic, context);
  if (blocked !== undefined) return { kind: 'failures', isRestored: false, endsPlay: true, reason: blocked };
  return checks === undefined ? undefined : judgeByChecks(checks, tier, context);
}

/** Something comes between its last node and what follows it. */
const isHeld = ({ bakeMs, isManual, isGated }: Wave): boolean => bakeMs > 0 || isManual || isGated;

/** Those that a failure has left out of rotation, where they count. */
function failedIn(wave: Wave, { nodes }: Tier): readonly Node[] {
  return nodes.filter(({ result, zone }) => result === 'failed' && zone === wave.zone);
}

function isOverBudget(tier: Tier, { role }: Wave): boolean {
  const { play, nodes, unreachable, failed } = tier;
  const failures = role === 'canary' ? failed.size : failed.size + unreachable.length;
  return failures > failureBudget(play.strategy, role, nodes.length + unreachable.length);
}

function failuresIn({ nodes, failed: failedNodes }: Tier): Failures {
  const failed = nodes.filter((node) => failedNodes.has(node));
  return { kind: 'failures', isRestored: false, reason: `${failed.map(({ name }) => name).join(', ')} failed` };
}
