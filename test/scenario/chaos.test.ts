import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { Arena, seededRandom, type Round } from '../support/chaos.ts';

/** The short form of `npm run soak -- sandbox-chaos`, `ctrl-c`, `lies`, `two-runs` and `overlap`. */
describe('a fleet under load, whatever becomes of its runs', () => {
  const seed = Date.now() % 1_000_000;
  const random = seededRandom(seed);
  let cwd: string;
  let arena: Arena;
  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'rollout-chaos-'));
    arena = await Arena.start({ script: inject('rolloutScript'), cwd });
  });
  afterAll(async () => {
    await arena.close();
    await rm(cwd, { recursive: true, force: true });
  });

  const troubles = ({ wrong, failures }: Round): readonly unknown[] => [...wrong, ...failures];

  test.each([1, 2, 3, 4, 5])(`killed at a random moment (seed ${seed}), run again, it converges (%i)`, async () => {
    expect(troubles(await arena.killed(random()))).toEqual([]);
  });

  test.each([1, 2, 3])(`interrupted at a random moment (seed ${seed}), every node serves afterwards (%i)`, async () => {
    expect(troubles(await arena.interrupted(random()))).toEqual([]);
  });

  test.each([1, 2, 3])(
    `a docker that lies (seed ${seed}): the run says what it left, the next one heals it (%i)`,
    async () => {
      expect(troubles(await arena.lied(random()))).toEqual([]);
    },
  );

  test.each([1, 2, 3])('of two runs started together exactly one goes on (%i)', async () => {
    expect(troubles(await arena.twoRuns())).toEqual([]);
  });

  test.each([1, 2])(`of two runs that share some of their hosts exactly one goes on (seed ${seed}, %i)`, async () => {
    expect(troubles(await arena.overlappingRuns(0.3 + 0.7 * random()))).toEqual([]);
  });

  test(`with --lock-timeout both go on (seed ${seed})`, async () => {
    expect(troubles(await arena.overlappingRuns(0.3 * random()))).toEqual([]);
  });
});
