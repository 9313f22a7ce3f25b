import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Event } from '../../../src/events/event.ts';
import { decideWatch, judgeWatchedRun, nextLookMs, type WatchedTag } from '../../../src/plan/watch.ts';

const nowMs = Date.UTC(2026, 10, 20);
const minute = 60_000;

const tag = (parts: Partial<WatchedTag> = {}): WatchedTag => ({
  tag: 'r/app:dev',
  seen: 'new',
  firstSeenMs: nowMs,
  running: ['old', 'old', 'old'],
  isBad: false,
  ...parts,
});

/** `CHANGES | HELD | PINS | BLOCKED`, in short. */
function decided(tags: readonly WatchedTag[], minAgeMs = 0): string {
  const { changes, held, pins, blocked } = decideWatch(tags, { nowMs, minAgeMs });
  const inMinutes = (untilMs: number | undefined): string =>
    untilMs === undefined ? '' : ` for ${(untilMs - nowMs) / minute} m`;
  return [
    changes.map((change) => `${change.tag} ${change.from.join('+')}>${change.to}`),
    held.map((hold) => `${hold.tag} ${hold.reason}${inMinutes(hold.untilMs)}`),
    [...pins].map(([each, digest]) => `${each}=${digest}`),
    blocked,
  ]
    .map((list) => list.join(', '))
    .join(' | ');
}

test.each<[string, readonly WatchedTag[], string]>([
  ['a new image', [tag()], 'r/app:dev old>new |  | r/app:dev=new | '],
  ['one that every host runs', [tag({ running: ['new', 'new'] })], ' |  | r/app:dev=new | '],
  [
    'one that a part of the hosts runs: a run that was cut off, or another controller',
    [tag({ running: ['new', 'old', 'older', 'old'] })],
    'r/app:dev old+older>new |  | r/app:dev=new | ',
  ],
  ['a service that no host has yet', [tag({ running: [undefined] })], 'r/app:dev >new |  | r/app:dev=new | '],
  ['a bad one stays away', [tag({ isBad: true })], ' | r/app:dev bad | r/app:dev=old | '],
  ['a bad one that somebody rolled out by hand', [tag({ isBad: true, running: ['new'] })], ' |  | r/app:dev=new | '],
  [
    'a bad one that is left on a host: the run of the other takes the good one there',
    [tag({ isBad: true, running: ['new', 'new', 'old'] }), tag({ tag: 'r/side:1' })],
    'r/side:1 old>new | r/app:dev bad | r/app:dev=old, r/side:1=new | ',
  ],
  [
    'several in one run, and a registry that says nothing changes nothing',
    [
      tag(),
      tag({ tag: 'r/side:1', running: ['x'] }),
      tag({ tag: 'q/off:1', seen: undefined, running: ['y', 'z', 'z'] }),
    ],
    'r/app:dev old>new, r/side:1 x>new |  | r/app:dev=new, r/side:1=new, q/off:1=z | ',
  ],
  [
    'without an image that a service needs no run is possible',
    [tag(), tag({ tag: 'q/off:1', seen: undefined, running: [undefined] })],
    'r/app:dev old>new |  | r/app:dev=new | q/off:1',
  ],
  [
    'a bad image of a service that no host has',
    [tag(), tag({ tag: 'r/side:1', isBad: true, running: [] })],
    'r/app:dev old>new | r/side:1 bad | r/app:dev=new | r/side:1',
  ],
])('%s', (_, tags, expected) => {
  expect(decided(tags)).toBe(expected);
});

test.each<[string, Partial<WatchedTag>, string]>([
  [
    'made nine minutes ago',
    { createdMs: nowMs - 9 * minute, firstSeenMs: 0 },
    ' | r/app:dev young for 1 m | r/app:dev=old | ',
  ],
  ['made ten minutes ago', { createdMs: nowMs - 10 * minute }, 'r/app:dev old>new |  | r/app:dev=new | '],
  [
    'made in 1980 as all builds, seen now',
    { createdMs: 315_532_800_000 },
    ' | r/app:dev young for 10 m | r/app:dev=old | ',
  ],
  [
    'made in 1970, seen long ago',
    { createdMs: 0, firstSeenMs: nowMs - 11 * minute },
    'r/app:dev old>new |  | r/app:dev=new | ',
  ],
  ['without a date', { firstSeenMs: nowMs - 4 * minute }, ' | r/app:dev young for 6 m | r/app:dev=old | '],
  [
    'made tomorrow by a clock that is ahead',
    { createdMs: nowMs + 60 * minute },
    ' | r/app:dev young for 70 m | r/app:dev=old | ',
  ],
  ['bad as well as young', { isBad: true }, ' | r/app:dev bad | r/app:dev=old | '],
])('an image must be ten minutes old: %s', (_, parts, expected) => {
  expect(decided([tag(parts)], 10 * minute)).toBe(expected);
});

const digest = fc.constantFrom('d1', 'd2', 'd3');
const anyTag = fc.record({
  tag: fc.constantFrom('a', 'b', 'c'),
  seen: fc.option(digest, { nil: undefined }),
  firstSeenMs: fc.constantFrom(0, nowMs),
  running: fc.array(fc.option(digest, { nil: undefined }), { maxLength: 4 }),
  isBad: fc.boolean(),
});

test('no run takes a bad or a young digest to a host that does not run it, and every change is what the registry has', () => {
  fc.assert(
    fc.property(fc.uniqueArray(anyTag, { selector: (each) => each.tag }), (tags) => {
      const { changes, held, pins } = decideWatch(tags, { nowMs, minAgeMs: minute });
      for (const { tag: name, to } of changes) {
        expect(tags.find((each) => each.tag === name)?.seen).toBe(to);
        expect(pins.get(name)).toBe(to);
      }
      for (const hold of held) {
        expect(changes.map((change) => change.tag)).not.toContain(hold.tag);
        expect(pins.get(hold.tag)).not.toBe(hold.digest);
      }
      for (const each of tags) {
        const pin = pins.get(each.tag);
        if (pin !== undefined && pin !== each.seen) expect(each.running).toContain(pin);
      }
    }),
  );
});

const at = { v: 1, at: 0, run: 'r1' } as const;
const app = `sha256:${'a'.repeat(64)}`;
const side = `sha256:${'b'.repeat(64)}`;
const plan: Event = {
  ...at,
  type: 'plan_ready',
  text: '',
  plays: [
    {
      play: 'web',
      canaries: ['h1'],
      maxUnavailable: 1,
      minAvailable: 1,
      hosts: {
        h1: [
          { kind: 'replace', service: 'app', cause: '' },
          { kind: 'create', service: 'side', cause: '' },
        ],
      },
    },
  ],
  images: {},
  components: {
    app: [`r/app:dev@${app}`],
    side: [`r/side:1@${side}`],
    health: [`r/health:1@sha256:${'c'.repeat(64)}`],
  },
};
const started: Event = { ...at, type: 'node_started', host: 'h1', play: 'web', role: 'canary', cause: '', ops: 1 };
const failed = (service?: string, ofImage = true): Event => ({
  ...at,
  type: 'node_failed',
  host: 'h1',
  failure: {
    op: { kind: 'verify', text: 'verify', cause: '', ...(service === undefined ? {} : { service }) },
    message: '',
    logs: [],
    ...(ofImage ? { ofImage } : {}),
  },
});

const paused = (by?: 'window'): Event => ({
  ...at,
  type: 'run_paused',
  reason: '',
  next: '',
  ...(by === undefined ? {} : { by }),
});

test.each<[string, number, readonly Event[], string]>([
  ['done', 0, [plan, started], 'done'],
  ['nothing had to be done', 0, [plan], 'done'],
  ['sent back by the service that failed', 5, [plan, started, failed('app')], 'bad app'],
  ['by both', 5, [plan, started, failed('side'), failed('app')], 'bad app side'],
  ['by the node as a whole', 5, [plan, started, failed()], 'bad app side'],
  ['by a service whose image did not change', 5, [plan, started, failed('health')], 'again'],
  ['by one that the plan does not name', 5, [plan, started, failed('app'), failed('other')], 'bad app'],
  ['sent back for what its hosts did', 5, [plan, started, failed('app', false)], 'again'],
  ['left half way for what its hosts did', 3, [plan, started, failed(undefined, false)], 'again'],
  ['left half way', 3, [plan, started, failed('side')], 'bad side'],
  ['hosts away', 4, [], 'again'],
  ['locked', 6, [], 'again'],
  ['refused by the configuration', 2, [], 'again'],
  ['outside its window', 7, [plan], 'again'],
  ['paused half way', 7, [plan, started, paused()], 'paused'],
  ['paused by the end of its window', 7, [plan, started, paused('window')], 'closed'],
  ['interrupted', 130, [plan, started], 'interrupted'],
])('what becomes of a change: %s', (_, exitCode, events, expected) => {
  const names: Readonly<Record<string, string>> = { [app]: 'app', [side]: 'side' };
  const verdict = judgeWatchedRun(exitCode, [{ to: app }, { to: side }], events);
  const bad = verdict.kind === 'bad' ? verdict.digests.map((each) => names[each] ?? each) : [];
  expect([verdict.kind, ...bad].join(' ')).toBe(expected);
});

test('looks keep apart from each other, failures in a row double the pause up to 15 minutes, and a registry is not asked early', () => {
  const pauses = (failures: number, retryAfterMs?: number): readonly number[] =>
    [0, 0.5, 1].map((random) => nextLookMs(minute, { failures, random, retryAfterMs }) / minute);
  expect(pauses(0)).toEqual([0.9, 0.95, 1]);
  expect(pauses(1)).toEqual([1, 1.5, 2]);
  expect(pauses(3)).toEqual([4, 6, 8]);
  expect(pauses(4)).toEqual([7.5, 11.25, 15]);
  expect(pauses(4000)).toEqual([7.5, 11.25, 15]);
  expect(pauses(1, 30 * minute)).toEqual([30, 30, 30]);
  // Whoever looks once an hour goes on so.
  expect(nextLookMs(60 * minute, { failures: 2, random: 1 })).toBe(60 * minute);
});
