import { describe, expect, test } from 'vitest';
import { rollThrough } from '../../support/rolling-window.ts';

describe('the window over a large play', () => {
  test('a reading is gone through as often for 1,000 nodes as for 100, however many of them wait on it', async () => {
    const small = await rollThrough(100);
    const large = await rollThrough(1000);
    for (const { mostOut, size, done } of [small, large]) {
      expect(done).toBe(size);
      expect(mostOut).toBe(size / 4);
    }
    // What the nodes that leave, the nodes that come back, the scheduler and the pool count ask of one reading.
    expect(small.visitsPerServer).toBeLessThan(8);
    expect(large.visitsPerServer).toBeLessThan(8);
  });

  test('1,000 nodes need as many readings as 100, and each is decided on as often', async () => {
    const small = await rollThrough(100);
    const large = await rollThrough(1000);
    expect(large.stopsPerNode).toBeLessThanOrEqual(small.stopsPerNode * 1.5);
    expect(large.readingsPerWave).toBeLessThanOrEqual(small.readingsPerWave * 1.5);
  });
});
