import { expect, inject, test } from 'vitest';
import { readComposeCases } from './compose-cases.ts';
import { compareWithCompose } from './compose.ts';

const program = inject('composeNewest');
const cases = readComposeCases();
/** Every eighth here; `npm run compose:differential` tries them all. */
const chosen = cases.filter((_, index) => index % 8 === 0);

test.skipIf(program === '').each(chosen.map((item) => [item.name, item] as const))(
  'a Compose file means to rollout what it means to docker compose: %s',
  async (_, item) => {
    const comparison = await compareWithCompose(item, program);
    const expected = item.differs === undefined ? 'the same' : `different: ${item.differs}`;
    const found = comparison.verdict === 'different' ? `different: ${item.differs ?? ''}` : 'the same';
    expect({ means: found, comparison }).toEqual({ means: expected, comparison });
  },
);

test('the cases are many, each has a name of its own, and what differs says why', () => {
  expect(cases.length).toBeGreaterThan(850);
  expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  expect(cases.filter(({ differs }) => differs !== undefined && differs.length < 20)).toEqual([]);
});
