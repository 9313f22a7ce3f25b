import { bakeByThreshold, bakeMs, bakeOnce, runOnce, type Bake, type Release } from './verdict-runs.ts';
import { mostCaught, mostCaughtKnowing } from './verdict-optimum.ts';
import { seededRandom, type Interval } from './verdict-simulation.ts';

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Promises that are not kept. */
  readonly broken: readonly string[];
}

const hostCounts = [2, 6, 24];
const rates = [2, 20, 200];
const baseRatios = [0, 0.001, 0.005, 0.01, 0.05];

/** Of a good release, in every cell and in every whole run. */
const mostSentBack = 0.01;
/** From so many runs a cell on, its share is taken at its word. */
const manyRuns = 1000;

/** A cell of a few runs is broken only where so many would come by chance, at 1 %, in less than 1 of 1,000 cells. */
function mostShown(runs: number): number {
  if (runs >= manyRuns) return mostSentBack;
  let count = 0;
  let chance = (1 - mostSentBack) ** runs;
  let beyond = 1 - chance;
  while (beyond >= 0.001) {
    chance *= ((runs - count) / (count + 1)) * (mostSentBack / (1 - mostSentBack));
    count += 1;
    beyond -= chance;
  }
  return count / runs;
}

/**
 * How far below the best test ours may be: it looks all the time, allows for errors that come in bursts, and leaves part
 * of what it may spend to the rest of the run.
 */
const nearTheBest = 0.1;
/** Three standard errors of a share. */
const noiseOf = (share: number, runs: number): number => 3 * Math.sqrt((share * (1 - share)) / runs);

const same = (errorRatio: number): Pick<Release, 'fleet' | 'updated'> => ({
  fleet: { errorRatio },
  updated: () => ({ errorRatio }),
});

/** How often a release that is as good as its peers is sent back in its bake. */
export function goodReleases(runs: number, seed: number, hosts = hostCounts): Table {
  const cells = hosts.flatMap((count) =>
    rates.flatMap((rate) =>
      baseRatios.map((errorRatio) => {
        const release: Release = { hosts: count, rate, ...same(errorRatio) };
        const bakes = repeat(runs, seed, release, (random) => bakeOnce(release, random));
        const before = repeat(runs, seed, release, (random) => bakeByThreshold(release, random));
        const cell = [String(count), String(rate), percent(errorRatio)];
        return {
          cell,
          sentBack: shareOf(bakes, isSentBack),
          prolonged: shareOf(bakes, isProlonged),
          old: shareOf(before, isSentBack),
        };
      }),
    ),
  );
  return {
    title: `Good releases sent back in a bake of 30 s (at most ${percent(mostSentBack)} in every cell)`,
    columns: ['hosts', 'requests/s', 'base', 'sent back', 'bake goes on', 'fixed threshold'],
    rows: cells.map(({ cell, sentBack, prolonged, old }) => [...cell, ...[sentBack, prolonged, old].map(percent)]),
    broken: cells.flatMap(({ cell, sentBack }) =>
      sentBack > mostShown(runs) ? [`${percent(sentBack)} of good releases sent back at ${cell.join(', ')}`] : [],
    ),
  };
}

interface BadRelease {
  readonly base: number;
  readonly bad: number;
  readonly rate: number;
  /** Caught within the bake. */
  readonly least: number;
  /** Median of the time to it. */
  readonly medianMs?: number;
}

const badOnes: readonly BadRelease[] = [
  { base: 0.001, bad: 1, rate: 20, least: 1, medianMs: 3000 },
  { base: 0.001, bad: 0.05, rate: 20, least: 0.99 },
  { base: 0.005, bad: 0.03, rate: 20, least: 0.99 },
  { base: 0.001, bad: 0.01, rate: 200, least: 0.99 },
];

/** How often, and how soon, a release that is worse is sent back, and how often the best possible test would. */
export function badReleases(runs: number, seed: number, hosts = hostCounts): Table {
  const cells = badOnes.flatMap((bad) =>
    hosts.map((count) => {
      const release: Release = {
        hosts: count,
        rate: bad.rate,
        fleet: { errorRatio: bad.base },
        updated: () => ({ errorRatio: bad.bad }),
      };
      const bakes = repeat(runs, seed, release, (random) => bakeOnce(release, random));
      const before = repeat(runs, seed, release, (random) => bakeByThreshold(release, random));
      const times = bakes.map(({ sentBackAtMs }) => sentBackAtMs ?? Infinity).sort((a, b) => a - b);
      const experiment = { ...bad, hosts: count, requests: (bad.rate * bakeMs) / 1000, alpha: mostSentBack };
      return {
        cell: [percent(bad.base), percent(bad.bad), String(bad.rate), String(count)],
        bad,
        caught: shareOf(bakes, isSentBack),
        inTime: shareOf(bakes, ({ sentBackAtMs }) => sentBackAtMs !== undefined && sentBackAtMs <= bakeMs),
        best: mostCaught(experiment),
        bestKnowing: mostCaughtKnowing(experiment),
        medianMs: times[Math.floor(times.length / 2)] ?? Infinity,
        nearlyAllMs: times[Math.ceil(times.length * 0.99) - 1] ?? Infinity,
        old: shareOf(before, isSentBack),
      };
    }),
  );
  return {
    title:
      'Bad releases caught in a bake of 30 s, and where in doubt at most 5 min. Best test: what no test exceeds at 30 s\n' +
      'that sends back 1 % of good releases at most, whatever the fleet itself fails; ratio known: if that were known.',
    columns: [
      ...['base', 'canary', 'requests/s', 'hosts', 'within 30 s', 'best test', 'ratio known'],
      ...['within the bake', 'median', '99 of 100 by', 'fixed threshold'],
    ],
    rows: cells.map(({ cell, caught, inTime, best, bestKnowing, medianMs, nearlyAllMs, old }) => [
      ...cell,
      ...[inTime, best, bestKnowing, caught].map(percent),
      ...[medianMs, nearlyAllMs].map(seconds),
      percent(old),
    ]),
    broken: cells.flatMap(({ cell, bad, best, caught, inTime, medianMs }) => {
      const isInTime = inTime >= Math.min(bad.least, best - nearTheBest) - noiseOf(best, runs);
      const isKept = caught >= bad.least && isInTime && medianMs <= (bad.medianMs ?? Infinity);
      return isKept
        ? []
        : [
            `${percent(caught)} caught, ${percent(inTime)} within 30 s, median ${seconds(medianMs)}, at ${cell.join(', ')}`,
          ];
    }),
  };
}

/** Canary, fan-out and soak of good releases: what chance may do to a run is shared among them. */
export function wholeRuns(runs: number, seed: number, hosts: readonly number[] = [2, 6, 24]): Table {
  const cells = hosts.flatMap((count) =>
    baseRatios.map((errorRatio) => {
      const release: Release = { hosts: count, rate: 20, ...same(errorRatio) };
      const ends = repeat(runs, seed, release, (random) => runOnce(release, random));
      const inPhase = (phase: string): number => shareOf(ends, ({ sentBackIn }) => sentBackIn === phase);
      return {
        cell: [String(count), percent(errorRatio)],
        phases: ['canary', 'fan_out', 'soak'].map(inPhase),
        all: shareOf(ends, ({ sentBackIn }) => sentBackIn !== undefined),
      };
    }),
  );
  return {
    title: `Good releases sent back in a whole run: canary, fan-out and 2 min of soak at 20 requests/s (at most ${percent(mostSentBack)})`,
    columns: ['hosts', 'base', 'in the canary', 'in fan-out', 'in soak', 'all'],
    rows: cells.map(({ cell, phases, all }) => [...cell, ...phases.map(percent), percent(all)]),
    broken: cells.flatMap(({ cell, all }) =>
      all > mostShown(runs) ? [`${percent(all)} of good runs sent back at ${cell.join(', ')}`] : [],
    ),
  };
}

/** A release that turns bad some time after each node's update. */
export function lateFaults(runs: number, seed: number, hosts: readonly number[] = [2, 6]): Table {
  const few = Math.max(1, Math.floor(runs / 10));
  const cells = hosts.flatMap((count) =>
    [0.05, 0.5].flatMap((bad) =>
      [20_000, 60_000].map((fromMs) => {
        const release: Release = {
          hosts: count,
          rate: 20,
          fleet: { errorRatio: 0.005 },
          updated: (sinceMs) => ({ errorRatio: sinceMs < fromMs ? 0.005 : bad }),
        };
        const ends = repeat(few, seed, release, (random) => runOnce(release, random));
        const inPhase = (phase: string | undefined): number => shareOf(ends, ({ sentBackIn }) => sentBackIn === phase);
        return {
          cell: [String(count), percent(bad), seconds(fromMs)],
          phases: ['canary', 'fan_out', 'soak', undefined].map(inPhase),
        };
      }),
    ),
  );
  return {
    title: `Releases over a base of 0.5 % that turn bad later, at 20 requests/s (${few} runs a cell)`,
    columns: ['hosts', 'errors', 'after', 'in the canary', 'in fan-out', 'in soak', 'never'],
    rows: cells.map(({ cell, phases }) => [...cell, ...phases.map(percent)]),
    broken: cells.flatMap(({ cell, phases }) =>
      (phases[3] ?? 1) > 0.01 ? [`${percent(phases[3] ?? 1)} never caught at ${cell.join(', ')}`] : [],
    ),
  };
}

/** Traffic as it is: a good release all the same. */
const weathers: readonly (readonly [string, Partial<Release>])[] = [
  ['steady', {}],
  [
    'errors come three at a time',
    { fleet: { errorRatio: 0.01, cluster: 3 }, updated: () => ({ errorRatio: 0.01, cluster: 3 }) },
  ],
  [
    'errors come eight at a time',
    { fleet: { errorRatio: 0.01, cluster: 8 }, updated: () => ({ errorRatio: 0.01, cluster: 8 }) },
  ],
  ['the canary gets a quarter of a share', { updated: () => ({ errorRatio: 0.01, rate: 5 }) }],
  ['the canary gets four shares', { updated: () => ({ errorRatio: 0.01, rate: 80 }) }],
  ['the canary gets ten shares', { updated: () => ({ errorRatio: 0.01, rate: 200 }) }],
  [
    'the canary starts slowly, over 20 s',
    { updated: (sinceMs) => ({ errorRatio: 0.01, rate: 20 * Math.min(1, sinceMs / 20_000) }) },
  ],
  ['one request in ten seconds', { rate: 0.1 }],
  [
    'a database is away from 10 s to 12 s: 40 % fail',
    { weather: during(10_000, 12_000, (interval) => ({ ...interval, errorRatio: 0.4 })) },
  ],
  [
    'errors double while traffic triples',
    { weather: during(15_000, 30_000, (interval) => ({ ...interval, rate: interval.rate * 3, errorRatio: 0.02 })) },
  ],
  [
    'the fleet fails five times as much as before the run',
    { weather: (interval) => ({ ...interval, errorRatio: 0.05 }) },
  ],
  ['traffic comes in waves of 5 s', { weather: (interval, _, atMs) => ({ ...interval, rate: wave(atMs) }) }],
  ['the balancer is reloaded at 15 s', { reloadAtMs: 15_000 }],
  ['a peer fails 40 %', { weather: onServer('h2', { errorRatio: 0.4 }) }],
  ['a fleet of one', { hosts: 1 }],
  [
    'a fleet of one that fails twice as much as before the run',
    { hosts: 1, weather: (interval) => ({ ...interval, errorRatio: 0.02 }) },
  ],
];

const wave = (atMs: number): number => (atMs % 10_000 < 5000 ? 2 : 38);

function onServer(name: string, own: Partial<Interval>): NonNullable<Release['weather']> {
  return (interval, server) => (server === name ? { ...interval, ...own } : interval);
}

function during(
  fromMs: number,
  toMs: number,
  change: (interval: Interval) => Interval,
): NonNullable<Release['weather']> {
  return (interval, _, atMs) => (atMs > fromMs && atMs <= toMs ? change(interval) : interval);
}

/** Good releases in traffic that is neither even nor independent. */
export function hardWeather(runs: number, seed: number, hosts: readonly number[] = [2, 6]): Table {
  const cells = weathers.flatMap(([name, change]) =>
    (change.hosts === undefined ? hosts : [change.hosts]).map((count) => {
      const release: Release = { rate: 20, ...same(0.01), ...change, hosts: count };
      const bakes = repeat(runs, seed, release, (random) => bakeOnce(release, random));
      const before = repeat(runs, seed, release, (random) => bakeByThreshold(release, random));
      return { cell: [name, String(count)], sentBack: shareOf(bakes, isSentBack), old: shareOf(before, isSentBack) };
    }),
  );
  return {
    title: `Good releases sent back over a base of 1 % at 20 requests/s, in all kinds of traffic (at most ${percent(mostSentBack)})`,
    columns: ['traffic', 'hosts', 'sent back', 'fixed threshold'],
    rows: cells.map(({ cell, sentBack, old }) => [...cell, percent(sentBack), percent(old)]),
    broken: cells.flatMap(({ cell, sentBack }) =>
      sentBack > mostShown(runs) ? [`${percent(sentBack)} of good releases sent back: ${cell.join(', ')}`] : [],
    ),
  };
}

/** Bad releases that the traffic might hide. */
const hidden: readonly (readonly [string, Partial<Release>])[] = [
  ['every request fails, one in ten seconds', { rate: 0.1, updated: () => ({ errorRatio: 1 }) }],
  ['a peer fails 40 %', { weather: onServer('h2', { errorRatio: 0.4 }) }],
  ['the canary gets ten shares', { updated: () => ({ errorRatio: 0.05, rate: 200 }) }],
  ['the canary gets a quarter of a share', { updated: () => ({ errorRatio: 0.05, rate: 5 }) }],
  ['the balancer is reloaded at 15 s', { reloadAtMs: 15_000 }],
  ['errors come three at a time', { updated: () => ({ errorRatio: 0.05, cluster: 3 }) }],
  ['a fleet of one', { hosts: 1 }],
];

/** How often a release that fails 5 % over a base of 0.5 % is sent back in such traffic. */
export function hiddenFaults(runs: number, seed: number, hosts: readonly number[] = [6]): Table {
  const few = Math.max(1, Math.floor(runs / 4));
  const cells = hidden.flatMap(([name, change]) =>
    (change.hosts === undefined ? hosts : [change.hosts]).map((count) => {
      const bad: Pick<Release, 'fleet' | 'updated'> = {
        fleet: { errorRatio: 0.005 },
        updated: () => ({ errorRatio: 0.05 }),
      };
      const release: Release = { rate: 20, ...bad, ...change, hosts: count };
      const bakes = repeat(few, seed, release, (random) => bakeOnce(release, random));
      const times = bakes.map(({ sentBackAtMs }) => sentBackAtMs ?? Infinity).sort((a, b) => a - b);
      return {
        cell: [name, String(count)],
        caught: shareOf(bakes, isSentBack),
        medianMs: times[Math.floor(times.length / 2)] ?? Infinity,
      };
    }),
  );
  return {
    title: `Releases that fail 5 % over a base of 0.5 %, at 20 requests/s, in traffic that might hide it (${few} runs a cell)`,
    columns: ['traffic', 'hosts', 'within the bake', 'median'],
    rows: cells.map(({ cell, caught, medianMs }) => [...cell, percent(caught), seconds(medianMs)]),
    broken: cells.flatMap(({ cell, caught }) =>
      caught < 0.99 - noiseOf(0.99, few) ? [`${percent(caught)} caught: ${cell.join(', ')}`] : [],
    ),
  };
}

/** Each cell draws on its own: what one has drawn says nothing of the next. */
function repeat<T>(runs: number, seed: number, release: Release, once: (random: () => number) => T): readonly T[] {
  const words = `${seed} ${release.hosts} ${release.rate} ${JSON.stringify([release.fleet, release.updated(0)])}`;
  const random = seededRandom(Buffer.from(words).reduce((hash, byte) => Math.imul(hash, 31) + byte, seed));
  return Array.from({ length: runs }, () => once(random));
}

function shareOf<T>(all: readonly T[], holds: (each: T) => boolean): number {
  return all.filter(holds).length / all.length;
}

const isSentBack = ({ sentBackAtMs }: Bake): boolean => sentBackAtMs !== undefined;
const isProlonged = ({ endMs }: Bake): boolean => endMs > bakeMs;
const percent = (share: number): string => `${Number((share * 100).toFixed(2))} %`;
const seconds = (ms: number): string => (ms === Infinity ? 'never' : `${(ms / 1000).toFixed(1)} s`);
