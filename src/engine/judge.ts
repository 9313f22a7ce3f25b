import type { OpText } from '../events/event.ts';
import { someOf } from '../model/alike.ts';
import { consequenceOf } from '../plan/holding.ts';
import type { Wave } from '../plan/waves.ts';
import { bake, type Finding } from './bake.ts';
import type { CheckRun } from './check-run.ts';
import type { RunContext } from './context.ts';
import { reportFailure } from './failure.ts';
import type { Hold } from './hold.ts';
import type { Node, Tier } from './node.ts';
import { OpError } from './op-error.ts';
import type { Promotion } from './promotion.ts';
import { restoreAll } from './settle.ts';
import { goBackTo, holdingOf } from './soak.ts';
import { askedStop, type Stop } from './stop.ts';
import type { TierTraffic } from './traffic.ts';

/** Nodes that hold, and where they may be let go on. */
interface Held {
  readonly wave: Wave;
  readonly holding: readonly Node[];
  readonly hold: Hold;
  readonly traffic: TierTraffic;
}

/** The nodes of a wave that have to hold before the next one; none where it goes on at once. */
export function holdingIn(wave: Wave, tier: Tier): readonly Node[] {
  return wave.bakeMs === 0 && !wave.isManual && !wave.skipsBake ? [] : updatedIn(wave, tier);
}

/** The nodes of a wave that have the new version by now. */
export function updatedIn(wave: Wave, { nodes }: Tier): readonly Node[] {
  const names = new Set([...wave.hosts, ...wave.finished]);
  return nodes.filter(({ name, result }) => names.has(name) && (result === 'updated' || wave.finished.includes(name)));
}

/** Has nodes hold. @returns why the play does not simply go on */
export function judgeWave(
  held: Omit<Held, 'hold'>,
  tier: Tier,
  promotion: Promotion,
  context: RunContext,
): Promise<Stop | undefined> {
  const { wave, holding } = held;
  const subject = `${wave.role === 'canary' ? 'the canary' : `${wave.name}:`} ${someOf(holding.map(({ name }) => name))}`;
  return promotion.holds.during(subject, (hold) => judge({ ...held, hold }, tier, promotion, context));
}

async function judge(held: Held, tier: Tier, promotion: Promotion, context: RunContext): Promise<Stop | undefined> {
  const { wave, holding, hold } = held;
  const finding = await findingOf(held, tier, promotion, context);
  if (finding.verdict === 'interrupted') return askedStop(context.interrupt);
  const { verdict, reason } = finding;
  const { isManual, bakeMs } = wave;
  const { canary, onFailure } = tier.play.strategy;
  switch (consequenceOf(verdict, canary, { isJudged: bakeMs > 0, isManual })) {
    case 'go_on':
      return undefined;
    case 'ask':
      return waitForPromotion(held, finding, promotion, context);
    case 'pause':
      return { kind: 'pause', reason: `${hold.subject} cannot be judged: ${reason}` };
    case 'fail': {
      const stop: Stop = { kind: 'failures', isRestored: false, reason: `${hold.subject} failed its bake: ${reason}` };
      // Of a stage or a zone it is not one node that is to blame.
      if (wave.role === 'canary') await failCanary(holding, stop.reason, new OpError(baking, reason), tier, context);
      else if (onFailure === 'rollback') goBackTo(holding);
      return stop;
    }
  }
}

/** A node that failed goes back in any case; with `rollback` together with all that the run has changed. */
export async function failCanary(
  canaries: readonly Node[],
  reason: string,
  error: OpError,
  tier: Tier,
  context: RunContext,
): Promise<void> {
  goBackTo(canaries);
  await Promise.all(canaries.map((node) => reportFailure(node, error, context)));
  if (tier.play.strategy.onFailure === 'rollback') return;
  await restoreAll(canaries, tier, { reason, stop: () => false }, context);
}

/** The verdict of the bake; without one there is nothing to say for or against. */
async function findingOf(
  { wave, holding, hold, traffic }: Held,
  tier: Tier,
  { noBakeReason }: Promotion,
  context: RunContext,
): Promise<Finding | { readonly verdict: 'interrupted' }> {
  if (wave.bakeMs > 0) return bake({ ...holdingOf(wave, tier), nodes: holding, hold, traffic }, tier, context);
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
  { wave, hold }: Held,
  { verdict, reason }: Finding,
  { promote }: Promotion,
  context: RunContext,
): Promise<Stop | undefined> {
  const isAskable = verdict === 'passed' || wave.bakeMs === 0;
  if (isAskable && promote !== undefined) {
    const question = `${hold.subject.replace('the c', 'C')}: ${reason}. Go on with the others?`;
    const answer = await Promise.race([promote(question, hold.signal), hold.promoted.then(() => true)]);
    if (answer) return undefined;
  }
  // The answer may have been Ctrl-C.
  if (context.interrupt.isRequested) return askedStop(context.interrupt);
  return { kind: 'pause', reason: `${hold.subject} waits for promotion (${verdict}: ${reason})` };
}

const baking: OpText = { kind: 'bake', text: 'bake', cause: 'canary on real traffic' };

/** What the checks say of the nodes that have been updated by now: beside the updates, and once more at their end. */
export async function judgeByChecks(checks: CheckRun, tier: Tier, context: RunContext): Promise<Stop | undefined> {
  try {
    const { verdict, reason } = await checks.conclude({ verdict: 'passed', reason: 'updated' }, { hasBalancer: true });
    switch (consequenceOf(verdict, tier.play.strategy.canary, { isJudged: true, isManual: false })) {
      case 'fail':
        return { kind: 'failures', isRestored: false, reason };
      case 'pause':
        return { kind: 'pause', reason };
      default:
        if (verdict === 'inconclusive') context.emit({ type: 'warning', message: reason });
        return undefined;
    }
  } catch (error) {
    if (context.interrupt.isRequested) return askedStop(context.interrupt);
    throw error;
  }
}
