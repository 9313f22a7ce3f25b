import { describe, expect, test } from 'vitest';
import {
  addStretch,
  binomialTail,
  highestRatio,
  noEvidence,
  ratioToReach,
  repeatedEvidence,
  repeatedEvidenceAt,
  singleProbability,
} from '../../../src/plan/sequential.ts';

/** By definition, in full. */
function tailBySum(k: number, n: number, p: number): number {
  let sum = 0;
  for (let x = k; x <= n; x++) {
    let term = p ** x * (1 - p) ** (n - x);
    for (let i = 1; i <= x; i++) term *= (n - x + i) / i;
    sum += term;
  }
  return sum;
}

describe('the binomial tail', () => {
  test.each([
    [3, 10, 0.2],
    [1, 1, 0.5],
    [9, 23, 1 / 6],
    [40, 60, 0.5],
    [2, 400, 0.004],
    [60, 60, 0.9],
  ])('of %i or more in %i at %f is the sum of its terms', (k, n, p) => {
    expect(binomialTail(k, n, p) / tailBySum(k, n, p)).toBeCloseTo(1, 8);
  });

  test('at its ends', () => {
    expect([binomialTail(0, 5, 0.1), binomialTail(6, 5, 0.1), binomialTail(1, 5, 0), binomialTail(5, 5, 1)]).toEqual([
      1, 0, 0, 1,
    ]);
  });

  test('turned round: the ratio that reaches it, and the highest that a sample allows for', () => {
    expect(binomialTail(7, 410, ratioToReach(7, 410, 0.9))).toBeCloseTo(0.9, 6);
    // The rule of three: none of 1,000, at 95 %.
    expect(highestRatio({ errors: 0, requests: 1000 }, 0.05)).toBeCloseTo(0.003, 4);
    expect(highestRatio({ errors: 5, requests: 5 }, 0.05)).toBe(1);
    expect(highestRatio({ errors: 0, requests: 0 }, 0.05)).toBe(1);
  });
});

describe('evidence that stands repeated looks', () => {
  /** Chance that the evidence ever reaches 1/α within so many errors, exactly: every path of errors, each side by its share. */
  function chanceToCross(share: number, alpha: number, errors: number): number {
    // By how many errors are on the side under test: all paths to one number have the same evidence.
    let alive = new Map([[0, 1]]);
    let crossed = 0;
    for (let all = 1; all <= errors; all++) {
      const next = new Map<number, number>();
      for (const [own, weight] of alive) {
        next.set(own, (next.get(own) ?? 0) + weight * (1 - share));
        next.set(own + 1, (next.get(own + 1) ?? 0) + weight * share);
      }
      alive = next;
      for (const [own, weight] of next) {
        const evidence = addStretch(noEvidence, { errors: own, otherErrors: all - own, share });
        if (repeatedEvidence(evidence, 1) < 1 / alpha) continue;
        crossed += weight;
        alive.delete(own);
      }
    }
    return crossed;
  }

  test.each([1 / 2, 1 / 6, 1 / 24, 3 / 4])(
    'by chance it reaches 1/α with a probability below α, looked at after every one of 1,500 errors (share %f)',
    (share) => {
      const crossed = chanceToCross(share, 0.01, 1500);
      expect(crossed).toBeLessThan(0.01);
      expect(crossed).toBeGreaterThan(0);
    },
  );

  /** Chance that one look finds a good side worse, over all numbers of errors that may come when `mean` are expected. */
  function chanceInOneLook(share: number, alpha: number, mean: number): number {
    let sum = 0;
    let density = Math.exp(-mean);
    for (let all = 1; all < mean + 10 * Math.sqrt(mean) + 10; all++) {
      density *= mean / all;
      const least = Array.from({ length: all + 1 }, (_, own) => own).find((own) => {
        const evidence = addStretch(noEvidence, { errors: own, otherErrors: all - own, share });
        return singleProbability(evidence, 1) < alpha;
      });
      if (least !== undefined) sum += density * binomialTail(least, all, share);
    }
    return sum;
  }

  test.each([1 / 2, 1 / 6, 1 / 24, 3 / 4])(
    'one look finds a good side worse with a probability below α, and close to it (share %f)',
    (share) => {
      const chances = [0.5, 1, 2, 4, 8, 16, 32, 64].map((mean) => chanceInOneLook(share, 0.01, mean));
      expect(Math.max(...chances)).toBeLessThan(0.01);
      expect(Math.max(...chances)).toBeGreaterThan(0.008);
    },
  );

  test('stretches with shares of their own add up, in whatever order', () => {
    const stretches = [
      { errors: 3, otherErrors: 1, share: 0.1 },
      { errors: 0, otherErrors: 9, share: 0.5 },
      { errors: 2, otherErrors: 2, share: 0.25 },
    ];
    const forwards = stretches.reduce(addStretch, noEvidence);
    const backwards = [...stretches].reverse().reduce(addStretch, noEvidence);
    expect(forwards).toMatchObject({ errors: 5, allErrors: 17, expected: 0.4 + 4.5 + 1 });
    expect(repeatedEvidence(forwards, 1)).toBeCloseTo(repeatedEvidence(backwards, 1), 10);
    const [atLeast, more] = [5, 6].map((errors) => binomialTail(errors, 17, 5.9 / 17));
    expect(singleProbability(forwards, 1)).toBeCloseTo(((atLeast ?? 0) + (more ?? 0)) / 2, 10);
  });

  test('a stretch without errors says nothing', () => {
    expect(addStretch(noEvidence, { errors: 0, otherErrors: 0, share: 0.5 })).toBe(noEvidence);
  });

  test('errors that come in clusters count for less', () => {
    const evidence = addStretch(noEvidence, { errors: 12, otherErrors: 0, share: 1 / 6 });
    expect(repeatedEvidence(evidence, 1)).toBeGreaterThan(1e6);
    expect(repeatedEvidence(evidence, 6)).toBeLessThan(100);
    expect(singleProbability(evidence, 6)).toBeCloseTo((1 / 6) ** 2 / 2, 6);
  });

  test('against a known ratio: as many errors as it gives are none, three times as many are evidence', () => {
    expect(repeatedEvidenceAt(0.01, { errors: 60, requests: 6000 }, 1)).toBeLessThan(1);
    expect(repeatedEvidenceAt(0.01, { errors: 180, requests: 6000 }, 1)).toBeGreaterThan(1e9);
  });
});
