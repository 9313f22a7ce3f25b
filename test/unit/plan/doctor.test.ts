import { describe, expect, test } from 'vitest';
import { balancerFindings } from '../../../src/plan/doctor-balancer.ts';
import {
  failedFinding,
  hostFindings,
  lookFindings,
  verdictOf,
  type Finding,
  type HostAnswers,
} from '../../../src/plan/doctor.ts';
import { examinedAreas } from '../../../src/plan/examined.ts';
import { createPainter } from '../../../src/render/paint.ts';
import { formatExamination } from '../../../src/render/doctor-text.ts';
import type { PlayFinding } from '../../../src/plan/status-model.ts';
import { desired, observed, service, shop } from '../../support/simulated-host.ts';
import { reconcile } from '../../../src/plan/reconcile.ts';

const good: HostAnswers = {
  host: 'h1',
  skewMs: 900,
  info: { ServerVersion: '20.10.24+dfsg1', MemoryLimit: true },
  missingTools: [],
  login: { noise: '\n' },
  room: { folder: '/var/lib/docker', freeBytes: 1e10, freeInodes: undefined },
};
const limited = service('app', 'v1', { spec: { mem_limit: 1e9, pids_limit: 100 } });

const said = (findings: readonly Finding[]) => findings.map(({ level, area }) => `${level} ${area}`);

test('a host in order has no findings', () => {
  expect(hostFindings(good, [desired([limited])])).toEqual([]);
});

describe('a finding names its host, and says what to do', () => {
  test.each<[string, Partial<HostAnswers>, string]>([
    ['a shell that changes words', { login: { ...good.login, manglingShell: '/bin/rc' } }, 'error shell'],
    ['a login script that prints', { login: { ...good.login, noise: 'Welcome!' } }, 'warning shell'],
    ['a command that is missing', { missingTools: ['flock'] }, 'error tools'],
    ['an old docker', { info: { ServerVersion: '19.03.1' } }, 'warning docker'],
    ['a docker of 20.04', { info: { ServerVersion: '20.04.0' } }, 'warning docker'],
    ['a docker that does not say', { info: {} }, 'warning docker'],
    ['a clock ahead', { skewMs: 65_000 }, 'warning clock'],
    ['a clock behind', { skewMs: -5000 }, 'warning clock'],
    ['a full disk', { room: { folder: '/var/lib/docker', freeBytes: 1e6, freeInodes: undefined } }, 'error disk'],
    ['no inodes', { room: { folder: '/var/lib/docker', freeBytes: 1e10, freeInodes: 3 } }, 'error disk'],
    ['a kernel without memory limits', { info: { ...good.info, MemoryLimit: false } }, 'warning limits'],
    ['a kernel without pids', { info: { ...good.info, PidsLimit: false } }, 'warning limits'],
  ])('%s', (_, over, wanted) => {
    const found = hostFindings({ ...good, ...over }, [desired([limited])]);
    expect(said(found)).toEqual([wanted]);
    expect(found[0]).toMatchObject({ host: 'h1', fix: expect.stringMatching(/\w{3}/) as string });
  });

  test('a limit that no service has is no matter', () => {
    const found = hostFindings({ ...good, info: { ...good.info, CpuCfsQuota: false } }, [desired([limited])]);
    expect(found).toEqual([]);
  });
});

test.each([
  ['unreachable', 'connection', 'away'],
  ['timeout', 'connection', 'away'],
  ['host_key_changed', 'host key', 'wrong'],
  ['host_key_unknown', 'host key', 'wrong'],
  ['auth_failed', 'login', 'away'],
  ['become_failed', 'sudo', 'away'],
  ['forwarding_refused', 'forwarding', 'wrong'],
  ['daemon_down', 'docker', 'away'],
  ['permission_denied', 'docker', 'away'],
])('%s is about %s, and as an answer of preflight', (reason, area, verdict) => {
  const finding = failedFinding('h1', { reason, message: 'no', hint: 'do this' });
  expect({ area: finding.area, fix: finding.fix, verdict: verdictOf([finding]) }).toEqual({
    area,
    fix: 'do this',
    verdict,
  });
  expect(lookFindings({ kind: 'unreachable', host: 'h1', reason, message: 'no', hint: 'do this' })).toEqual([finding]);
});

test('a mistake of the configuration counts before a host that is away, warnings do not count', () => {
  const away = failedFinding('h1', { reason: 'unreachable', message: 'no answer' });
  const wrong = failedFinding('h2', { reason: 'host_key_unknown', message: 'unknown key' });
  const warning: Finding = { level: 'warning', area: 'clock', message: 'late' };
  expect([[], [warning], [warning, away], [away, wrong]].map((findings) => verdictOf(findings))).toEqual([
    'good',
    'good',
    'away',
    'wrong',
  ]);
});

describe('the balancer', () => {
  const up = { status: 'up', raw: 'UP', sessions: 0, queued: 0, counters: undefined } as const;
  const context = { host: 'h1', play: 'web tier', playbook: shop, gate: 'health', removeOrphans: false };
  const play = (readings: NonNullable<PlayFinding['view']>['readings']): PlayFinding => ({
    play: 'web tier',
    hosts: [
      {
        kind: 'read',
        host: 'h1',
        desired: desired([]),
        observed: observed([]),
        plan: reconcile(desired([]), observed([]), context),
        troubles: [],
      },
    ],
    view: { atMs: 0, readings },
    counted: [],
    countedMs: 0,
    servers: ['h1'],
  });
  const lb = (servers: Readonly<Record<string, object>>) => ({
    balancer: 'lb1',
    servers: new Map(Object.entries(servers).map(([name, over]) => [name, { ...up, ...over }])),
  });
  test.each<[string, NonNullable<PlayFinding['view']>['readings'], readonly string[]]>([
    ['in order', [lb({ h1: {} })], []],
    ['unreadable', [{ balancer: 'lb1', error: 'connection refused' }], ['error balancer']],
    ['without the server', [lb({ web1: {} })], ['error balancer']],
    ['that checks nothing', [lb({ h1: { status: 'no_check', raw: 'no check' } })], ['error balancer']],
    ['that shows it DOWN', [lb({ h1: { status: 'down', raw: 'DOWN' } })], ['warning balancer']],
    ['that has it at weight 0', [lb({ h1: { weight: 0 } })], ['warning balancer']],
    ['of two that only one knows', [lb({ h1: {} }), { ...lb({ h2: {} }), balancer: 'lb2' }], ['warning balancer']],
  ])('%s', (_, readings, wanted) => {
    const found = balancerFindings(play(readings), true);
    expect(said(found)).toEqual(wanted);
    expect(found.every((each) => each.play === 'web tier')).toBe(true);
  });
});

test('what many hosts have is said once, errors first, each with its fix', () => {
  const findings: readonly Finding[] = [
    { level: 'warning', area: 'clock', host: 'h1', message: 'its clock is late', fix: 'timedatectl set-ntp true' },
    ...['h1', 'h2', 'h3', 'h4'].map((host): Finding => ({
      level: 'error',
      area: 'tools',
      host,
      message: 'there is no flock command',
      fix: 'Install util-linux.',
    })),
    {
      level: 'error',
      area: 'balancer',
      play: 'web tier',
      message: 'it cannot be read:\nrefused\u001b[2J',
      fix: 'Look.',
    },
  ];
  const hosts = ['h1', 'h2', 'h3', 'h4'];
  const drain = { host: 'h4', outMs: 1200, backMs: 800 };
  expect(formatExamination({ hosts, findings, drain }, createPainter(false))).toBe(
    [
      '✗ tools: h1…h4: there is no flock command',
      '    Install util-linux.',
      '✗ balancer: play web tier: it cannot be read:',
      '    refused',
      '    Look.',
      '! clock: h1: its clock is late',
      '    timedatectl set-ntp true',
      '✓ h4 left rotation 1.2 s after its health container had stopped, and was back 800 ms after its start',
      '✓ in order: connection, host key, login, sudo, shell, docker, disk, limits, forwarding, ports, plan, registry, drain',
      '4 hosts examined: 5 errors, 1 warning',
    ].join('\n'),
  );
});

describe('what could not be examined is not in order', () => {
  const told = (hosts: readonly string[], findings: readonly Finding[]) =>
    formatExamination({ hosts, findings }, createPainter(false))
      .split('\n')
      .filter((line) => /^[✓?]/.test(line));
  const away = (host: string, reason: string) => failedFinding(host, { reason, message: 'no' });

  test.each<[string, readonly Finding[], readonly string[]]>([
    [
      'no docker on any host',
      ['h1', 'h2', 'h3'].map((host) => away(host, 'permission_denied')),
      [
        '✓ in order: connection, host key, login, sudo, shell, tools',
        '? not examined on h1…h3: clock, disk, limits, forwarding, ports, plan, registry, balancer',
      ],
    ],
    [
      'one host down',
      [away('h2', 'unreachable')],
      [
        '✓ in order: host key, login, sudo, shell, tools, docker, clock, disk, limits, forwarding, ports, plan, registry, balancer',
        '? not examined on h2: host key, login, sudo, shell, tools, docker, clock, disk, limits, forwarding, ports, plan, registry, balancer',
      ],
    ],
    [
      'every key unknown',
      ['h1', 'h2', 'h3'].map((host) => away(host, 'host_key_unknown')),
      [
        '✓ in order: connection',
        '? not examined on h1…h3: login, sudo, shell, tools, docker, clock, disk, limits, forwarding, ports, plan, registry, balancer',
      ],
    ],
    [
      'one without a login, one without sudo',
      [away('h1', 'auth_failed'), away('h3', 'become_failed')],
      [
        '✓ in order: connection, host key, shell, tools, docker, clock, disk, limits, forwarding, ports, plan, registry, balancer',
        '? not examined on h1: sudo',
        '? not examined on h1, h3: shell, tools, docker, clock, disk, limits, forwarding, ports, plan, registry, balancer',
      ],
    ],
    [
      'forwarding that is refused hides nothing',
      [away('h1', 'forwarding_refused')],
      [
        '✓ in order: connection, host key, login, sudo, shell, tools, docker, clock, disk, limits, ports, plan, registry, balancer',
      ],
    ],
  ])('%s', (_, findings, wanted) => {
    expect(told(['h1', 'h2', 'h3'], findings)).toEqual(wanted);
  });

  test('every area is either examined of somebody or missed by all', () => {
    const { examined, missed } = examinedAreas(['h1', 'h2'], [away('h1', 'auth_failed'), away('h2', 'daemon_down')]);
    expect(examined).toEqual(['connection', 'host key', 'login', 'sudo', 'shell', 'tools', 'docker']);
    expect(missed.get('sudo')).toEqual(['h1']);
    expect(missed.get('clock')).toEqual(['h1', 'h2']);
  });
});
