import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { diffService } from '../../src/docker/diff.ts';
import { Docker } from '../../src/docker/docker.ts';
import { specHash } from '../../src/docker/hash.ts';
import { labels } from '../../src/docker/names.ts';
import type { Container, Observed } from '../../src/docker/observed.ts';
import type { Service } from '../../src/model/service.ts';
import { service } from '../support/services.ts';
import { comparable } from './support/inspect.ts';
import { describeOnLab, emptyLab } from './support/lab-test.ts';
import type { Lab } from './support/fleet.ts';
import { copyToHost, runOnHost } from './support/host.ts';
import {
  dockerClients,
  limitKeys,
  readServiceCases,
  remoteOnLab,
  type ComposeVersion,
  type ServiceCase,
} from './support/services.ts';

const host = 'h1';
const { release, init } = inject('labSystem');
/** What cannot be said to a docker, or held by its kernel, is left out. */
const allCases = (await readServiceCases()).filter(
  ({ docker, lostBy, service: written }) =>
    !lostBy.includes(release) &&
    docker <= (release === 'machine' || release === 'bookworm' ? 20 : Infinity) &&
    // Its cgroups are slices, and have no controller that the machine keeps for version 1.
    (init === 'simple' || !Object.keys(written).some((key) => key === 'cgroup_parent' || limitKeys.includes(key))),
);
const projects = '/srv/differential';
/** The docker-compose 2.x that tests have at hand, as a host has it. */
const composeV2OnHost = '/opt/docker-compose';

interface Compose {
  readonly version: ComposeVersion;
  readonly argv: readonly string[];
}

const composes: readonly Compose[] = [
  // Each service takes two of its threads: with fewer than it has services, 1.29 waits for itself for ever.
  ...(release === 'machine'
    ? [{ version: '1.29', argv: ['env', 'COMPOSE_PARALLEL_LIMIT=1000', 'docker-compose'] } as const]
    : []),
  ...(inject('composeV2') === '' ? [] : [{ version: '2', argv: [composeV2OnHost] } as const]),
];
/** Hosts with a Debian of their own have the client of their daemon. */
const clients = release === 'machine' ? dockerClients() : ([[`of ${release}`, '/usr/bin']] as const);

describeOnLab(
  'services, created by rollout and by docker-compose',
  (lab) => {
    let image = '';
    const references = new Map<ComposeVersion, ReadonlyMap<string, Container>>();

    beforeAll(async () => {
      image = await lab().publish('shop/app', '1.0');
      await prepareHost(lab(), image);
      for (const compose of composes) references.set(compose.version, await createByCompose(lab(), image, compose));
    });
    afterAll(() => emptyLab(lab()));

    for (const [version, path] of clients) {
      const cases = allCases.filter(({ client }) => release !== 'machine' || client >= parseInt(version, 10));
      const created = new Map<string, { readonly wanted: Service; readonly container: Container }>();
      let images: Observed['images'];

      test(`docker ${version}: every service is created`, async () => {
        const docker = new Docker(remoteOnLab(lab(), host, path));
        await removeOwn(docker);
        const services = cases.map((item) => wanted(item, image));
        for (const item of services) {
          await docker.create(item, item.containerName, {
            [labels.play]: 'differential',
            [labels.specHash]: specHash(item),
          });
        }
        const observed = await docker.observe({ names: [], images: [image] });
        images = observed.images;
        for (const item of services) {
          const container = observed.containers.get(item.containerName);
          if (container !== undefined) created.set(item.name, { wanted: item, container });
        }
        expect([...created.keys()].sort()).toEqual(cases.map(({ name }) => name).sort());
      });

      for (const { version: compose } of composes) {
        test.each(cases.filter((item) => item.compose[compose] !== undefined))(
          `docker ${version}: $name is as Compose ${compose} makes it`,
          ({ name }) => {
            const expected = references.get(compose)?.get(name);
            expect(comparable(created.get(name)?.container.inspect ?? {})).toEqual(comparable(expected?.inspect ?? {}));
          },
        );
      }

      test.each(cases.filter(({ inspect }) => Object.keys(inspect).length > 0))(
        `docker ${version}: $name is as docker should show it`,
        (item) => {
          for (const [place, value] of Object.entries(item.inspect)) {
            expect(created.get(item.name)?.container.inspect).toHaveProperty(place, value);
          }
        },
      );

      test.each(cases)(`docker ${version}: $name, applied again, is no change`, ({ name, discarded }) => {
        const { wanted: item, container } = created.get(name) ?? missing(name);
        expect(diffService(item, container, images)).toEqual([]);
        // Also where nothing but the container itself tells what it was made from.
        const unlabelled = diffService(item, { ...container, labels: {} }, images).filter(
          ({ path: place }) => !discarded.includes(place),
        );
        expect(unlabelled).toEqual([]);
      });
    }
  },
  { hosts: 1 },
);

function wanted({ name, service: written }: ServiceCase, image: string): Service {
  return service({ image, ...written }, name);
}

/** Networks and the neighbour that cases refer to; the image is there already when a service is created. */
async function prepareHost(lab: Lab, image: string): Promise<void> {
  await lab.docker(host, ['pull', '--quiet', image]);
  await lab.docker(host, ['network', 'create', '--subnet=10.231.1.0/24', 'lab_a']);
  await lab.docker(host, ['network', 'create', '--subnet=10.231.2.0/24', 'lab_b']);
  await lab.docker(host, ['run', '--detach', '--name=anchor', '--ipc=shareable', image]);
  if (inject('composeV2') !== '') await copyToHost(lab.settings, host, inject('composeV2'), composeV2OnHost);
}

/** What a Compose makes of the same services, by service. Containers are created, not started. */
async function createByCompose(
  lab: Lab,
  image: string,
  { version, argv }: Compose,
): Promise<ReadonlyMap<string, Container>> {
  const written = allCases.flatMap(({ name, compose }) => {
    const service = compose[version];
    return service === undefined ? [] : [{ name, service }];
  });
  const project = {
    services: Object.fromEntries(
      written.map(({ name, service }) => [name, { image, ...defaultNetwork(service), ...service }]),
    ),
    networks: { lab_a: { external: true }, lab_b: { external: true } },
    volumes: { data: { external: true } },
  };
  await lab.docker(host, ['volume', 'create', 'data']);
  const name = `reference-${version.replace('.', '')}`;
  const file = `${projects}/${name}.json`;
  await expectSuccess(lab, ['mkdir', '-p', projects]);
  await expectSuccess(lab, ['sh', '-c', `cat >${file}`], JSON.stringify(project));
  const up = [...argv, `--project-name=${name}`, `--file=${file}`, 'up'];
  await expectSuccess(lab, [...up, '--no-start', '--quiet-pull']);
  // 1.29 joins further networks only when it starts a container.
  const joining = written.filter(({ service }) => Object.keys(service['networks'] ?? {}).length > 1);
  await expectSuccess(lab, [...up, '--detach', ...joining.map((service) => service.name)]);
  const { stdout } = await runOnHost(lab.settings, host, [
    'sh',
    '-c',
    `docker inspect $(docker ps -aq --filter label=com.docker.compose.project=${name})`,
  ]);
  // Their addresses and ports are wanted by the next Compose.
  await expectSuccess(lab, [
    'sh',
    '-c',
    `docker rm --force $(docker ps -aq --filter label=com.docker.compose.project=${name})`,
  ]);
  const documents = JSON.parse(stdout) as readonly Container['inspect'][];
  return new Map(documents.map((inspect) => [composeServiceOf(inspect), { inspect } as Container]));
}

/** Compose makes a network of the project where none is asked for; rollout leaves docker's own. */
const defaultNetwork = (compose: Readonly<Record<string, unknown>>) =>
  'networks' in compose || 'network_mode' in compose ? {} : { network_mode: 'bridge' };

function composeServiceOf(inspect: Container['inspect']): string {
  const { Labels } = inspect['Config'] as { readonly Labels: Readonly<Record<string, string>> };
  return Labels['com.docker.compose.service'] ?? '';
}

async function removeOwn(docker: Docker): Promise<void> {
  const { containers } = await docker.observe({ names: [], images: [] });
  for (const { id } of containers.values()) await docker.remove(id);
}

async function expectSuccess(lab: Lab, argv: readonly string[], input = ''): Promise<void> {
  const { exitCode, stderr } = await runOnHost(lab.settings, host, argv, { input, timeoutMs: 170_000 });
  if (exitCode !== 0) throw new Error(`${argv.join(' ')}: exit ${exitCode}: ${stderr}`);
}

function missing(name: string): never {
  throw new Error(`${name} was not created`);
}
