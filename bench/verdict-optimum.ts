import { logGamma } from '../src/plan/sequential.ts';

/** A canary and its peers over one bake. */
export interface Experiment {
  readonly hosts: number;
  /** Of each server, in the bake. */
  readonly requests: number;
  readonly base: number;
  readonly bad: number;
  /** How often a good release may be sent back. */
  readonly alpha: number;
}

/**
 * How often the best test that there can be catches the release at the end of the bake, where it may send back a good
 * one with a probability of `alpha`, whatever the fleet's own error ratio is. Errors are Poisson's. Such a test is held
 * to `alpha` at each ratio that the fleet might have, so it is no better than the likelihood ratio test against any one
 * of them (Neyman and Pearson 1933): the least of these is what no test exceeds.
 */
export function mostCaught(experiment: Experiment): number {
  const { hosts, requests, base, bad } = experiment;
  const steps = 16;
  const ratios = Array.from({ length: steps + 1 }, (_, step) => base * (bad / base) ** (step / steps));
  const powers = ratios.map((ratio) => {
    const others = (hosts - 1) * requests;
    return power([others * ratio, requests * ratio], [others * base, requests * bad], experiment.alpha);
  });
  return Math.min(...powers);
}

/** The same where the fleet's own error ratio is known: peers are not needed then. */
export function mostCaughtKnowing({ requests, base, bad, alpha }: Experiment): number {
  return power([0, requests * base], [0, requests * bad], alpha);
}

type Means = readonly [others: number, canary: number];

/** Of the most powerful test of one pair of means against another, at exactly `alpha`. */
function power(good: Means, bad: Means, alpha: number): number {
  const others = densities(good[0], bad[0]);
  const canary = densities(good[1], bad[1]);
  const cells: { readonly good: number; readonly bad: number }[] = [];
  for (const ours of others) {
    for (const theirs of canary) {
      const cell = { good: ours.good * theirs.good, bad: ours.bad * theirs.bad };
      if (Math.max(cell.good, cell.bad) > negligible) cells.push(cell);
    }
  }
  cells.sort((a, b) => b.bad * a.good - a.bad * b.good);
  let spent = 0;
  let caught = 0;
  for (const cell of cells) {
    if (spent + cell.good > alpha) return Math.min(1, caught + (cell.bad * (alpha - spent)) / cell.good);
    spent += cell.good;
    caught += cell.bad;
  }
  // Sums of many small numbers end a little off 1.
  return Math.min(1, caught);
}

/** All that are less likely than this together change no figure that is printed. */
const negligible = 1e-10;

/** Of each number of errors that either mean makes likely. */
function densities(good: number, bad: number): readonly { readonly good: number; readonly bad: number }[] {
  const [low, high] = [Math.min(good, bad), Math.max(good, bad)];
  const from = Math.max(0, Math.floor(low - 8 * Math.sqrt(low) - 8));
  const until = Math.ceil(high + 8 * Math.sqrt(high) + 8);
  return Array.from({ length: until - from + 1 }, (_, index) => ({
    good: poissonDensity(from + index, good),
    bad: poissonDensity(from + index, bad),
  }));
}

const poissonDensity = (count: number, mean: number): number =>
  mean === 0 ? Number(count === 0) : Math.exp(count * Math.log(mean) - mean - logGamma(count + 1));
