import { expect, test } from 'vitest';
import type { Event, Failure } from '../../../src/events/event.ts';
import { speaksOfImages, suspectImages } from '../../../src/events/suspects.ts';

const at = { v: 1, at: 0, run: 'r1' } as const;
const change = (service: string, kind = 'replace') => ({ service, kind, cause: '' });
const plan = {
  ...at,
  type: 'plan_ready',
  text: '',
  images: {},
  components: { app: ['r/app:2@sha256:a'], side: ['r/side:2@sha256:b'], db: ['r/db:1@sha256:c'], late: ['r/late:2'] },
  plays: [
    { play: 'web', hosts: { h1: [change('app'), change('db', 'update')], h2: [change('side', 'adopt')] } },
    { play: 'later', hosts: { h9: [change('late', 'create')] } },
  ],
} as unknown as Event;
const started = (host: string) =>
  ({ ...at, type: 'node_started', host, play: 'web', role: 'canary', cause: '', ops: 1 }) as const;
const failed = (service: string | undefined, more: Partial<Failure> = { ofImage: true }): Event => ({
  ...at,
  type: 'node_failed',
  host: 'h1',
  failure: {
    op: { kind: 'verify', text: '', cause: '', ...(service === undefined ? {} : { service }) },
    message: '',
    logs: [],
    ...more,
  },
});
const traffic = { play: 'web', hosts: ['h1'], reason: '' };
const baked = (verdict: 'passed' | 'failed' | 'inconclusive' | 'promoted' | 'skipped'): Event => ({
  ...at,
  type: 'bake_finished',
  ...traffic,
  verdict,
});
const judged = (verdict: 'passed' | 'failed' | 'inconclusive'): Event => ({
  ...at,
  type: 'fan_out_judged',
  ...traffic,
  verdict,
});
const checked = (outcome: 'passed' | 'failed' | 'unanswered', failures: number, dryRun = false): Event => ({
  ...at,
  type: 'check_result',
  play: 'web',
  check: 'smoke',
  hosts: ['h1'],
  phase: 'soak',
  outcome,
  message: '',
  failures,
  failureLimit: 2,
  ...(dryRun ? { dryRun } : {}),
});
const gate = (ok: boolean, exitCode?: number): Event => ({
  ...at,
  type: 'gate_finished',
  play: 'web',
  hosts: ['h1'],
  gate: './smoke.sh',
  ok,
  message: '',
  output: [],
  durationMs: 1,
  ...(exitCode === undefined ? {} : { exitCode }),
});

test.each<[string, readonly Event[], string]>([
  ['the service that failed', [started('h1'), started('h2'), failed('app')], 'app'],
  ['both that failed', [started('h1'), started('h2'), failed('side'), failed('app')], 'side app'],
  ['the node as a whole: all that was brought by then', [started('h1'), failed(undefined)], 'app'],
  ['the same with another host begun', [started('h1'), started('h2'), failed(undefined)], 'app side'],
  ['a service that only got other settings', [started('h1'), failed('db')], ''],
  ['a service that is not in the plan', [started('h1'), failed('other')], ''],
  ['the host, not the image', [started('h1'), failed('app', {})], ''],
  ['the host and, elsewhere, the image', [started('h1'), started('h2'), failed('app', {}), failed('side')], 'side'],
  ['a verdict', [started('h1'), baked('failed'), failed(undefined, {})], 'app'],
  ['no verdict: nothing is known', [started('h1'), baked('inconclusive'), failed(undefined, {})], ''],
  ['a promotion', [started('h1'), baked('promoted')], ''],
  ['no bake', [started('h1'), baked('skipped')], ''],
  ['a verdict in fan-out', [started('h1'), started('h2'), baked('passed'), judged('failed')], 'app side'],
  ['a good one in fan-out', [started('h1'), judged('passed'), judged('inconclusive')], ''],
  ['a check over its limit', [started('h1'), checked('failed', 2)], 'app'],
  ['one below it', [started('h1'), checked('failed', 1)], ''],
  ['one that fails nothing', [started('h1'), checked('failed', 2, true)], ''],
  ['one without an answer', [started('h1'), checked('unanswered', 2)], ''],
  ['a gate', [started('h1'), gate(false, 1), failed(undefined, {})], 'app'],
  ['a gate that gave no answer', [started('h1'), gate(false), failed(undefined, {})], ''],
  ['a gate that was content', [started('h1'), gate(true, 0)], ''],
  ['nothing was begun', [failed('app'), baked('failed')], ''],
])('suspect is, where it was %s', (_, events, expected) => {
  const all = [plan, ...events];
  const names = suspectImages(all).map((image) => /^r\/(\w+):/.exec(image)?.[1]);
  expect(names.join(' ')).toBe(expected);
  expect(suspectImages(all.filter(speaksOfImages))).toEqual(suspectImages(all));
});

test('without a plan nothing is suspect', () => {
  expect(suspectImages([started('h1'), failed('app'), baked('failed'), gate(false, 1)])).toEqual([]);
});
