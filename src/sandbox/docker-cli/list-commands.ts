import type { Container } from '../docker/container.ts';
import { DaemonError } from '../docker/errors.ts';
import type { Json, JsonObject } from '../docker/spec.ts';
import type { DockerCommand, DockerContext } from './context.ts';
import { parseFlags, type Flags } from './flags.ts';
import { printTable, type Column } from './table.ts';

const listFlags = {
  booleans: ['all:a', 'quiet:q', 'no-trunc', 'latest:l', 'digests'],
  values: ['filter:f', 'format', 'last:n'],
};

const ps: DockerCommand = (context, argv) => {
  const flags = parseFlags('ps', argv, listFlags);
  const filters = flags.all('filter').map((filter) => containerFilter(filter));
  const isShown = (container: Container) =>
    (flags.isSet('all') || container.running || flags.all('filter').some((filter) => filter.startsWith('status='))) &&
    filters.every((filter) => filter(container));
  const idLength = flags.isSet('no-trunc') ? 64 : 12;
  const rows = context.engine.containers.filter(isShown).map((container) => psRow(context, container, idLength));
  print(context, flags, rows, [
    ['CONTAINER ID', 'ID'],
    ['IMAGE', 'Image'],
    ['COMMAND', 'Command'],
    ['CREATED', 'RunningFor'],
    ['STATUS', 'Status'],
    ['PORTS', 'Ports'],
    ['NAMES', 'Names'],
  ]);
  return Promise.resolve(0);
};

function psRow({ engine }: DockerContext, container: Container, idLength: number): JsonObject {
  const command = container.argv.join(' ');
  const labels = { ...container.image.config.Labels, ...container.spec.labels };
  const sinceMs = (at: number) => engine.clock.now() - at;
  return {
    ID: container.id.slice(0, idLength),
    Image: container.spec.image,
    Command: `"${idLength === 12 && command.length > 20 ? `${command.slice(0, 19)}…` : command}"`,
    CreatedAt: new Date(container.createdAtMs).toISOString().replace('T', ' ').replace(/\..*/, ' +0000 UTC'),
    RunningFor: `${age(sinceMs(container.createdAtMs))} ago`,
    Status: statusText(container, engine.clock.now()),
    State: container.status,
    Ports: container.boundPorts
      .flatMap(({ hostIp, hostPort, containerPort, protocol }) =>
        (hostIp === '' ? ['0.0.0.0', '::'] : [hostIp]).map((ip) => `${ip}:${hostPort}->${containerPort}/${protocol}`),
      )
      .join(', '),
    Names: container.name,
    Labels: Object.entries(labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(','),
    Mounts: container.mounts.map(({ source }) => source).join(','),
    LocalVolumes: String(container.mounts.filter(({ type }) => type === 'volume').length),
    Networks: [...container.networks.keys()].join(','),
    Size: '0B',
  };
}

function statusText(container: Container, nowMs: number): string {
  switch (container.status) {
    case 'created':
      return 'Created';
    case 'exited':
      return `Exited (${container.exitCode}) ${age(nowMs - Date.parse(container.finishedAt))} ago`;
    case 'restarting':
      return `Restarting (${container.exitCode}) ${age(nowMs - Date.parse(container.finishedAt))} ago`;
    case 'running':
    case 'paused': {
      const health = container.health?.status;
      const words = health === 'starting' ? 'health: starting' : health;
      const shown = container.status === 'paused' ? 'Paused' : words;
      const suffix = shown === undefined ? '' : ` (${shown})`;
      return `Up ${age(nowMs - Date.parse(container.startedAt)).replace(/^Less/, 'Less')}${suffix}`;
    }
  }
}

/** As docker's units.HumanDuration. */
function age(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1000);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.floor(seconds / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.round(minutes / 60);
  return hours === 1 ? 'About an hour' : `${hours} hours`;
}

/** `label=key`, `label=key=value`, `name=part`, `status=exited`, `id=prefix`, `ancestor=image`. */
function containerFilter(filter: string): (container: Container) => boolean {
  const [kind = '', ...rest] = filter.split('=');
  const wanted = rest.join('=');
  switch (kind) {
    case 'label': {
      const [key = '', ...value] = rest;
      return ({ spec, image }) => {
        const found = { ...image.config.Labels, ...spec.labels }[key];
        return value.length === 0 ? found !== undefined : found === value.join('=');
      };
    }
    case 'name': {
      const pattern = new RegExp(wanted);
      return ({ name }) => pattern.test(name) || pattern.test(`/${name}`);
    }
    case 'status':
      return ({ status }) => status === wanted;
    case 'health':
      return ({ health }) => (health?.status ?? 'none') === wanted;
    case 'id':
      return ({ id }) => id.startsWith(wanted);
    case 'ancestor':
      return ({ spec, image }) => spec.image === wanted || image.configDigest === wanted;
    default:
      throw new DaemonError(`Invalid filter '${kind}'`);
  }
}

const images: DockerCommand = (context, argv) => {
  const flags = parseFlags('images', argv, listFlags);
  const idLength = flags.isSet('no-trunc') ? 'sha256:'.length + 64 : 12;
  const shorten = (id: string) => (idLength === 12 ? id.slice('sha256:'.length).slice(0, 12) : id);
  const [only] = flags.args;
  const rows = context.engine.images.all().flatMap(({ image, repoTags, repoDigests }) => {
    const digest = [...repoDigests][0]?.split('@')[1] ?? '<none>';
    const names = repoTags.size > 0 ? [...repoTags] : [`${[...repoDigests][0]?.split('@')[0] ?? '<none>'}:<none>`];
    return names.map((name) => {
      const colon = name.lastIndexOf(':');
      return {
        Repository: name.slice(0, colon),
        Tag: name.slice(colon + 1),
        Digest: digest,
        ID: shorten(image.configDigest),
        CreatedSince: `${age(context.engine.clock.now() - Date.parse(image.createdAt))} ago`,
        CreatedAt: image.createdAt,
        Size: '1.98MB',
      };
    });
  });
  const shown = rows.filter(
    ({ Repository, Tag }) => only === undefined || only === Repository || only === `${Repository}:${Tag}`,
  );
  print(context, flags, shown, [
    ['REPOSITORY', 'Repository'],
    ['TAG', 'Tag'],
    ...(flags.isSet('digests') ? [['DIGEST', 'Digest'] as const] : []),
    ['IMAGE ID', 'ID'],
    ['CREATED', 'CreatedSince'],
    ['SIZE', 'Size'],
  ]);
  return Promise.resolve(0);
};

const networks: DockerCommand = (context, argv) => {
  const flags = parseFlags('network ls', argv, listFlags);
  const rows = context.engine.networks.all().map(({ id, name, driver, labels }) => ({
    ID: flags.isSet('no-trunc') ? id : id.slice(0, 12),
    Name: name,
    Driver: driver,
    Scope: 'local',
    Labels: Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
  }));
  rows.sort((a, b) => (a.Name < b.Name ? -1 : 1));
  print(context, flags, rows, [
    ['NETWORK ID', 'ID'],
    ['NAME', 'Name'],
    ['DRIVER', 'Driver'],
    ['SCOPE', 'Scope'],
  ]);
  return Promise.resolve(0);
};

const volumes: DockerCommand = (context, argv) => {
  const flags = parseFlags('volume ls', argv, listFlags);
  const rows = context.engine.volumes
    .all()
    .map(({ name, driver }): Record<string, Json> => ({ Driver: driver, Name: name, ID: name, Scope: 'local' }));
  print(context, flags, rows, [
    ['DRIVER', 'Driver'],
    ['VOLUME NAME', 'Name'],
  ]);
  return Promise.resolve(0);
};

function print(context: DockerContext, flags: Flags, rows: readonly JsonObject[], columns: readonly Column[]): void {
  printTable(context, rows, columns, { quiet: flags.isSet('quiet'), template: flags.get('format') });
}

export const listCommands = { ps, images, 'network ls': networks, 'volume ls': volumes };
