import type { OpText } from '../events/event.ts';
import { amountOf } from '../model/strategy.ts';
import { minAvailable } from '../plan/limits.ts';
import { isUnchanged } from '../plan/reconcile.ts';
import { wavesOf, type Pace, type Wave } from '../plan/waves.ts';
import { bake, type Finding } from './bake.ts';
import { CheckRun } from './check-run.ts';
import type { RunContext } from './context.ts';
import { executeOps } from './execute.ts';
import type { Gate, Gates } from './gate.ts';
import { reportFailure } from './failure.ts';
import type { Node, Tier } from './node.ts';
import { OpError } from './op-error.ts';
import { refreshNode } from './refresh.ts';
import { settle } from './settle.ts';
import { concludeFanOut, failedOnTraffic, goBackTo, holdingOf, soak, soakName } from './soak.ts';
import { askedStop, type Stop } from './stop.ts';
import { Guard, TierTraffic } from './traffic.ts';
import { updateNode } from './update.ts';
import { someOf } from '../model/alike.ts';
import { rollWindow } from './window.ts';

/** Asks the operator whether the canary is good, until it is answered elsewhere; undefined where nobody can be asked. */
export type Promote = ((question: string, answered: AbortSignal) => Promise<boolean>) | undefined;

export interface Promotion {
  readonly promote: Promote;
  readonly pace: Pace;
  /** Waves that have held already, in the runs that this one goes on with. */
  readonly isJudged: (play: string, wave: string) => boolean;
  /** Nodes that the run being resumed had finished. */
  readonly isFinished: (play: string, host: string) => boolean;
  /** Where the run holds, for an operator who is elsewhere. */
  readonly gates: Gates;
  /** Why there is no bake, with `--no-bake`. */
  readonly noBakeReason: string | undefined;
}

/** One play: what was left half way, then wave after wave, each but the last holding before the next one starts. */
export async function rollPlay(tier: Tier, promotion: Promotion, context: RunContext): Promise<Stop | undefined> {
  await healNodes(tier, context);
  const waves = wavesOfTier(tier, promotion);
  const traffic = new TierTraffic(tier);
  if (waves.length > 0)
    await traffic.begin(tier.nodes.filter(({ name }) => promotion.isFinished(tier.play.name, name)));
  for (const [index, wave] of waves.entries()) {
    const stop = await rollWave(wave, waves.slice(index + 1), tier, traffic, promotion, context);
    if (stop !== undefined) return settle(stop, tier, context);
    const next = waves[index + 1];
    if (next !== undefined && next.zone !== wave.zone && isOverBudget(tier, wave))
      return settle({ kind: 'failures', isRestored: false, reason: failureWords(tier) }, tier, context);
  }
  if (promotion.pace === 'direct') return undefined;
  concludeFanOut(tier, traffic, context);
  if (promotion.pace === 'unbaked' || promotion.isJudged(tier.play.name, soakName)) return undefined;
  const stop = await soak(tier, traffic, promotion.gates, context);
  return stop === undefined ? undefined : settle(stop, tier, context);
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
  );
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
    ? { guard: new Guard(tier, traffic, context), checks: new CheckRun('fan_out', tier, context) }
    : undefined;
  beside?.checks.watch(tier.nodes.filter(({ result }) => result === 'updated'));
  const following = wave.bakeMs === 0 ? later[0] : undefined;
  const stop = await updateAll(wave, following, tier, { traffic, ...beside }, context).finally(() => {
    beside?.checks.end();
    return beside?.guard.end();
  });
  if (stop !== undefined) return stop;
  const names = new Set([...wave.hosts, ...wave.finished]);
  const holding = tier.nodes.filter(
    ({ name, result }) => names.has(name) && (result === 'updated' || wave.finished.includes(name)),
  );
  if (holding.length === 0) return undefined;
  if (wave.bakeMs === 0 && !wave.isManual && !wave.skipsBake) return undefined;
  const subject = `${wave.role === 'canary' ? 'the canary' : `${wave.name}:`} ${someOf(holding.map(({ name }) => name))}`;
  const verdict = await promotion.gates.during(subject, (gate) =>
    judge({ wave, holding, gate, traffic }, tier, promotion, context),
  );
  if (verdict !== undefined) return verdict;
  for (const node of nodesOf(tier, later)) node.forget();
  return undefined;
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
  following: Wave | undefined,
  tier: Tier,
  { traffic, guard, checks }: Beside,
  context: RunContext,
): Promise<Stop | undefined> {
  const { strategy } = tier.play;
  const stops = (): boolean => strategy.onFailure !== 'continue' && isOverBudget(tier, wave);
  const blocked = await rollWindow(
    nodesOf(tier, [wave]),
    tier,
    {
      maxUnavailable: wave.maxUnavailable,
      minAvailable: minAvailable(strategy, tier.nodes.length),
      leftOut: new Set(failedIn(wave, tier).map(({ name }) => name)),
      following: following === undefined ? [] : nodesOf(tier, [following]),
      stop: () =>
        context.interrupt.isRequested || stops() || guard?.failed !== undefined || checks?.failure !== undefined,
    },
    async (node, emit) => {
      await updateNode(node, wave.role, { ...context, emit });
      if (node.result === 'updated') checks?.watch([node]);
    },
    context,
  );
  if (stops()) return { kind: 'failures', isRestored: false, reason: failureWords(tier) };
  if (context.interrupt.isRequested) return askedStop(context.interrupt);
  if (guard?.failed !== undefined) return failedOnTraffic(guard.failed, tier, traffic, context);
  if (blocked !== undefined) return { kind: 'failures', isRestored: false, reason: blocked };
  return checks === undefined ? undefined : concludeChecks(checks, context);
}

/** What the checks say of the nodes that have been updated by now: beside the updates, and once more at their end. */
async function concludeChecks(checks: CheckRun, context: RunContext): Promise<Stop | undefined> {
  try {
    const { verdict, reason } = await checks.conclude({ verdict: 'passed', reason: 'updated' }, true);
    if (verdict === 'failed') return { kind: 'failures', isRestored: false, reason };
    if (verdict === 'inconclusive') context.emit({ type: 'warning', message: reason });
    return undefined;
  } catch (error) {
    if (context.interrupt.isRequested) return askedStop(context.interrupt);
    throw error;
  }
}

/** Those that a failure has left out of rotation, where they count. */
function failedIn(wave: Wave, { nodes }: Tier): readonly Node[] {
  return nodes.filter(({ result, zone }) => result === 'failed' && zone === wave.zone);
}

function isOverBudget(tier: Tier, wave: Wave): boolean {
  return failuresOf(tier, wave) > failureBudget(tier, wave);
}

function failuresOf({ failed, unreachable }: Tier, { role }: Wave): number {
  return role === 'canary' ? failed.size : failed.size + unreachable.length;
}

/** One bad canary is enough: a budget for failures is for hosts, not for versions. */
function failureBudget({ play, nodes, unreachable }: Tier, { role }: Wave): number {
  return role === 'canary' ? 0 : amountOf(play.strategy.maxFailures, nodes.length + unreachable.length);
}

function failureWords({ nodes, failed: failedNodes }: Tier): string {
  const failed = nodes.filter((node) => failedNodes.has(node));
  return `${failed.map(({ name }) => name).join(', ')} failed`;
}

/** Nodes that hold, and where they may be let go on. */
interface Held {
  readonly wave: Wave;
  readonly holding: readonly Node[];
  readonly gate: Gate;
  readonly traffic: TierTraffic;
}

async function judge(held: Held, tier: Tier, promotion: Promotion, context: RunContext): Promise<Stop | undefined> {
  const { wave, holding, gate } = held;
  const finding = await findingOf(held, tier, promotion, context);
  if (finding.verdict === 'interrupted') return askedStop(context.interrupt);
  const { verdict } = finding;
  const { onInconclusive } = tier.play.strategy.canary;
  // One that did not bake was not to be judged.
  const isUnjudged = verdict === 'inconclusive' && wave.bakeMs > 0;
  if (verdict === 'failed' || (isUnjudged && onInconclusive === 'fail')) {
    goBackTo(holding);
    const error = new OpError(baking, finding.reason);
    // Of a stage or a zone it is not one node that is to blame.
    if (wave.role === 'canary') await Promise.all(holding.map((node) => reportFailure(node, error, context)));
    return { kind: 'failures', isRestored: false, reason: `${gate.subject} failed its bake: ${finding.reason}` };
  }
  if (verdict === 'promoted') return undefined;
  if (isUnjudged && onInconclusive === 'pause')
    return { kind: 'pause', reason: `${gate.subject} cannot be judged: ${finding.reason}` };
  return wave.isManual ? waitForPromotion(held, finding, promotion, context) : undefined;
}

/** The verdict of the bake; without one there is nothing to say for or against. */
async function findingOf(
  { wave, holding, gate, traffic }: Held,
  tier: Tier,
  { noBakeReason }: Promotion,
  context: RunContext,
): Promise<Finding | { readonly verdict: 'interrupted' }> {
  if (wave.bakeMs > 0) return bake({ ...holdingOf(wave, tier), nodes: holding, gate, traffic }, tier, context);
  const finding: Finding =
    wave.skipsBake && noBakeReason !== undefined
      ? { verdict: 'skipped', reason: noBakeReason }
      : { verdict: 'inconclusive', reason: 'it does not bake (bake: 0)' };
  const hosts = holding.map(({ name }) => name);
  context.emit({ type: 'bake_finished', play: tier.play.name, wave: wave.name, hosts, ...finding });
  return finding;
}

/** A person goes on with it: at this terminal, from another one, or later with `resume`. */
async function waitForPromotion(
  { wave, gate }: Held,
  { verdict, reason }: Finding,
  { promote }: Promotion,
  context: RunContext,
): Promise<Stop | undefined> {
  const isAskable = verdict === 'passed' || wave.bakeMs === 0;
  if (isAskable && promote !== undefined) {
    const question = `${gate.subject.replace('the c', 'C')}: ${reason}. Go on with the others?`;
    const answer = await Promise.race([promote(question, gate.signal), gate.promoted.then(() => true)]);
    if (answer) return undefined;
  }
  // The answer may have been Ctrl-C.
  if (context.interrupt.isRequested) return askedStop(context.interrupt);
  return { kind: 'pause', reason: `${gate.subject} waits for promotion (${verdict}: ${reason})` };
}

const baking: OpText = { kind: 'bake', text: 'bake', cause: 'canary on real traffic' };
