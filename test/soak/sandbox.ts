import { balancersDisagree, readerStops, resumedAfterHands, rewritten, stateIsFull } from './rounds.ts';
import { Arena, seededRandom, type ArenaOptions, type Round } from '../support/chaos.ts';

export interface SeriesOptions extends ArenaOptions {
  readonly runs: number;
  /** Fleets side by side. */
  readonly fleets: number;
  /** What the moments of the strikes are drawn from. */
  readonly seed: number;
  readonly say: (line: string) => void;
}

export type SandboxSeries = keyof typeof series;

/** One round of each kind, at a moment of a run: 0 is its start, 1 its usual end. */
export const series = {
  'sandbox-chaos': (arena: Arena, at: number) => arena.killed(at),
  'ctrl-c': (arena: Arena, at: number) => arena.interrupted(at),
  'two-runs': (arena: Arena) => arena.twoRuns(),
  stats: (arena: Arena, at: number) => arena.blinded(at),
  lies: (arena: Arena, at: number) => arena.lied(at),
  overlap: (arena: Arena, at: number) => arena.overlappingRuns(at),
  reader: readerStops,
  disk: stateIsFull,
  disagree: balancersDisagree,
  hands: resumedAfterHands,
  rewritten,
} as const;

/** @returns whether every round was as it must be: nothing wrong, no request lost */
export async function soakSandbox(kind: SandboxSeries, options: SeriesOptions): Promise<boolean> {
  const { runs, fleets, seed, say } = options;
  const random = seededRandom(seed);
  const rounds: Round[] = [];
  const told = new Map<string, number>();
  let begun = 0;
  let left = runs;
  say(`${kind}: ${runs} runs, ${fleets} fleets side by side, --seed ${seed}`);

  const work = async (): Promise<void> => {
    const arena = await Arena.start(options);
    try {
      while (left > 0) {
        left -= 1;
        begun += 1;
        const number = begun;
        const round = await series[kind](arena, random());
        // A run that had ended before its moment came shows nothing: it counts, and another one is struck in its place.
        if (round.hadEnded) left += 1;
        rounds.push(round);
        say(lineOf(number, round));
      }
    } finally {
      for (const [lie, times] of Object.entries(await arena.lies())) told.set(lie, (told.get(lie) ?? 0) + times);
      await arena.close();
    }
  };
  await Promise.all(Array.from({ length: fleets }, work));

  const lost = rounds.reduce((sum, { failures }) => sum + failures.length, 0);
  const cut = rounds.reduce((sum, round) => sum + round.cut, 0);
  const requests = rounds.reduce((sum, round) => sum + round.requests, 0);
  const wrong = rounds.filter((round) => round.wrong.length > 0).length;
  const struck = rounds.filter(({ hadEnded }) => !hadEnded).length;
  const fewest = Math.min(...rounds.map(({ minimumUp }) => minimumUp));
  say(`${kind}: ${rounds.length} rounds (${struck} struck before the run had ended), seed ${seed}`);
  say(`  exit codes ${JSON.stringify(countOf(rounds.map(({ exitCodes }) => wordsOf(exitCodes))))}`);
  if (told.size > 0) say(`  lies told: ${[...told].map(([lie, times]) => `${times} ${lie}`).join(', ')}`);
  say(
    `  ${requests} requests, ${lost} lost${cut === 0 ? '' : `, ${cut} cut by the fault`}; fewest UP ${fewest}; ${wrong} rounds not as they must be`,
  );
  return wrong === 0 && lost === 0;
}

function lineOf(number: number, { struckAfterMs, exitCodes, requests, failures, minimumUp, wrong }: Round): string {
  const problems = [...wrong, ...failures.slice(0, 5).map((failure) => `lost: ${JSON.stringify(failure)}`)];
  return [
    `${number}: struck after ${struckAfterMs} ms, exits ${wordsOf(exitCodes)}, ` +
      `${requests} requests, ${failures.length} lost, fewest UP ${minimumUp}`,
    ...problems.map((problem) => `  NOT AS IT MUST BE: ${problem}`),
  ].join('\n');
}

const wordsOf = (exitCodes: Round['exitCodes']): string => exitCodes.map((code) => code ?? 'killed').join(' ');

function countOf(words: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
