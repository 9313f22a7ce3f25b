import { describe, expect, test } from 'vitest';
import { badReleases, goodReleases, hardWeather, wholeRuns } from '../../../bench/verdict-tables.ts';
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
    const { rows, broken } = hardWeather(60, 1, [6]);
    expect({ cells: rows.length, broken }).toEqual({ cells: 10, broken: [] });
  });

  test('a table that sends good releases back is not let through', () => {
    // One that is worse stands for a rule that is.
    const release = { hosts: 6, rate: 20, fleet: { errorRatio: 0 }, updated: () => ({ errorRatio: 0.2 }) };
    expect(bakeOnce(release, seededRandom(1)).sentBackAtMs).toBeLessThan(10_000);
  });

  test('the same seed gives the same table', () => {
    expect(badReleases(5, 7, [2])).toEqual(badReleases(5, 7, [2]));
  });
});
