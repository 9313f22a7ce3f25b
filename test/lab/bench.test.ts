import { describe, expect, inject, test } from 'vitest';
import { onFleet, type Figure, type Ring } from '../../bench/rounds.ts';

// The short form of `npm run bench`: ratios of what runs right after each other on the same machine, and no times. Usual
// are 1.3 to 2.2 (on so few hosts much of it is node's start; up to 3.2 beside other tests) and 0.7 to 1.1; what is to be
// reached, and where, stands in bench/results.ts.
const mostTimesFloor = { idle: 4, update: 1.6 } as const;

describe.skipIf(inject('labName') === '')('rollout beside bare ssh and docker', () => {
  test('nothing to do and an update cost no multiple of what they cost with ssh alone', async () => {
    const figures = await onFleet(3, setting, race, {
      name: `${inject('labName')}-${process.pid.toString(36)}x`,
      // The balancer's own interval is not what is looked at.
      check: { intervalMs: 100 },
    });

    expect(figures.flatMap(({ faults }) => faults)).toEqual([]);
    expect(timesFloor('idle', figures)).toBeLessThan(mostTimesFloor.idle);
    expect(timesFloor('update', figures)).toBeLessThan(mostTimesFloor.update);
  });
});

const setting = { script: inject('rolloutScript'), say: () => undefined, deadlineMs: Number.POSITIVE_INFINITY };

async function race(ring: Ring): Promise<readonly Figure[]> {
  return [
    await ring.first('rollout'),
    await ring.idle('floor'),
    await ring.idle('rollout'),
    await ring.idle('floor'),
    await ring.idle('rollout'),
    await ring.idle('floor'),
    await ring.idle('rollout'),
    await ring.update('rollout'),
    await ring.update('floor'),
  ];
}

/** The better of each one's runs: a neighbour on a busy machine hits one of them, not the tool. */
function timesFloor(job: Figure['job'], figures: readonly Figure[]): number {
  const best = (contestant: Figure['contestant']): number =>
    Math.min(
      ...figures.filter((figure) => figure.job === job && figure.contestant === contestant).map(({ wallMs }) => wallMs),
    );
  return best('rollout') / best('floor');
}
