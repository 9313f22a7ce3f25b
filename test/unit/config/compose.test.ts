import { expect, test } from 'vitest';
import { loadPlaybook } from '../../../src/config/load.ts';
import { ConfigError, formatProblem } from '../../../src/model/problem.ts';
import type { HostDesired } from '../../../src/model/service.ts';
import { createProject } from '../../support/project.ts';

interface Loaded {
  readonly desired?: HostDesired;
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

/** What a play of this text wants of its host h1, or what is wrong with it. */
async function load(play: string, files: Record<string, string> = {}, env: Record<string, string> = {}) {
  using project = createProject({ ...files, 'play/book.yaml': `plays:\n  - name: Web tier\n    hosts: all\n${play}` });
  const options = project.options({ playbook: 'play/book.yaml', inventories: ['h1,'], env });
  try {
    const loaded = await loadPlaybook(options);
    const [part] = loaded.plays;
    const [host] = part?.hosts ?? [];
    if (part === undefined || host === undefined) throw new Error('there is no host');
    const warnings = loaded.warnings.map(formatProblem);
    return { desired: loaded.desired(part, host, undefined), errors: [], warnings } satisfies Loaded;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { errors: error.problems.map(formatProblem), warnings: [] } satisfies Loaded;
  }
}

/** The networks of every service. */
function networksOf({ desired }: Loaded): unknown {
  return Object.fromEntries(
    (desired?.services ?? []).map(({ name, spec }) => [name, Object.keys((spec['networks'] ?? {}) as object)]),
  );
}

test.each([
  ['two services', 'app: { image: x }\ndb: { image: y }', { app: ['web-tier_default'], db: ['web-tier_default'] }],
  ['one service', 'app: { image: x }', { app: [] }],
  [
    'one service and one of the host',
    'app: { image: x }\nagent: { image: y, network_mode: host }',
    { app: [], agent: [] },
  ],
  [
    'two services and one with networks',
    'app: { image: x }\ndb: { image: y }\nlb: { image: z, networks: [front] }',
    { app: ['web-tier_default'], db: ['web-tier_default'], lb: ['front'] },
  ],
  [
    'a service that names the default network',
    'app: { image: x, networks: [default, front] }',
    { app: ['web-tier_default', 'front'] },
  ],
])('services without networks share one of their own: %s', async (_, services, expected) => {
  const loaded = await load(`    services:\n${services.replaceAll(/^/gm, '      ')}`);
  expect([loaded.errors, networksOf(loaded)]).toEqual([[], expected]);
});

test('the default network is the one that the play says, and the health container alone needs none', async () => {
  const services = '    services: { app: { image: x }, health: { image: y } }\n    health_container: health\n';
  expect(networksOf(await load(services))).toEqual({ app: [], health: [] });
  const named = await load(`${services}    networks: { default: { name: proxy, external: true } }`);
  expect(networksOf(named)).toEqual({ app: ['proxy'], health: ['proxy'] });
  expect(named.desired?.networks).toEqual([{ name: 'proxy', external: true, options: {} }]);
  const empty = await load(`${services}    networks: { default: { internal: true } }`);
  expect(empty.desired?.networks).toEqual([{ name: 'web-tier_default', external: false, options: { internal: true } }]);
  const all = await load(`    compose: ../c.yaml\n    health_container: health`, {
    'c.yaml': 'services: { app: { image: x }, health: { image: y } }',
  });
  expect(networksOf(all)).toEqual({ app: ['web-tier_default'], health: ['web-tier_default'] });
});

test('a service in the default network is known there by its name', async () => {
  const { desired } = await load('    services: { app: { image: x }, db: { image: y, container_name: shop-db } }');
  expect(desired?.services.map(({ spec }) => spec['networks'])).toEqual([
    { 'web-tier_default': { aliases: ['app'] } },
    { 'web-tier_default': { aliases: ['db'] } },
  ]);
});

test('a service laid over one of another folder reads each path where it was written', async () => {
  const files = {
    'deploy/c.yaml':
      'services: { app: { image: x, env_file: a.env, label_file: l.env, configs: [{ target: /c, file: c.txt }] } }',
    'deploy/a.env': 'A=deploy',
    'deploy/l.env': 'l=deploy',
    'deploy/c.txt': 'deploy',
    'play/a.env': 'A=play',
    'play/b.env': 'A=own',
  };
  const own = await load('    compose: ../deploy/c.yaml\n    services: { app: { env_file: b.env, tty: true } }', files);
  expect(own.desired?.services[0]?.spec).toMatchObject({
    environment: { A: 'own' },
    labels: { l: 'deploy' },
    configs: { '/c': { content: 'deploy' } },
  });
  const lower = await load('    compose: ../deploy/c.yaml\n    services: { app: { tty: true } }', files);
  expect(lower.desired?.services[0]?.spec['environment']).toEqual({ A: 'deploy' });
});

test('profiles are switched on by the play and by the environment, and a dependency on one that is off is an error', async () => {
  const files = {
    'c.yaml': 'services: { app: { image: x, depends_on: [db] }, db: { image: y, profiles: [data, all] } }',
  };
  const names = async (play: string, env: Record<string, string> = {}) =>
    (await load(`    compose: ../c.yaml\n${play}`, files, env)).desired?.services.map(({ name }) => name);
  expect(await names('    profiles: [data]')).toEqual(['app', 'db']);
  expect(await names('    profiles: all')).toEqual(['app', 'db']);
  expect(await names('', { COMPOSE_PROFILES: 'x, data' })).toEqual(['app', 'db']);
  expect(await names("    profiles: ['*']")).toEqual(['app', 'db']);
  expect((await load('    compose: ../c.yaml', files)).errors).toEqual([
    'c.yaml:1:42 services.app.depends_on: needs db, which is left out: none of its profiles data, all is switched on. Write profiles: [data] in the play, or set COMPOSE_PROFILES=data',
  ]);
  expect(
    (await load('    compose: ../c.yaml\n    health_container: db\n    services: { app: { depends_on: [] } }', files))
      .errors,
  ).toEqual([
    'c.yaml:1:76 services.db.profiles: leave out the health container: none of its profiles data, all is switched on. Write profiles: [data] in the play, or set COMPOSE_PROFILES=data',
  ]);
});

test("what only a Compose file fills in is a warning in a play's own services, but not where a shell reads it", async () => {
  const { warnings } = await load(`    services:
      app:
        image: x
        environment: { A: '\${FOO:-bar}', B: 'pa$$word', C: '$HOME {{ 1 }}' }
        labels: ['l=\${BAR}']
        command: ['sh', '-c', 'echo \${FOO:-bar} $$']
        healthcheck: { test: 'test \${A} = x' }
      job: { image: y, command: 'run \${FOO}' }`);
  expect(warnings.map((warning) => warning.replace(/^\S+ /, ''))).toEqual([
    'plays[0].services.app.environment.A: has ${FOO:-bar}, which stays as it is: only a Compose file is filled in that way. Write {{ FOO }} and give it with vars or -e',
    'plays[0].services.app.environment.B: has $$, which stays $$: only in a Compose file it stands for one dollar sign. Write a single $',
    'plays[0].services.app.labels[0]: has ${BAR}, which stays as it is: only a Compose file is filled in that way. Write {{ BAR }} and give it with vars or -e',
    'plays[0].services.job.command: has ${FOO}, which stays as it is: only a Compose file is filled in that way. Write {{ FOO }} and give it with vars or -e',
  ]);
});

test.each(['"${DATA}:/data"', '"data:${DATA}"', '"data:/data:${DATA}"', '":/data"', '"data:/data:"'])(
  'a mount with nothing before or after a colon is refused: %s',
  async (mount) => {
    const { errors } = await load('    compose: ../c.yaml', {
      'c.yaml': `services: { app: { image: x, volumes: [${mount}] } }\nvolumes: { data: }`,
      '.env': 'DATA=\n',
    });
    expect(errors).toEqual([expect.stringContaining('services.app.volumes[0]: has nothing before or after a colon')]);
  },
);

test('mistakes of files that are laid over, included or extended are told where they stand', async () => {
  const { errors } = await load('    compose: [../a.yaml, ../b.yaml]', {
    'a.yaml': 'include: [lib.yaml]\nservices: { app: { image: x, ports: ["80:80"], extends: { service: nobody } } }',
    'b.yaml': 'services:\n  app:\n    ports: 81\n    imgae: y\n',
    'lib.yaml': 'services: { app: { image: other } }',
  });
  expect(errors).toEqual([
    'a.yaml:1:11 include[0]: brings services.app, which this file has too, and otherwise; keep one of them',
    'a.yaml:2:57 services.app.extends: must name a service of this file; got nobody',
    'b.yaml:3:12 services.app.ports: must be a list, as in the file before it',
    'b.yaml:4:5 services.app.imgae: is not a key of a service. Did you mean image?',
  ]);
});
