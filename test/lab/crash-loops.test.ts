import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { crashLoops } from './soak/crash-loops.ts';
import { describeOnLab } from './support/lab-test.ts';

// The short form of `npm run soak -- crash-loops`.
describeOnLab(
  'versions that crash over and over',
  (lab) => {
    let cwd: string;
    beforeAll(async () => {
      cwd = await mkdtemp(join(tmpdir(), 'rollout-crash-loops-'));
    });
    afterAll(() => rm(cwd, { recursive: true, force: true }));

    test('are put back, and no node is left out of rotation or without its restart policy, then as after updates', async () => {
      const counts = { updates: 4, puttingBack: 4 };
      const said: string[] = [];
      const say = (line: string): void => void said.push(line);
      const { updated, restored, wrong } = await crashLoops(lab(), {
        ...counts,
        cwd,
        say,
        script: inject('rolloutScript'),
      });
      expect(wrong).toEqual([]);
      expect({ updated: updated >= counts.updates, restored: restored >= counts.puttingBack }).toEqual({
        updated: true,
        restored: true,
      });
    });
  },
  { hosts: 4 },
);
