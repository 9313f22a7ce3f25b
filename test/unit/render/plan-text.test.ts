import { expect, test } from 'vitest';
import { parseImageRef, type ImageRef } from '../../../src/model/image.ts';
import type { Task } from '../../../src/model/task.ts';
import type { NodePlan, Op, Plan, PlayPlan, ServiceChange } from '../../../src/plan/plan.ts';
import { wavesOf } from '../../../src/plan/waves.ts';
import { formatPlan } from '../../../src/render/plan-text.ts';

const digest = `sha256:${'9f86d081'.repeat(8)}`;

function image(written: string): ImageRef {
  const ref = parseImageRef(written);
  if (ref === undefined) throw new Error(written);
  return { ...ref, digest };
}

const newVersion: ServiceChange = {
  service: 'app',
  kind: 'replace',
  cause: 'image shop/app:1.4 → shop/app:1.5, and 5 more',
  differences: [
    { path: 'image', from: 'shop/app:1.4', to: 'shop/app:1.5' },
    { path: 'environment.DB_PASSWORD', secret: true },
    { path: 'environment.GREETING', from: 'hello', to: ' hello ' },
    { path: 'environment.LOG_LEVEL', from: 'info', to: 'debug' },
    { path: 'environment.MOTD', to: 'line one\nline two' },
    { path: 'environment.OLD', from: 'x' },
    { path: 'mem_limit', from: '512 MiB', to: '1 GiB' },
  ],
};

const stop: Op = { kind: 'stop', service: 'app', container: 'app', graceMs: 10_000, cause: newVersion.cause };
const drainAround = (host: string): { during: readonly Op[] } => ({
  during: [
    { kind: 'drain', container: 'health', server: host, cause: 'leave rotation' },
    stop,
    { kind: 'admit', container: 'health', policy: 'no', server: host, cause: 'return to rotation' },
  ],
});

function node(host: string, parts: Partial<NodePlan> = {}): NodePlan {
  return {
    host,
    server: host,
    changes: [],
    errors: [],
    warnings: [],
    pulls: [],
    heal: [],
    before: [],
    during: [],
    after: [],
    ...parts,
  };
}

function updated(host: string): NodePlan {
  return node(host, { changes: [newVersion], pulls: [image('shop/app:1.5')], ...drainAround(host) });
}

function play(parts: Partial<PlayPlan> & Pick<PlayPlan, 'nodes'>): PlayPlan {
  return { play: 'web tier', canaries: [], waves: [], maxUnavailable: 1, minAvailable: 1, warnings: [], ...parts };
}

function task(name: string, phase: 'pre' | 'main' | 'post', runOnce = false): Op {
  const what: Task = {
    name,
    module: 'command',
    params: ['true'],
    environment: {},
    timeoutMs: 1000,
    runOnce,
    ignoreErrors: false,
  };
  return { kind: 'task', phase, task: what, cause: `task ${name}` };
}

const hosts = (amount: number, width = 1): string[] =>
  Array.from({ length: amount }, (_, index) => `h${String(index + 1).padStart(width, '0')}`);

const plans: Readonly<Record<string, Plan>> = {
  'one-host': { plays: [play({ nodes: [updated('h1')], canaries: ['h1'], minAvailable: 0 })] },
  'six-hosts': {
    plays: [play({ nodes: [...hosts(5).map(updated), node('h6')], canaries: ['h1'] })],
  },
  'nothing-to-do': { plays: [play({ nodes: hosts(3).map((host) => node(host)) })] },
  'two-thousand-hosts': {
    plays: [
      play({
        nodes: hosts(2000, 4).map((host, index) => (index % 400 === 7 ? node(host) : updated(host))),
        canaries: ['h0001', 'h0002'],
        maxUnavailable: 500,
        minAvailable: 100,
      }),
    ],
  },
  'every-kind-of-change': {
    plays: [
      play({
        nodes: [
          node('db1.eu.example.com', {
            changes: [
              { service: 'new', kind: 'create', cause: 'there is none', differences: [] },
              { service: 'found', kind: 'adopt', cause: 'not started by rollout', differences: [] },
              {
                service: 'limits',
                kind: 'update',
                cause: 'mem_limit 512 MiB → 1 GiB, live',
                differences: [{ path: 'mem_limit', from: '512 MiB', to: '1 GiB' }],
              },
              { service: 'stopped', kind: 'start', cause: 'exited with code 137 two hours ago', differences: [] },
              { service: 'half', kind: 'heal', cause: 'half.previous left by run 20261119-0300', differences: [] },
              { service: 'gone', kind: 'remove', cause: 'no longer in the play', differences: [] },
            ],
            pulls: [image('shop/new:2')],
            before: [
              { kind: 'create_network', network: { name: 'backend', external: false, options: {} }, cause: 'missing' },
              { kind: 'create_volume', volume: { name: 'data', external: false, options: {} }, cause: 'missing' },
              task('check disk', 'pre'),
            ],
            during: [...drainAround('db1').during, task('migrate', 'main', true)],
            after: [task('warm up', 'post')],
          }),
          node('db0.eu.example.com', { during: [...drainAround('db0').during, task('patch', 'main')] }),
          node('db2.eu.example.com', {
            changes: [
              {
                service: 'gone',
                kind: 'orphan',
                cause: 'no longer in the play; remove_orphans: true would remove it',
                differences: [],
              },
            ],
          }),
          node('db3.eu.example.com', {
            changes: [
              {
                service: 'limits',
                kind: 'update',
                cause: 'mem_limit 512 MiB → 1 GiB, live',
                differences: [{ path: 'mem_limit', from: '512 MiB', to: '1 GiB' }],
              },
            ],
            before: [
              { kind: 'update', service: 'limits', container: 'limits', args: ['--memory', '1g'], cause: 'mem_limit' },
            ],
          }),
        ],
        canaries: ['db1.eu.example.com'],
        warnings: ['max_unavailable 20 % of 4 hosts is less than one: one at a time'],
      }),
    ],
  },
  'two-plays': {
    plays: [
      play({ play: 'database', nodes: [updated('db1'), node('db2')], canaries: ['db1'] }),
      play({ nodes: hosts(4).map(updated), canaries: ['h1'], maxUnavailable: 2 }),
    ],
  },
  'zones-and-stages': {
    plays: [
      play({
        nodes: [...hosts(7).map(updated), node('h8')],
        canaries: ['h1'],
        waves: wavesOf(
          {
            canary: {
              hosts: { count: 1 },
              bakeMs: 30_000,
              bakeMaxMs: 300_000,
              onInconclusive: 'continue',
              promote: 'auto',
              minRequests: 50,
              maxErrorRatio: 0.002,
            },
            stages: [{ percent: 50 }],
            zones: { bakeMs: 120_000 },
            maxUnavailable: { percent: 50 },
          },
          hosts(8).map((name, index) => ({
            name,
            zone: index < 4 ? 'eu-west\u001b[2J' : 'us-east',
            isChanging: name !== 'h8',
            isFinished: false,
          })),
          'careful',
        ),
        maxUnavailable: 4,
        minAvailable: 3,
      }),
    ],
  },
  hostile: {
    plays: [
      play({
        play: 'web\u001b[2J',
        nodes: [
          node('h1', {
            ...drainAround('h1'),
            changes: [
              {
                service: 'app',
                kind: 'replace',
                cause: 'environment.X \u202e → \u0007',
                differences: [{ path: 'environment.X', from: '\u001b]0;t\u0007a', to: 'b\u200b' }],
              },
            ],
          }),
        ],
      }),
    ],
  },
};

for (const [name, plan] of Object.entries(plans)) {
  test(`plan text: ${name}`, async () => {
    await expect(`${formatPlan(plan)}\n`).toMatchFileSnapshot(`../../cases/plan/${name}.txt`);
  });
}

test('hosts with the same changes share a block whatever their order', () => {
  const mixed = formatPlan({ plays: [play({ nodes: [updated('h1'), node('h2'), updated('h3'), updated('h4')] })] });
  expect(mixed.split('\n').filter((line) => line.startsWith('  h'))).toEqual([
    '  h1, h3, h4 (3 hosts)',
    '  h2: unchanged',
  ]);
});

test('a secret never shows its value, even if a difference carries one', () => {
  const differences = [{ path: 'environment.TOKEN', from: 'hunter2', to: 'hunter3', secret: true as const }];
  const change: ServiceChange = { service: 'app', kind: 'replace', cause: 'environment.TOKEN', differences };
  expect(
    formatPlan({ plays: [play({ nodes: [node('h1', { changes: [change], ...drainAround('h1') })] })] }),
  ).not.toMatch(/hunter/);
});
