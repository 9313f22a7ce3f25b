import { describe, expect, inject, test } from 'vitest';
import { onFleet, type Figure, type Ring } from '../../bench/rounds.ts';

// The short form of `npm run bench`: every contestant does its jobs, and nothing but them. Times are for the bench alone,
// since a test must pass on a busy machine too; what a run costs is counted in test/scenario/round-trips.test.ts.

describe.skipIf(inject('labName') === '')('rollout beside bare ssh and docker', () => {
  test('rollout and the floor each do what the bench times, and change nothing else', async () => {
    const figures = await onFleet(3, setting, race, {
      name: `${inject('labName')}-${process.pid.toString(36)}x`,
      // The balancer's own interval is not what is looked at.
      check: { intervalMs: 100 },
    });

    expect(figures.map(({ job, contestant, faults }) => ({ job, contestant, faults }))).toEqual([
      { job: 'first', contestant: 'rollout', faults: [] },
      { job: 'idle', contestant: 'floor', faults: [] },
      { job: 'idle', contestant: 'rollout', faults: [] },
      { job: 'update', contestant: 'rollout', faults: [] },
      { job: 'update', contestant: 'floor', faults: [] },
    ]);
  });
});

const setting = { script: inject('rolloutScript'), say: () => undefined, deadlineMs: Number.POSITIVE_INFINITY };

async function race(ring: Ring): Promise<readonly Figure[]> {
  return [
    await ring.first('rollout'),
    await ring.idle('floor'),
    await ring.idle('rollout'),
    await ring.update('rollout'),
    await ring.update('floor'),
  ];
}
