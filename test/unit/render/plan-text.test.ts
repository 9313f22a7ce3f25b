import { expect, test } from 'vitest';
import { strategyOf, strategySchema } from '../../../src/config/playbook/strategy.ts';
import { labels } from '../../../src/docker/names.ts';
import type { Container, Observed } from '../../../src/docker/observed.ts';
import type { Play } from '../../../src/model/play.ts';
import { parseImageRef } from '../../../src/model/image.ts';
import { Secret } from '../../../src/model/secret.ts';
import type { HostDesired, Service, ServiceSpec } from '../../../src/model/service.ts';
import { assemblePlan } from '../../../src/plan/assemble.ts';
import type { Plan } from '../../../src/plan/plan.ts';
import { contextOf, isUnchanged, reconcile } from '../../../src/plan/reconcile.ts';
import { wavesOf } from '../../../src/plan/waves.ts';
import { taskNamed } from '../../support/tasks.ts';
import { formatPlan } from '../../../src/render/plan-text.ts';
import { parseSize } from '../../../src/service/units.ts';
import { container, desired, digestOf, observed, service as makeService, shop } from '../../support/simulated-host.ts';

/** With its tag as it is written, and the digest that the registry told. */
function service(name: string, tag: string, spec: ServiceSpec = {}): Service {
  const image = parseImageRef(`shop/${name}:${tag}`);
  if (image === undefined) throw new Error(`bad image of ${name}`);
  return makeService(name, tag, { spec, probe, image: { ...image, digest: digestOf(tag) } });
}

const probe = { kind: 'tcp', port: 8080, intervalMs: 500, timeoutMs: 1000 } as const;

/** What a container of a service shows of itself, where it matters here. */
function running(of: Service, overrides: Parameters<typeof container>[1] = {}): Container {
  const found = container(of, overrides);
  const environment = Object.entries((of.spec['environment'] ?? {}) as Readonly<Record<string, string | Secret>>);
  const secrets = environment.flatMap(([name, value]) => (value instanceof Secret ? [name] : []));
  const { HostConfig } = found.inspect as { readonly HostConfig: object };
  return {
    ...found,
    labels: { ...found.labels, ...(secrets.length === 0 ? {} : { [labels.secrets]: secrets.join(',') }) },
    inspect: {
      ...found.inspect,
      Config: {
        Env: environment.map(([name, value]) => `${name}=${value instanceof Secret ? value.reveal() : value}`),
      },
      HostConfig: {
        ...HostConfig,
        Memory: parseSize((of.spec['mem_limit'] ?? '0') as string) ?? 0,
      },
    },
  };
}

const health = service('health', 'v1');
const app = (version: string, spec: ServiceSpec = {}): Service => service('app', version, spec);
const password = (value: string): Secret => new Secret('db_password', value);
const before = app('1.4', {
  environment: { DB_PASSWORD: password('hunter2'), GREETING: 'hello', LOG_LEVEL: 'info', OLD: 'x' },
  mem_limit: '512m',
});
const after = app('1.5', {
  environment: {
    DB_PASSWORD: password('hunter3'),
    GREETING: ' hello ',
    LOG_LEVEL: 'debug',
    MOTD: 'line one\nline two',
  },
  mem_limit: '1g',
});

/** A host as it is, and what a play wants of it. */
interface HostCase {
  readonly name: string;
  readonly services: readonly Service[];
  readonly has: readonly Container[];
  readonly wants?: Partial<HostDesired>;
  readonly images?: Observed['images'];
}

const updated = (name: string): HostCase => ({
  name,
  services: [health, after],
  has: [running(health), running(before)],
});
const settled = (name: string): HostCase => ({ ...updated(name), has: [running(health), running(after)] });

interface PlayCase {
  readonly name?: string;
  readonly strategy?: Parameters<typeof strategySchema.parse>[0];
  readonly play?: Partial<Play>;
  readonly hosts: readonly HostCase[];
}

/** As a run plans it, from what the hosts have. */
function plan(...plays: readonly PlayCase[]): Plan {
  const tiers = plays.map(({ name = 'web tier', strategy = {}, play: parts = {}, hosts }) => {
    const play: Play = {
      name,
      hosts: [],
      hostCount: hosts.length,
      loadBalancer: undefined,
      healthContainer: 'health',
      strategy: strategyOf(strategySchema.parse(strategy)),
      removeOrphans: false,
      tasksOnChange: false,
      position: { file: 'playbook.yaml', line: 1, column: 1 },
      ...parts,
    };
    const nodes = hosts.map(({ name: host, services, has, wants = {}, images = new Map() }) => {
      const want = desired(services, { server: host, ...wants });
      const found = observed(has, { images });
      return { name: host, zone: want.zone, services, plan: reconcile(want, found, contextOf(host, play, shop)) };
    });
    return { play, nodes, unreachable: [] };
  });
  return assemblePlan(tiers, ({ play, nodes }) =>
    wavesOf(
      play.strategy,
      nodes.map(({ name, zone, plan: { ...own } }) => ({
        name,
        ...(zone === undefined ? {} : { zone }),
        isChanging: !isUnchanged(own),
        isFinished: false,
      })),
      'careful',
    ),
  );
}

function task(name: string, runOnce = false) {
  return taskNamed(name, { runOnce });
}

const hosts = (amount: number, width = 1): string[] =>
  Array.from({ length: amount }, (_, index) => `h${String(index + 1).padStart(width, '0')}`);

const withoutProbe = ({ probe: _, ...others }: Service): Service => others;
const limited = (memory: string): Service => service('limits', 'v1', { mem_limit: memory });

const plans: Readonly<Record<string, Plan>> = {
  'one-host': plan({ strategy: { min_available: 0 }, hosts: [updated('h1')] }),
  'six-hosts': plan({ hosts: [...hosts(5).map(updated), settled('h6')] }),
  'nothing-to-do': plan({ hosts: hosts(3).map(settled) }),
  'two-thousand-hosts': plan({
    strategy: { canary: { hosts: 2 }, min_available: 100 },
    hosts: hosts(2000, 4).map((host, index) => (index % 400 === 7 ? settled(host) : updated(host))),
  }),
  'every-kind-of-change': plan({
    play: { removeOrphans: true },
    hosts: [
      {
        name: 'db1.eu.example.com',
        services: [
          health,
          withoutProbe(service('new', 'v2')),
          service('found', 'v1'),
          limited('1g'),
          service('stopped', 'v1'),
          service('half', 'v1'),
          service('slept', 'v1'),
        ],
        has: [
          running(health),
          { ...running(service('found', 'v1')), labels: {} },
          running(limited('512m')),
          running(service('stopped', 'v1'), { running: false }),
          running(service('half', 'v1'), { name: 'half.previous', running: false }),
          running(service('slept', 'v1'), { status: 'paused' }),
          running(service('gone', 'v1')),
        ],
        wants: {
          networks: [{ name: 'backend', external: false, options: {} }],
          volumes: [{ name: 'data', external: false, options: {} }],
          preTasks: [task('check disk')],
          tasks: [task('migrate', true)],
          postTasks: [task('warm up')],
        },
      },
      { ...settled('db0.eu.example.com'), wants: { tasks: [task('patch')] } },
      {
        ...settled('db2.eu.example.com'),
        has: [...settled('').has, { ...running(service('gone', 'v1')), labels: { [labels.play]: 'web tier' } }],
      },
      {
        name: 'db3.eu.example.com',
        services: [health, limited('1g')],
        has: [running(health), running(limited('512m'))],
      },
    ],
  }),
  'two-plays': plan(
    { name: 'database', hosts: [updated('db1'), settled('db2')] },
    { strategy: { max_unavailable: 2 }, hosts: hosts(4).map(updated) },
  ),
  'zones-and-stages': plan({
    strategy: {
      canary: { hosts: 1, bake: '30s' },
      stages: ['50%'],
      zones: { by: 'settled host by host', bake: '2m' },
      max_unavailable: '50%',
      min_available: 3,
    },
    hosts: hosts(8).map((host, index) => ({
      ...(host === 'h8' ? settled(host) : updated(host)),
      wants: { zone: index < 4 ? 'eu-west\u001b[2J' : 'us-east' },
    })),
  }),
  hostile: plan({
    name: 'web\u001b[2J',
    hosts: [
      {
        name: 'h1',
        services: [app('v1', { environment: { X: 'b\u200b' } })],
        has: [running(app('v1', { environment: { X: '\u001b]0;t\u0007a', Y: '\u202e' } }))],
      },
    ],
  }),
};

for (const [name, each] of Object.entries(plans)) {
  test(`plan text: ${name}`, async () => {
    await expect(`${formatPlan(each)}\n`).toMatchFileSnapshot(`../../cases/plan/${name}.txt`);
  });
}

test('hosts with the same changes share a block whatever their order', () => {
  const mixed = formatPlan(plan({ hosts: [updated('h1'), settled('h2'), updated('h3'), updated('h4')] }));
  expect(mixed.split('\n').filter((line) => line.startsWith('  h'))).toEqual([
    '  h1, h3, h4 (3 hosts)',
    '  h2: unchanged',
  ]);
});

test('a secret never shows its value, in whichever container or play it is', () => {
  const texts = Object.values(plans).map((each) => formatPlan(each));
  expect(texts.join('\n')).toContain('environment.DB_PASSWORD  changed (secret)');
  expect(texts.filter((text) => text.includes('hunter'))).toEqual([]);
});
