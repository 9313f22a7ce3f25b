import { describe, expect, test } from 'vitest';
import { labels } from '../../../src/docker/names.ts';
import type { Container } from '../../../src/docker/observed.ts';
import { reconcile } from '../../../src/plan/reconcile.ts';
import { statusOf } from '../../../src/plan/status.ts';
import type { HostFinding, PlayFinding } from '../../../src/plan/status-model.ts';
import { createPainter } from '../../../src/render/paint.ts';
import { formatStatus } from '../../../src/render/status-text.ts';
import { container, desired, observed, service, shop } from '../../support/simulated-host.ts';

const nowMs = Date.parse('2026-11-20T16:00:00Z');
const health = service('health', 'v1');
const app = (version: string) => service('app', version);
const up = { status: 'up', raw: 'UP', sessions: 2, queued: 0, counters: undefined } as const;

function host(
  name: string,
  containers: readonly Container[],
  over: { version?: string; troubles?: readonly string[]; lock?: { holder: string } } = {},
): HostFinding {
  const want = desired([health, app(over.version ?? 'v1')], { server: name });
  const have = observed(containers);
  const context = { host: name, play: 'web tier', playbook: shop, gate: 'health', removeOrphans: false };
  return {
    kind: 'read',
    host: name,
    desired: want,
    observed: have,
    plan: reconcile(want, have, context),
    troubles: over.troubles ?? [],
    lock: over.lock,
  };
}

function play(hosts: readonly HostFinding[], over: Partial<PlayFinding> = {}): PlayFinding {
  const servers = hosts.map((each) => each.host);
  const view = {
    atMs: nowMs,
    readings: [{ balancer: 'lb1/stats', servers: new Map(servers.map((name) => [name, up])) }],
  };
  return { play: 'web tier', hosts, view, counted: [], countedMs: 1500, servers, ...over };
}

const text = (...plays: readonly PlayFinding[]): string =>
  formatStatus(statusOf({ playbook: 'shop', composition: undefined }, plays, nowMs), createPainter(false));

const isAsWanted = (...plays: readonly PlayFinding[]): boolean =>
  statusOf({ playbook: 'shop', composition: undefined }, plays, nowMs).asWanted;

const withState = (of: Container, state: Partial<Container['state']>): Container => ({
  ...of,
  state: { ...of.state, ...state },
});

test('a fleet as wanted: image, composition, since when, health, restarts, the balancer', () => {
  const running = container(app('v1'));
  const labelled = { ...running, labels: { ...running.labels, [labels.composition]: 'c_1' } };
  const healthy = withState(labelled, { health: 'healthy', restartCount: 1 });
  const found = play([host('h1', [container(health), healthy])], {
    counted: [{ series: 'lb1', server: 'h1', requests: 410, errors: 3, answered: 407, responseTimeMs: 2 }],
  });
  expect(text(found)).toBe(
    [
      'web tier: 1 host, 1 as wanted',
      'Balancer: 1 of 1 UP, 2 sessions, 3 of 410 requests failed (0.7 %) in the last 1.5 s',
      '',
      '✓ h1  UP, 2 sessions, 3 of 410 requests failed (0.7 %) in the last 1.5 s',
      '    health  shop/health:v1       running                      for 1 h 00 m',
      '    app     shop/app:v1     c_1  running, healthy, 1 restart  for 1 h 00 m',
    ].join('\n'),
  );
  expect(isAsWanted(found)).toBe(true);
});

test('drift is in the words of the plan, an unreachable host comes last with what to do', () => {
  const parked = container(app('v0'), { name: 'app.previous', running: false });
  const found = play([
    {
      kind: 'unreachable',
      host: 'h0',
      reason: 'unreachable',
      message: 'h0 port 22 cannot be reached: no answer.',
      hint: 'Is the host up?',
    },
    host('h1', [container(health), container(app('v1')), parked], {
      version: 'v2',
      lock: { holder: 'run r1 of alice from laptop' },
    }),
  ]);
  expect(text(found)).toBe(
    [
      'web tier: 2 hosts, 0 as wanted, 1 not, 1 unreachable',
      'Balancer: 2 of 2 UP, 4 sessions, no requests in the last 1.5 s',
      '',
      '✗ h1  UP, 2 sessions, locked by run r1 of alice from laptop',
      '    health  shop/health:v1  running  for 1 h 00 m',
      '    app     shop/app:v1     running  for 1 h 00 m',
      '    ~ replace app: image v1 → v2',
      '    parked: app.previous, shop/app:v0',
      '',
      '✗ h0  unreachable: h0 port 22 cannot be reached: no answer.',
      '      Is the host up?',
      '',
      'Warning: h1: app has neither a probe nor a healthcheck: it counts as healthy once it has run for min_healthy_time, unless its image brings a healthcheck',
    ].join('\n'),
  );
});

test('a run that holds several hosts is named once, above them', () => {
  const lock = { holder: 'run r1 of alice from laptop' };
  const one = [container(health), container(app('v1'))];
  const found = play([
    ...['h1', 'h2', 'h3'].map((name) => host(name, one, { lock })),
    host('h4', one, { lock: { holder: 'run r2 of bob from ci' } }),
  ]);
  const lines = text(found).split('\n');
  expect(lines.filter((line) => line.includes('ocked'))).toEqual([
    'Locked by run r1 of alice from laptop: h1…h3',
    expect.stringMatching(/^✓ h1 .*, locked$/),
    expect.stringMatching(/^✓ h2 .*, locked$/),
    expect.stringMatching(/^. h3 .*locked$/),
    expect.stringMatching(/^. h4 .*locked by run r2 of bob from ci$/),
  ]);
});

test('what a killed run has left half way is named, with what the next run does about it', () => {
  const next = container(app('v2'), { name: 'app.next', status: 'created', running: false });
  const found = play([host('h1', [container(health), container(app('v1')), next], { version: 'v1' })]);
  expect(text(found)).toContain(
    '    ~ heal app: left half way by an earlier run\n    left half way: app.next (created)',
  );
  expect(isAsWanted(found)).toBe(false);
});

describe('is not as wanted', () => {
  const good = [container(health), container(app('v1'))] as const;
  const broken: Readonly<Record<string, PlayFinding>> = {
    'a container that is not there': play([host('h1', [container(health)])]),
    'one that has ended': play([host('h1', [container(health), container(app('v1'), { running: false })])]),
    'one that crashes over and over': play([
      host('h1', [container(health), withState(container(app('v1')), { status: 'restarting' })]),
    ]),
    'an unhealthy one': play([
      host('h1', [container(health), withState(container(app('v1')), { health: 'unhealthy' })]),
    ]),
    'one that is not healthy yet': play([
      host('h1', [container(health), withState(container(app('v1')), { health: 'starting' })]),
    ]),
    'a paused one': play([host('h1', [container(health), container(app('v1'), { status: 'paused' })])]),
    'an image that nobody tells': play([host('h1', [...good], { troubles: ['registry.example.com refuses'] })]),
    'a server that the balancer has taken out': play([host('h1', [...good])], {
      view: {
        atMs: nowMs,
        readings: [{ balancer: 'lb1', servers: new Map([['h1', { ...up, status: 'maint', raw: 'MAINT' }]]) }],
      },
    }),
    'a server that the balancer does not know': play([host('h1', [...good])], {
      view: { atMs: nowMs, readings: [{ balancer: 'lb1', servers: new Map() }] },
    }),
    'a balancer that cannot be read': play([host('h1', [...good])], {
      view: { atMs: nowMs, readings: [{ balancer: 'lb1', error: 'connection refused' }] },
    }),
    'an unreachable host': play([{ kind: 'unreachable', host: 'h1', reason: 'unreachable', message: 'no answer' }]),
  };
  test.each(Object.entries(broken))('%s', (_, found) => {
    expect(isAsWanted(found)).toBe(false);
  });

  test('and none of these count: an orphan, a parked container, a lock, restarts of long ago, no balancer', () => {
    const orphan = container(service('old', 'v1'));
    const parked = container(app('v0'), { name: 'app.previous', running: false });
    const restarted = withState(container(app('v1')), { restartCount: 7 });
    const found = play([host('h1', [container(health), restarted, orphan, parked], { lock: { holder: 'run r1' } })], {
      view: undefined,
    });
    expect({
      asWanted: isAsWanted(found),
      orphan: text(found).includes('! orphan old: the play no longer names it'),
    }).toEqual({ asWanted: true, orphan: true });
  });
});

test('what hosts and balancers say moves no cursor', () => {
  const evil = '\u001b[2J\u0007evil';
  const running = container(app('v1'));
  const labelled = { ...running, labels: { ...running.labels, [labels.composition]: evil, [labels.image]: evil } };
  const found = play([host('h1', [container(health), labelled], { lock: { holder: evil }, troubles: [evil] })], {
    view: { atMs: nowMs, readings: [{ balancer: evil, error: evil }] },
  });
  // eslint-disable-next-line no-control-regex -- control characters are what it is about
  expect(text(found)).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
});
