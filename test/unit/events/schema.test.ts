import { expect, test } from 'vitest';
import type { Event } from '../../../src/events/event.ts';
import { eventEntries, eventSchema } from '../../../src/events/schema.ts';
import type { WatchEvent, WatchEventBody } from '../../../src/events/watch-event.ts';
import { watchEventEntries } from '../../../src/events/watch-schema.ts';
import { streams } from '../../support/event-streams.ts';
import { assertPublished } from '../../support/rollout.ts';

test.each(Object.entries(streams))('every event of the run %s is as its schema says', (_, stream) => {
  for (const event of stream()) expect(() => assertPublished(event)).not.toThrow();
});

const digest = `sha256:${'1'.repeat(64)}`;
const tag = 'registry.example.com/shop/app:dev';
const watchEvents: readonly WatchEventBody[] = [
  { type: 'watch_started', playbook: 'p.yaml', tags: [tag], everyMs: 60_000, minAgeMs: 0 },
  { type: 'watch_held', hold: { tag, digest, reason: 'young', untilMs: 1 } },
  { type: 'watch_held', hold: { tag, digest, reason: 'bad', run: 'r1' } },
  { type: 'watch_changed', changes: [{ tag, from: [], to: digest }] },
  { type: 'watch_ran', run: 'r1', exitCode: 5, verdict: 'bad', bad: [digest] },
  { type: 'watch_ran', run: undefined, exitCode: 4, verdict: 'again', bad: [], message: 'down', nextMs: 2 },
  { type: 'watch_resumed', run: 'r1' },
  { type: 'watch_trouble', subject: tag, message: 'down', nextMs: 2 },
  { type: 'watch_recovered', subject: tag },
  { type: 'watch_heartbeat', looks: 15, tags: 1 },
  { type: 'watch_stopped', by: 'SIGTERM' },
];

test('every event of a watch is as its schema says, and what is not is found', () => {
  expect([...new Set(watchEvents.map(({ type }) => type))]).toEqual(Object.keys(watchEventEntries));
  for (const body of watchEvents) {
    const event = JSON.parse(JSON.stringify({ v: 1, at: 1, ...body })) as WatchEvent;
    expect(() => assertPublished(event)).not.toThrow();
    for (const odd of [
      { ...event, extra: 1 },
      { ...event, at: '1' },
      { v: 1, at: 1, type: event.type },
      { ...event, run: 7 },
    ])
      expect(() => assertPublished(odd as WatchEvent), JSON.stringify(odd)).toThrow();
  }
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
  const undescribed = Object.entries({ ...eventEntries, ...watchEventEntries }).filter(
    ([, { doc }]) => !/^[A-Z].*\.$/.test(doc),
  );
  expect(undescribed).toEqual([]);
});
