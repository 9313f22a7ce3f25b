import { expect, test } from 'vitest';
import type { HostResult } from '../../../src/events/event.ts';
import { endingOf } from '../../../src/plan/outcome.ts';

type Case = readonly [stoppedBy: Parameters<typeof endingOf>[0]['stoppedBy'], results: string, ending: string];

const cases: readonly Case[] = [
  [undefined, 'updated updated', 'changed 0'],
  [undefined, 'unchanged', 'unchanged 0'],
  [undefined, '', 'unchanged 0'],
  [undefined, 'updated unreachable', 'changed 3'],
  [undefined, 'unchanged unreachable', 'unchanged 3'],
  // Within max_failures, or with on_failure: continue.
  [undefined, 'updated restored', 'failed 3'],
  [undefined, 'updated failed', 'failed 3'],
  ['failures', 'restored untouched', 'rolled_back 5'],
  ['failures', 'restored failed', 'failed 3'],
  ['failures', 'restored updated', 'failed 3'],
  // Nothing was changed: there is nothing that could have been rolled back.
  ['failures', 'untouched unchanged', 'failed 4'],
  ['failures', 'untouched unreachable', 'failed 4'],
  ['pause', 'updated untouched', 'paused 7'],
  ['interrupt', 'updated untouched', 'interrupted 130'],
];

test.each(cases)('stopped by %s with %s: %s', (stoppedBy, results, ending) => {
  const { outcome, exitCode } = endingOf({
    results: results.split(' ').filter((word) => word !== '') as HostResult[],
    stoppedBy,
    isRestored: !results.includes('failed'),
  });
  expect(`${outcome} ${exitCode}`).toBe(ending);
});
