import { expect, test } from 'vitest';
import { diffService, liveUpdate } from '../../../src/docker/diff.ts';
import { labels } from '../../../src/docker/names.ts';
import { parseObserved } from '../../../src/docker/observe.ts';
import type { Container } from '../../../src/docker/observed.ts';
import { specHash } from '../../../src/docker/hash.ts';
import { readRecording, recordedApp, recordedDockers, recordedWanted } from '../../support/recorded.ts';
import { service, serviceContext } from '../../support/services.ts';

// Recorded: `app`, made by rollout from this definition, and `by-hand`, made with docker create.
const written = recordedApp;
const { containers, images } = parseObserved(await readRecording('20.10', 'observe.txt'), recordedWanted);

function container(name: string): Container {
  const found = containers.get(name);
  if (found === undefined) throw new Error(`${name} was not recorded`);
  return found;
}

/** A container whose inspect document has another value at a dotted path: what somebody did by hand. */
function changedByHand(original: Container, path: string, value: unknown): Container {
  const inspect = structuredClone(original.inspect) as Record<string, unknown>;
  const keys = path.split('.');
  let place = inspect;
  for (const key of keys.slice(0, -1)) place = place[key] as Record<string, unknown>;
  place[keys.at(-1) ?? ''] = value;
  return { ...original, inspect };
}

const paths = (differences: readonly { readonly path: string }[]): string[] => differences.map(({ path }) => path);

test.each(recordedDockers)(
  'docker %s: a container that was made from the service is no different, with its label and without',
  async (docker) => {
    const { containers, images } = parseObserved(await readRecording(docker, 'observe.txt'), recordedWanted);
    const app = containers.get('app');
    if (app === undefined) throw new Error('app was not recorded');
    expect(diffService(service(written), app, images)).toEqual([]);
    expect(diffService(service(written), { ...app, labels: {} }, images)).toEqual([]);
    expect(liveUpdate(service(written), app, images)).toBeUndefined();
  },
);

test('a hardware address is read where docker tells it: of the container, or from 29 on of its network alone', () => {
  const own = container('app');
  const networked = (address: string): Container =>
    changedByHand({ ...own, labels: {} }, 'NetworkSettings.Networks.backend.MacAddress', address);
  const wanted = service({ ...written, mac_address: '02:42:AC:11:00:02' });
  expect(diffService(wanted, networked('02:42:ac:11:00:02'), images)).toEqual([]);
  expect(paths(diffService(wanted, networked('02:42:ac:11:00:03'), images))).toEqual(['mac_address']);
  // One that docker has made up is nobody's wish.
  expect(diffService(service(written), networked('02:42:ac:11:00:03'), images)).toEqual([]);
  const asked = changedByHand({ ...own, labels: {} }, 'Config.MacAddress', '02:42:ac:11:00:04');
  expect(paths(diffService(service(written), asked, images))).toEqual(['mac_address']);
});

test('every difference is named by its key, old and new, and secrets only as changed', () => {
  const other = { ...serviceContext(), secrets: new Map() };
  const desired = service(
    {
      ...written,
      image: 'registry.example.com/shop/app:1.5',
      ports: ['8080:8080', '9000:9000'],
      environment: { LOG_LEVEL: 'debug', NEW: 'x' },
      labels: {},
      volumes: ['data:/data:ro', '/srv/in:/in'],
      configs: [{ target: '/etc/app.conf', content: 'level=2\n' }],
      healthcheck: { test: 'true', interval: '5s' },
      stop_grace_period: '10s',
      mem_limit: '128m',
      networks: { backend: { aliases: ['api'] } },
      command: ['serve', 'two words'],
    },
    'app',
    other,
  );
  expect(diffService(desired, container('app'), images)).toEqual([
    { path: 'image', from: 'registry.example.com/shop/app:1.4', to: 'registry.example.com/shop/app:1.5' },
    { path: 'command', to: "serve 'two words'" },
    { path: 'stop_grace_period', from: '20s' },
    { path: 'environment.API', secret: true },
    { path: 'environment.LOG_LEVEL', from: 'info', to: 'debug' },
    { path: 'environment.NEW', to: 'x' },
    { path: 'labels.team', from: 'shop' },
    { path: 'ports', from: '8080:8080/tcp', to: '8080:8080/tcp, 9000:9000/tcp' },
    { path: 'networks.backend.aliases', from: 'app', to: 'api, app' },
    { path: 'volumes./data.read_only', to: 'true' },
    { path: 'volumes./in.source', to: '/srv/in' },
    { path: 'volumes./in.type', to: 'bind' },
    { path: 'configs./etc/app.conf', secret: true },
    { path: 'mem_limit', from: '64m', to: '128m' },
    { path: 'healthcheck.interval', from: '1s', to: '5s' },
  ]);
});

test('limits and the restart policy are changed live, alone or together, and nothing else is', () => {
  const live = service({ ...written, mem_limit: '128m', restart: 'no', cpus: 0.5, pids_limit: 100 });
  expect(liveUpdate(live, container('app'), images)).toEqual([
    '--memory=128m',
    '--memory-swap=256m',
    '--pids-limit=100',
    '--cpus=0.5',
    '--restart=no',
  ]);
  expect(liveUpdate(service({ ...written, mem_limit: '128m', user: '5' }), container('app'), images)).toBeUndefined();
  // Docker cannot take a limit away from a running container.
  const { mem_limit: _, ...unlimited } = written;
  expect(liveUpdate(service(unlimited), container('app'), images)).toBeUndefined();
  expect(paths(diffService(service(unlimited), container('app'), images))).toEqual(['mem_limit']);
});

test('what somebody changed by hand is drift, also where the label says that nothing changed', () => {
  const app = container('app');
  const desired = service(written);
  const restart = changedByHand(app, 'HostConfig.RestartPolicy', { Name: 'no', MaximumRetryCount: 0 });
  expect(diffService(desired, restart, images)).toEqual([{ path: 'restart', to: 'always' }]);
  const memory = changedByHand(app, 'HostConfig.Memory', 1024 ** 3);
  expect(diffService(desired, memory, images)).toEqual([
    { path: 'mem_limit', from: '1g', to: '64m' },
    { path: 'memswap_limit', from: '128m' },
  ]);
  expect(liveUpdate(desired, memory, images)).toEqual(['--memory=64m', '--memory-swap=128m']);
  const networks = changedByHand(app, 'NetworkSettings.Networks', {});
  expect(paths(diffService(desired, networks, images))).toEqual(['networks.backend.aliases']);
});

test("a host's own defaults in what cannot drift are no difference where the label says so", () => {
  const logging = changedByHand(container('app'), 'HostConfig.LogConfig', { Type: 'journald', Config: { tag: 'x' } });
  expect(diffService(service(written), logging, images)).toEqual([]);
  // A limit that the kernel does not know is dropped by docker with a warning, each time.
  const limited = service({ ...written, cpu_shares: 512 });
  const dropped = { ...container('app'), labels: { ...container('app').labels, [labels.specHash]: specHash(limited) } };
  expect(diffService(limited, dropped, images)).toEqual([]);
});

test('a change that a container does not show is a difference all the same', () => {
  const desired = service({ ...written, cgroup: 'private' });
  const made = { ...container('app'), labels: { ...container('app').labels, [labels.specHash]: specHash(desired) } };
  expect(diffService(service(written), made, images)).toEqual([{ path: 'spec' }]);
  // Also beside one that docker could change live: the container must be made anew.
  const both = service({ ...written, restart: 'no' });
  expect(paths(diffService(both, made, images))).toEqual(['restart', 'spec']);
  expect(liveUpdate(both, made, images)).toBeUndefined();
});

test('a container made by hand is told apart value by value, and what looks like a secret in it is not shown', () => {
  const desired = service(
    { image: written.image, command: 'serve', ports: ['9000:80'], environment: { MODE: 'b' } },
    'by-hand',
  );
  expect(diffService(desired, container('by-hand'), images)).toEqual([
    { path: 'environment.DB_PASSWORD', secret: true },
    { path: 'environment.MODE', from: 'a', to: 'b' },
  ]);
});

test('the image is the same by its digest, however it is called, and another by another digest', () => {
  const [digest = ''] = images.get(container('app').imageId)?.repoDigests ?? [];
  const pinned = (reference: string) =>
    diffService(service({ ...written, image: reference }), container('app'), images);
  expect(pinned(digest)).toEqual([]);
  expect(pinned(`mirror.example.com/copy@${digest.split('@')[1] ?? ''}`)).toEqual([]);
  const other = `registry.example.com/shop/app:1.5@sha256:${'0'.repeat(64)}`;
  expect(pinned(other)).toEqual([
    { path: 'image', from: 'registry.example.com/shop/app:1.4', to: 'registry.example.com/shop/app:1.5' },
  ]);
});
