import { expect, test } from 'vitest';
import { createFold, foldEvents } from '../../../src/events/fold.ts';
import { countNodes, isActive, type HostState, type RunState } from '../../../src/events/run-state.ts';
import type { Event } from '../../../src/events/event.ts';
import { large, streams } from '../../support/event-streams.ts';

/** One line per change of the whole picture: what a reader of the live view would have seen. */
function transcript(events: readonly Event[]): string {
  const fold = createFold();
  const lines: string[] = [];
  for (const event of events) {
    fold.apply(event);
    const line = picture(fold.state);
    if (line !== lines.at(-1)) lines.push(line);
  }
  return lines.map((line) => `${line}\n`).join('');
}

function picture(state: RunState): string {
  const { changing, done, active, failed, left } = countNodes(state);
  const hosts = [...state.hosts.values()].map(hostPicture).join(' ');
  return `${hosts} | ${changing} changing: ${done} done, ${active} active, ${failed} failed, ${left} left`;
}

function hostPicture({ host, phase, op, wait, sessions }: HostState): string {
  const details = [op?.op.text, wait && 'waiting', sessions !== undefined && `${sessions} sessions`].filter(Boolean);
  return details.length === 0 ? `${host}=${phase}` : `${host}=${phase}(${details.join(', ')})`;
}

for (const name of ['canaryFails', 'unreachable', 'interrupted', 'unchanged'] as const) {
  test(`states of the run '${name}'`, async () => {
    await expect(transcript(streams[name]())).toMatchFileSnapshot(`../../cases/events/fold-${name}.txt`);
  });
}

test('the final state holds result, failure and time of every host', () => {
  const state = foldEvents(streams.canaryFails());
  expect(state).toMatchObject({ outcome: 'rolled_back', exitCode: 5, run: '20261120-151007-b2kd' });
  expect(state.failures.map(({ host, failure }) => [host, failure.exitCode])).toEqual([['h1', 1]]);
  expect(state.hosts.get('h1')).toMatchObject({ phase: 'restored', result: 'restored', role: 'canary' });
  expect(state.hosts.get('h2')).toMatchObject({ phase: 'planned', result: 'untouched' });
});

test('a run that was cut off has no outcome, and its nodes stay where they were', () => {
  const events = streams.rolling();
  const cut = events.slice(0, events.findIndex(({ type }) => type === 'node_drained') + 1);
  const state = foldEvents(cut);
  expect(state.outcome).toBeUndefined();
  expect([...state.hosts.values()].filter(isActive).map(({ host, phase }) => [host, phase])).toEqual([
    ['h1', 'updating'],
  ]);
});

test('a node that is rolled back is no longer done', () => {
  const fold = createFold();
  for (const event of streams.rolling().slice(0, -1)) fold.apply(event);
  expect(countNodes(fold.state)).toMatchObject({ done: 5, active: 0 });
  const last = fold.state;
  const base = { v: 1 as const, run: last.run, at: last.lastAtMs + 10 };
  fold.apply({ ...base, type: 'node_started', host: 'h2', play: 'web tier', role: 'rollback', cause: 'back', ops: 3 });
  expect(countNodes(fold.state)).toMatchObject({ done: 4, active: 1 });
  fold.apply({ ...base, type: 'node_restored', host: 'h2', durationMs: 5, serving: true });
  expect(countNodes(fold.state)).toMatchObject({ done: 4, active: 0, failed: 0, restored: 1, left: 0 });
});

test('the balancer’s count and the bake belong to their play', () => {
  const [play] = foldEvents(streams.rolling()).plays;
  expect(play).toMatchObject({
    pool: { up: 6, servers: 6 },
    bake: { verdict: 'passed', bakeMs: 30_000, canary: { requests: 604 } },
  });
});

test('two thousand hosts fold into one state', () => {
  const events = large(2000);
  const state = foldEvents(events);
  expect(countNodes(state)).toEqual({ changing: 2000, done: 1999, active: 0, failed: 1, restored: 0, left: 0 });
});
