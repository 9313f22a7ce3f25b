import { describe, expect, test } from 'vitest';
import { mostCaught, mostCaughtKnowing } from '../../../bench/verdict-optimum.ts';
import { badReleases, goodReleases, hardWeather, hiddenFaults, wholeRuns } from '../../../bench/verdict-tables.ts';
import { seededRandom } from '../../../bench/verdict-simulation.ts';
import { bakeOnce } from '../../../bench/verdict-runs.ts';

/** The short form of `npm run verdict`: one size of fleet, fewer runs. Seeded, so it says the same every time. */
describe('the verdict keeps its promises, by simulation', { timeout: 120_000 }, () => {
  test('good releases are sent back in at most 1 % of bakes, in every cell', () => {
    const { rows, broken } = goodReleases(120, 1, [6]);
    expect({ cells: rows.length, broken }).toEqual({ cells: 15, broken: [] });
  });

  test('bad releases are caught', () => {
    const { rows, broken } = badReleases(60, 1, [6]);
    expect({ cells: rows.length, broken }).toEqual({ cells: 4, broken: [] });
  });

  test('good releases come through whole runs, with fan-out and soak', () => {
    const { rows, broken } = wholeRuns(20, 1, [6]);
    expect({ cells: rows.length, broken }).toEqual({ cells: 5, broken: [] });
  });

  test('good releases come through in traffic that is uneven, clustered, interrupted or reloaded', () => {
    const { rows, broken } = hardWeather(40, 1, [6]);
    expect({ cells: rows.length, broken }).toEqual({ cells: 16, broken: [] });
  });

  test('bad releases are caught in traffic that might hide them', () => {
    const { rows, broken } = hiddenFaults(80, 1);
    expect({ cells: rows.length, broken }).toEqual({ cells: 7, broken: [] });
  });

  test('the best test of all is the better, the more peers it has, and the best where the ratio is known', () => {
    const experiment = { requests: 600, base: 0.005, bad: 0.03, alpha: 0.01 };
    const shares = [2, 6, 24].map((hosts) => mostCaught({ ...experiment, hosts }));
    expect([...shares, mostCaughtKnowing({ ...experiment, hosts: 2 })].map((share) => share.toFixed(3))).toEqual([
      '0.883',
      '0.988',
      '0.995',
      '0.996',
    ]);
  });

  test('a table that sends good releases back is not let through', () => {
    // One that is worse stands for a rule that is.
    const release = { hosts: 6, rate: 20, fleet: { errorRatio: 0 }, updated: () => ({ errorRatio: 0.2 }) };
    expect(bakeOnce(release, seededRandom(1)).sentBackAtMs).toBeLessThan(10_000);
  });

  test('the same seed gives the same table', () => {
    expect(hiddenFaults(12, 7)).toEqual(hiddenFaults(12, 7));
  });
});
