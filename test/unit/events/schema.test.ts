import { expect, test } from 'vitest';
import type { Event } from '../../../src/events/event.ts';
import { eventEntries, eventSchema } from '../../../src/events/schema.ts';
import { streams } from '../../support/event-streams.ts';
import { assertPublished } from '../../support/rollout.ts';

test.each(Object.entries(streams))('every event of the run %s is as its schema says', (_, stream) => {
  for (const event of stream()) expect(() => assertPublished(event)).not.toThrow();
});

test('what is not as its schema says is found: a field of its own, another form, another type', () => {
  const [started] = streams.rolling();
  const odd: readonly object[] = [
    { ...started, extra: 1 },
    { ...started, v: 2 },
    { ...started, at: '2026-11-20' },
    { ...started, command: 'stop' },
    { ...started, plays: [{ play: 'web', hosts: 'h1' }] },
    { ...started, type: 'run_begun' },
    { v: 1, at: 1, run: 'x', type: 'node_failed', host: 'h1', failure: { message: 'no op', logs: [] } },
    { v: 1, at: 1, run: 'x', type: 'run_finished', outcome: 'changed', exitCode: 0.5, durationMs: 1, hosts: {} },
  ];
  const found = odd.map((event) => {
    try {
      assertPublished(event as Event);
      return 'nothing';
    } catch {
      return 'found';
    }
  });
  expect(found).toEqual(odd.map(() => 'found'));
});

test('a field that a later version adds is let through', () => {
  const [started] = streams.rolling();
  expect(eventSchema.safeParse({ ...started, later: true }).success).toBe(true);
});

test('every event says what it is for', () => {
  const undescribed = Object.entries(eventEntries).filter(([, { doc }]) => !/^[A-Z].*\.$/.test(doc));
  expect(undescribed).toEqual([]);
});
