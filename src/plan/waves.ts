import { amountOf, formatAmount, type Strategy } from '../model/strategy.ts';
import { canaryCount, maxUnavailable } from './limits.ts';

/** Nodes that are updated together, and how long they must hold before the next ones start. */
export interface Wave {
  /** What it is called in plan, events and journal, unique in its play: `canary`, `stage 10%`, `zone eu`, `the others`. */
  readonly name: string;
  readonly role: 'canary' | 'fan_out';
  /** Undefined where the play has no zones. */
  readonly zone?: string;
  /** To be updated, in inventory order. */
  readonly hosts: readonly string[];
  /** Finished by the run that is being resumed, while their bake was not: they hold together with `hosts`. */
  readonly finished: readonly string[];
  /** Nodes out at once. */
  readonly maxUnavailable: number;
  /** 0: the next wave starts at once. */
  readonly bakeMs: number;
  /** It would hold, were it not for `--no-bake`. */
  readonly skipsBake: boolean;
  /** Goes on only when somebody says so (`promote: manual`). */
  readonly isManual: boolean;
  /** The play's gate stands behind it, and has not been passed. */
  readonly isGated: boolean;
}

/** A node, as far as the order of a rollout goes. */
export interface WaveNode {
  readonly name: string;
  readonly zone?: string;
  /** There is something to change. */
  readonly isChanging: boolean;
  /** The run that is being resumed had updated it. */
  readonly isFinished: boolean;
}

/** `careful`: canary, stages and every bake; `unbaked`: the same order without any bake; `direct`: neither canary nor stages. */
export type Pace = 'careful' | 'unbaked' | 'direct';

/**
 * The order of a play: zones one after the other, in the order in which the inventory has them; the canary in the first
 * zone that has something to change, once for the play; in each zone its stages, then everyone else of it.
 *
 * A stage is a share of the zone's nodes (of the play's, without zones), and counts those that were updated before it:
 * after `10%, 50%` half of them are updated. Shares round down, to at least 1; a stage that adds no node, or
 * all that are left, is no stage, and the last nodes of a zone hold for the zone's bake before the next zone.
 */
export function wavesOf(
  strategy: Pick<Strategy, 'canary' | 'stages' | 'zones' | 'maxUnavailable'>,
  nodes: readonly WaveNode[],
  pace: Pace,
  isJudged: (wave: string) => boolean = () => false,
  hasGate = false,
): readonly Wave[] {
  const zones = [...byZone(nodes)].filter(([, members]) => members.some(isPartOf));
  const part = nodes.filter(isPartOf);
  const canaries = pace === 'direct' ? 0 : canaryCount(strategy, nodes.length, part.length);
  const waves = zones.flatMap(([zone, members], index) =>
    wavesOfZone(
      strategy,
      { zone, members },
      { canaries: index === 0 ? canaries : 0, pace, isLast: index === zones.length - 1 },
    ),
  );
  return waves
    .map((wave) => holding(wave, pace, isJudged(wave.name)))
    .map((wave) => ({ ...wave, isGated: hasGate && wave.role === 'canary' && !isJudged(gateName) }))
    .filter(({ hosts, bakeMs, isManual, isGated }) => hosts.length > 0 || bakeMs > 0 || isManual || isGated);
}

/** What the gate is called where waves have their names. */
export const gateName = 'gate';

function holding(wave: Wave, pace: Pace, isJudged: boolean): Wave {
  const holds = pace !== 'direct' && !isJudged;
  return {
    ...wave,
    bakeMs: holds && pace === 'careful' ? wave.bakeMs : 0,
    skipsBake: holds && pace === 'unbaked' && wave.bakeMs > 0,
    isManual: holds && wave.isManual,
  };
}

/** Who comes last where there are no zones. */
export const theOthers = 'the others';

/** Nodes by their zone, zones in the order in which they are met; without zones all of them are in one. */
export function byZone<N extends { readonly zone?: string | undefined }>(
  nodes: readonly N[],
): ReadonlyMap<string | undefined, readonly N[]> {
  const zones = new Map<string | undefined, N[]>();
  for (const node of nodes) {
    const members = zones.get(node.zone);
    if (members === undefined) zones.set(node.zone, [node]);
    else members.push(node);
  }
  return zones;
}

const isPartOf = ({ isChanging, isFinished }: WaveNode): boolean => isChanging || isFinished;

function wavesOfZone(
  strategy: Pick<Strategy, 'canary' | 'stages' | 'zones' | 'maxUnavailable'>,
  { zone, members }: { readonly zone: string | undefined; readonly members: readonly WaveNode[] },
  { canaries, pace, isLast }: { readonly canaries: number; readonly pace: Pace; readonly isLast: boolean },
): readonly Wave[] {
  const part = members.filter(isPartOf);
  const { canary, stages, zones } = strategy;
  const cuts = [
    { name: 'canary', role: 'canary' as const, until: Math.min(canaries, part.length) },
    ...(pace === 'direct' ? [] : stages).map((share) => ({
      name: `stage ${formatAmount(share)}${zone === undefined ? '' : ` of zone ${zone}`}`,
      role: 'fan_out' as const,
      until: Math.min(Math.max(1, amountOf(share, members.length)), part.length),
    })),
    { name: zone === undefined ? theOthers : `zone ${zone}`, role: 'fan_out' as const, until: part.length },
  ];
  const waves: Wave[] = [];
  let begun = 0;
  for (const [index, { name, role, until }] of cuts.entries()) {
    // A stage that takes the last nodes has nothing to hold for: these are the end.
    const isRest = role === 'fan_out' && until === part.length && index < cuts.length - 1;
    if (until <= begun || isRest) continue;
    const own = part.slice(begun, until);
    begun = until;
    const isEnd = until === part.length;
    // A canary holds in any case; who comes last in the play has the soak.
    const ownBakeMs = role === 'canary' || !isEnd ? canary.bakeMs : 0;
    const zoneBakeMs = isEnd && !isLast ? (zones?.bakeMs ?? 0) : 0;
    waves.push({
      name,
      role,
      ...(zone === undefined ? {} : { zone }),
      hosts: own.filter(({ isChanging }) => isChanging).map(({ name: host }) => host),
      finished: own.filter(({ isChanging }) => !isChanging).map(({ name: host }) => host),
      maxUnavailable: maxUnavailable(strategy, members.length),
      bakeMs: Math.max(ownBakeMs, zoneBakeMs),
      skipsBake: false,
      isManual: role === 'canary' && canary.promote === 'manual',
      isGated: false,
    });
  }
  return waves;
}
