import { formatDuration } from '../model/duration.ts';
import { describeGate } from '../model/gate.ts';
import { hasGate, type Play } from '../model/play.ts';
import type { Service } from '../model/service.ts';
import { maxUnavailable, minAvailable } from './limits.ts';
import { differingImages } from './local-image.ts';
import type { NodePlan, Plan, PlayPlan } from './plan.ts';
import { warningsOfNodes } from './resources.ts';
import type { Wave } from './waves.ts';

/** A play and what its hosts would have done to them, in inventory order. */
export interface PlannedTier {
  readonly play: Play;
  readonly nodes: readonly { readonly name: string; readonly services: readonly Service[]; readonly plan: NodePlan }[];
  readonly unreachable: readonly string[];
  /** Of the balancers. */
  readonly warnings?: readonly string[];
}

/** The plan of a run, from the plans of its nodes and the order of its plays. */
export function assemblePlan<T extends PlannedTier>(tiers: readonly T[], wavesOf: (tier: T) => readonly Wave[]): Plan {
  return { plays: tiers.map((tier) => planOfPlay(tier, wavesOf(tier))) };
}

function planOfPlay(tier: PlannedTier, waves: readonly Wave[]): PlayPlan {
  const { play, nodes } = tier;
  return {
    play: play.name,
    nodes: nodes.map(({ plan }) => plan),
    canaries: waves.find(({ role }) => role === 'canary')?.hosts ?? [],
    waves,
    ...gateOf(play, waves),
    maxUnavailable: maxUnavailable(play.strategy, nodes.length),
    minAvailable: minAvailable(play.strategy, play.hostCount),
    warnings: warningsOf(tier),
  };
}

function gateOf({ gate }: Play, waves: readonly Wave[]): Pick<PlayPlan, 'gate'> {
  if (gate === undefined || !waves.some(({ isGated }) => isGated)) return {};
  return { gate: `${describeGate(gate)}, ${formatDuration(gate.timeoutMs)} at most` };
}

function warningsOf({ play, nodes, unreachable, warnings: ofBalancers = [] }: PlannedTier): readonly string[] {
  const warnings = [
    ...differingImages(nodes.map(({ name, services }) => ({ name, services }))),
    ...warningsOfNodes(nodes.map(({ plan }) => plan)),
    ...ofBalancers,
  ];
  if (unreachable.length > 0) warnings.push(`left out, unreachable: ${unreachable.join(', ')}`);
  if (play.loadBalancer !== undefined && !hasGate(play)) {
    warnings.push(
      'no health_container: a node cannot be drained before its services stop, so requests in flight are cut',
    );
  }
  return warnings;
}
