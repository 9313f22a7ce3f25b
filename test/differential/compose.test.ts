import { describe, expect, inject, test } from 'vitest';
import { expectedDifference, readComposeCases } from './compose-cases.ts';
import { compareWithCompose } from './compose.ts';

const cases = readComposeCases();

// A part of them here; `npm run compose:differential` tries them all.
describe.each([
  ['newest', inject('composeNewest'), cases.filter((_, index) => index % 8 === 0)],
  ['older', inject('composeV2'), cases.filter(({ older }, index) => older !== undefined || index % 40 === 1)],
] as const)('the %s docker compose at hand', (version, program, chosen) => {
  test.skipIf(program === '').each(chosen.map((item) => [item.name, item] as const))(
    'takes a Compose file for what rollout takes it for: %s',
    async (_, item) => {
      const comparison = await compareWithCompose(item, program);
      const difference = expectedDifference(item, version);
      const expected = difference === undefined ? 'the same' : `different: ${difference}`;
      const found = comparison.verdict === 'different' ? `different: ${difference ?? ''}` : 'the same';
      expect({ means: found, comparison }).toEqual({ means: expected, comparison });
    },
  );
});

test('the cases are many, each has a name of its own, and what differs says why', () => {
  expect(cases.length).toBeGreaterThan(850);
  expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  const reasons = cases.flatMap(({ differs, older }) => [differs, older]).filter((reason) => reason !== undefined);
  expect(reasons.filter((reason) => reason.length < 20)).toEqual([]);
});
