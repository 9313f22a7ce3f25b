/**
 * A test of two error ratios that stands repeated looks, on counts alone.
 *
 * Given that a request failed, and had both sides the same error ratio, it was on the side under test with the
 * probability of that side's share of the requests. So the fleet's own error ratio drops out, and with it whatever hits
 * both sides alike, such as a database that is away for a second. Each stretch of time has its own share.
 *
 * Looked at again and again: a mixture likelihood ratio over how many times worse the side may be (mixture SPRT:
 * Robbins 1970; Johari, Pekelis and Walsh, "Always valid inference", 2015; Turner, Ly and Grünwald, "Generic E-variables
 * for exact sequential k-sample tests", 2021). While both ratios are the same it is a non-negative supermartingale that
 * starts at 1, so it ever reaches 1/α with a probability of at most α, however often one looks (Ville). Requests of one
 * stretch are a draw without replacement, which only makes it smaller (Hoeffding 1963).
 *
 * Looked at once, at a moment fixed beforehand: the tail of the binomial, given the errors (Fisher's test), with half of
 * the probability of exactly what was seen ("mid-p": Lancaster 1961; Hirji, Tan and Elashoff 1991). Fisher's own tail
 * spends little more than half of its α, because errors are whole numbers. The mid-p, over all numbers of errors that
 * may come, spends nearly all of it and no more. It is stronger than the mixture, and costs its own α.
 */

/** What is known so far; it grows by {@link addStretch}. */
export interface Evidence {
  /** Failed requests of the side under test, and of both sides. */
  readonly errors: number;
  readonly allErrors: number;
  /** Of `allErrors`, how many would be on the side under test had both the same ratio. */
  readonly expected: number;
  /** Logarithm of the likelihood ratio for each of {@link timesWorse}. */
  readonly logRatios: readonly number[];
}

/** Requests, and how many of them failed. */
export interface Tried {
  readonly errors: number;
  readonly requests: number;
}

/** The mixture, all alike: how many times as often the side under test may fail. */
const timesWorse: readonly number[] = [1.25, 1.5, 2, 3, 5, 10, 30, 1000];

export const noEvidence: Evidence = { errors: 0, allErrors: 0, expected: 0, logRatios: timesWorse.map(() => 0) };

/** What a stretch of time adds. `share`: of its requests, those of the side under test; above 0 and below 1. */
export function addStretch(
  evidence: Evidence,
  { errors, otherErrors, share }: { readonly errors: number; readonly otherErrors: number; readonly share: number },
): Evidence {
  const all = errors + otherErrors;
  if (all === 0) return evidence;
  return {
    errors: evidence.errors + errors,
    allErrors: evidence.allErrors + all,
    expected: evidence.expected + all * share,
    logRatios: evidence.logRatios.map((sum, index) => {
      const times = timesWorse[index] ?? 1;
      return sum + errors * Math.log(times) - all * Math.log1p((times - 1) * share);
    }),
  };
}

/**
 * How much the evidence speaks for "worse", for looks without number: 1/α is reached by chance with a probability of at
 * most α. Errors that come in clusters of `dispersion` count as one each.
 */
export function repeatedEvidence({ logRatios }: Evidence, dispersion: number): number {
  return logRatios.reduce((sum, logRatio) => sum + Math.exp(logRatio / dispersion), 0) / logRatios.length;
}

/**
 * For one look: the probability of more errors than these on the side under test, and half of that of exactly these, had
 * both sides the same ratio.
 */
export function singleProbability({ errors, allErrors, expected }: Evidence, dispersion: number): number {
  if (errors === 0) return 1;
  const [own, all, share] = [errors / dispersion, allErrors / dispersion, Math.min(1, expected / allErrors)];
  return (binomialTail(own, all, share) + binomialTail(own + 1, all, share)) / 2;
}

/** As {@link repeatedEvidence}, where there is a known ratio to compare with, which the errors had at most. */
export function repeatedEvidenceAt(ratio: number, { errors, requests }: Tried, dispersion: number): number {
  // A request that fails or not is no wilder than one of Poisson's, so this too is a supermartingale.
  const sum = timesWorse.reduce(
    (all, times) => all + Math.exp((errors * Math.log(times) - (times - 1) * requests * ratio) / dispersion),
    0,
  );
  return sum / timesWorse.length;
}

/** With a known ratio: the probability of so many errors or more. */
export function singleProbabilityAt(ratio: number, { errors, requests }: Tried, dispersion: number): number {
  return binomialTail(errors / dispersion, requests / dispersion, ratio);
}

/** The highest error ratio that what was seen allows for (Clopper and Pearson 1934); it is higher in `alpha` of all cases. */
export function highestRatio({ errors, requests }: Tried, alpha: number): number {
  return errors >= requests ? 1 : bisect((ratio) => binomialTail(errors + 1, requests, ratio) >= 1 - alpha);
}

/** The ratio from which on `k` or more of `n` requests fail with the given probability. */
export function ratioToReach(k: number, n: number, probability: number): number {
  return bisect((ratio) => binomialTail(k, n, ratio) >= probability);
}

/** Where `holds` begins to hold between 0 and 1. */
function bisect(holds: (ratio: number) => boolean): number {
  let low = 0;
  let high = 1;
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2;
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** P(X >= k) for X binomial of n trials at p; k and n need not be whole. */
export function binomialTail(k: number, n: number, p: number): number {
  if (k <= 0) return 1;
  if (k > n || p <= 0) return 0;
  if (p >= 1) return 1;
  return incompleteBeta(p, k, n - k + 1);
}

/** The regularized incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22, modified Lentz). */
function incompleteBeta(x: number, a: number, b: number): number {
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  return x < (a + 1) / (a + b + 2) ? (front * fraction(x, a, b)) / a : 1 - (front * fraction(1 - x, b, a)) / b;
}

function fraction(x: number, a: number, b: number): number {
  let c = 1;
  let d = 1 / notZero(1 - ((a + b) * x) / (a + 1));
  let value = d;
  for (let m = 1; m <= 500; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / notZero(1 + even * d);
    c = notZero(1 + even / c);
    value *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / notZero(1 + odd * d);
    c = notZero(1 + odd / c);
    const step = d * c;
    value *= step;
    if (Math.abs(step - 1) < 1e-12) break;
  }
  return value;
}

const notZero = (value: number): number => (Math.abs(value) < 1e-300 ? 1e-300 : value);

/** ln Γ(x) for x > 0, by Stirling's series (DLMF 5.11.1). */
export function logGamma(x: number): number {
  let shift = 0;
  let at = x;
  while (at < 8) {
    shift += Math.log(at);
    at += 1;
  }
  const square = 1 / (at * at);
  const series = (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680))) / at;
  return (at - 0.5) * Math.log(at) - at + 0.5 * Math.log(2 * Math.PI) + series - shift;
}
