import type { Contestant } from './contestants.ts';
import type { Counts } from './counts.ts';
import type { Paths } from './paths.ts';
import type { Figure, Job } from './rounds.ts';
import type { StartUp } from './startup.ts';
import { median } from './statistics.ts';

/** Everything that one run of the benchmark has found. */
export interface Results {
  readonly startUp?: StartUp;
  readonly races: readonly Race[];
  readonly paths: readonly Paths[];
  /** Each with the commit that it was taken at. */
  readonly counts: readonly { readonly commit: string; readonly counts: Counts }[];
}

/** The figures of one fleet; `roundTripMs` when its links were slow. */
export interface Race {
  readonly hosts: number;
  readonly roundTripMs: number;
  readonly figures: readonly Figure[];
}

/** What the contestants needed for a job, in the middle of their runs. */
export interface Summary {
  readonly job: Job;
  readonly hosts: number;
  readonly roundTripMs: number;
  readonly contestant: Contestant;
  readonly runs: number;
  readonly voids: number;
  readonly wallMs: number;
  readonly fastestMs: number;
  readonly slowestMs: number;
  readonly cpuMs: number;
  readonly peakBytes: number;
}

export interface Goal {
  readonly goal: string;
  /** Undefined: nothing valid was measured. */
  readonly reached: string | undefined;
  readonly isMet: boolean;
}

/** Of every job and contestant; without those that have no valid figure. */
export function summarize({ hosts, roundTripMs, figures }: Race): readonly Summary[] {
  const keys = new Set(figures.map(({ job, contestant }) => `${job} ${contestant}`));
  return [...keys].flatMap((key) => {
    const all = figures.filter(({ job, contestant }) => `${job} ${contestant}` === key);
    const valid = all.filter(({ faults }) => faults.length === 0);
    const [first] = valid;
    if (first === undefined) return [];
    const walls = valid.map(({ wallMs }) => wallMs);
    return [
      {
        job: first.job,
        hosts,
        roundTripMs,
        contestant: first.contestant,
        runs: valid.length,
        voids: all.length - valid.length,
        wallMs: median(walls),
        fastestMs: Math.min(...walls),
        slowestMs: Math.max(...walls),
        cpuMs: median(valid.map(({ cpuMs }) => cpuMs)),
        peakBytes: median(valid.map(({ peakBytes }) => peakBytes)),
      },
    ];
  });
}

/** The goals that the results speak of, each with what was reached. */
export function goalsOf({ startUp, races, paths, counts }: Results): readonly Goal[] {
  return [
    ...(startUp === undefined ? [] : startUpGoals(startUp)),
    ...races.flatMap((race) => raceGoals(race)),
    ...paths.filter(({ maxUnavailable }) => maxUnavailable === '1').map((found) => pathGoal(found)),
    ...counts.filter(({ counts: { contestant } }) => contestant === 'rollout').map((found) => countGoal(found)),
  ];
}

function startUpGoals({ emptyMs, versionMs, validateMs }: StartUp): readonly Goal[] {
  const empty = median(emptyMs);
  return [
    atMost('`rollout --version`, × an empty node process', median(versionMs) / empty, 1.4),
    atMost('`rollout validate playbooks/prod.yaml`, × an empty node process', median(validateMs) / empty, 4),
  ];
}

function raceGoals(race: Race): readonly Goal[] {
  const { hosts, roundTripMs, figures } = race;
  const summaries = summarize(race);
  const wallOf = (job: Job, contestant: Contestant): number | undefined =>
    summaries.find((summary) => summary.job === job && summary.contestant === contestant)?.wallMs;
  const ratio = (job: Job, above: Contestant, below: Contestant): number | undefined => {
    const [one, other] = [wallOf(job, above), wallOf(job, below)];
    return one === undefined || other === undefined ? undefined : one / other;
  };
  const wasDone = (job: Job): boolean => figures.some((figure) => figure.job === job);
  const where = `${hosts} hosts${roundTripMs === 0 ? '' : ` at ${roundTripMs} ms`}`;
  const isSlow = roundTripMs > 0;
  const goals: Goal[] = [];
  if (wasDone('idle'))
    goals.push(atMost(`nothing to do, ${where}: × the floor`, ratio('idle', 'rollout', 'floor'), isSlow ? 1.15 : 1));
  if (wasDone('update')) {
    const most = isSlow ? 1.05 : 1;
    goals.push(atMost(`one service changed, ${where}: × the floor`, ratio('update', 'rollout', 'floor'), most));
    if (!isSlow)
      goals.push(
        atLeast(`one service changed, ${where}: × faster than Ansible`, ratio('update', 'ansible', 'rollout'), 2.2),
      );
  }
  return goals;
}

function pathGoal({ hosts, nodes }: Paths): Goal {
  const goal = `ours of a node's update, ${hosts} hosts one at a time, median: ms`;
  const ours = nodes.length === 0 ? undefined : median(nodes.map(({ oursMs }) => oursMs));
  return atMost(goal, ours === undefined ? undefined : Math.round(ours), 150);
}

function countGoal({ commit, counts }: Results['counts'][number]): Goal {
  const goal = `docker processes between drained and let in, ${commit}`;
  return atMost(goal, counts.whileOut, 4);
}

function atMost(goal: string, value: number | undefined, limit: number): Goal {
  return { goal: `${goal}, at most ${limit}`, reached: shown(value), isMet: value !== undefined && value <= limit };
}

function atLeast(goal: string, value: number | undefined, limit: number): Goal {
  return { goal: `${goal}, at least ${limit}`, reached: shown(value), isMet: value !== undefined && value >= limit };
}

function shown(value: number | undefined): string | undefined {
  return value === undefined ? undefined : Number.isInteger(value) ? String(value) : value.toFixed(2);
}
