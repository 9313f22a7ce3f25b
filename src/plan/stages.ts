import type { Op } from './plan.ts';

/**
 * What may go on at the same time: the lanes of a stage side by side, each in its order; stages one after the other.
 * Only a drain has a second lane, of what is prepared meanwhile.
 */
export function stagesOf(ops: readonly Op[]): readonly (readonly (readonly Op[])[])[] {
  const stages: Op[][][] = [];
  for (const op of ops) {
    const [first, beside] = stages.at(-1) ?? [];
    const isAfterDrain = first?.[0]?.kind === 'drain';
    if (op.beside === 'drain' && isAfterDrain) {
      if (beside === undefined) stages.at(-1)?.push([op]);
      else beside.push(op);
    } else if (first === undefined || isAfterDrain || op.kind === 'drain') stages.push([[op]]);
    else first.push(op);
  }
  return stages;
}

/** One op, or several that one command carries out. */
export type Group = readonly [Op, ...Op[]];

/**
 * Ops that one command on the host can carry out together: nothing is to be decided between them, and all but the last
 * take docker a moment only. What follows a stop or a start waits until it is known here, as a run that is cut off
 * meanwhile leaves the host to whoever comes next.
 */
export function groupsOf(ops: readonly Op[]): readonly Group[] {
  const groups: [Op, ...Op[]][] = [];
  for (const op of ops) {
    const group = groups.at(-1);
    const last = group?.at(-1);
    if (group !== undefined && last !== undefined && isBrief(last) && (isBrief(op) || endsGroup(op))) group.push(op);
    else groups.push([op]);
  }
  return groups;
}

const isBrief = ({ kind }: Op): boolean => kind === 'set_restart' || kind === 'update' || kind === 'rename';
const endsGroup = ({ kind }: Op): boolean => kind === 'stop' || kind === 'start' || kind === 'remove';

/**
 * Whether what a group has done may be looked at together with the next one, which costs docker one look less: it starts
 * nothing, and neither does anything but brief changes, stops and starts rely on it. One that did not come true is found
 * before anything is judged or let in.
 */
export function isSeenWithNext(group: Group, next: Group | undefined): boolean {
  return next !== undefined && [...group, ...next].every(isStep) && group.every(({ kind }) => kind !== 'start');
}

const isStep = (op: Op): boolean => isBrief(op) || endsGroup(op);
