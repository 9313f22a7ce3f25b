import { labels } from '../../src/docker/names.ts';
import { specHash } from '../../src/docker/hash.ts';
import type { Container, Observed } from '../../src/docker/observed.ts';
import { formatImageRef, parseImageRef, pinnedImage, type ImageRef } from '../../src/model/image.ts';
import type { HostDesired, Service } from '../../src/model/service.ts';
import { afterOps } from '../../src/plan/after-ops.ts';
import type { Op } from '../../src/plan/plan.ts';
import { boundId, sharingKeys, sharingOf } from '../../src/service/shared.ts';

/** Short forms for plan tests: services, containers and what ops would make of them, without any docker. */

export const digestOf = (version: string): string =>
  `sha256:${version
    .charCodeAt(version.length - 1)
    .toString(16)
    .padStart(64, '0')}`;

export function image(repository: string, version: string): ImageRef {
  const parsed = parseImageRef(`registry.example.com/${repository}:${version}@${digestOf(version)}`);
  if (parsed === undefined) throw new Error(`bad image ${repository}:${version}`);
  return parsed;
}

export function service(name: string, version: string, overrides: Partial<Service> = {}): Service {
  return {
    name,
    containerName: name,
    image: image(`shop/${name}`, version),
    pullPolicy: 'missing',
    spec: {},
    dependsOn: [],
    stopGraceMs: 10_000,
    ...overrides,
  };
}

export function desired(services: readonly Service[], overrides: Partial<HostDesired> = {}): HostDesired {
  return { services, networks: [], volumes: [], server: 'h1', preTasks: [], tasks: [], postTasks: [], ...overrides };
}

/** The playbook of every container here, unless its labels are changed. */
export const shop = { name: 'shop', plays: ['web tier'] };

/** Where docker shows what a container shares with another. */
const modes: Readonly<Record<string, string>> = { network_mode: 'NetworkMode', ipc: 'IpcMode', pid: 'PidMode' };

let ids = 0;

export function container(
  of: Service,
  overrides: {
    name?: string;
    running?: boolean;
    restart?: string;
    play?: string;
    id?: string;
    status?: Container['state']['status'];
    startedAt?: string;
    /** Ids of the containers that it shares with, by key, as docker resolves their names. */
    bound?: Readonly<Record<string, string>>;
  } = {},
): Container {
  const running = overrides.running ?? true;
  ids += 1;
  return {
    id: overrides.id ?? `id-${ids}`,
    name: overrides.name ?? of.containerName,
    imageId: `image-${of.image.digest ?? of.image.written}`,
    imageName: pinnedImage(of.image),
    labels: {
      [labels.playbook]: shop.name,
      [labels.play]: overrides.play ?? 'web tier',
      [labels.service]: of.name,
      [labels.specHash]: specHash(of),
      [labels.image]: formatImageRef(of.image),
    },
    state: {
      status: overrides.status ?? (running ? 'running' : 'exited'),
      running,
      exitCode: 0,
      error: '',
      oomKilled: false,
      restartCount: 0,
      health: undefined,
      startedAt: overrides.startedAt ?? '2026-11-20T15:00:00Z',
      finishedAt: '0001-01-01T00:00:00Z',
    },
    restartPolicy: { name: overrides.restart ?? 'no', maximumRetryCount: 0 },
    inspect: {
      HostConfig: {
        RestartPolicy: { Name: overrides.restart ?? 'no', MaximumRetryCount: 0 },
        ...Object.fromEntries(
          Object.entries(overrides.bound ?? {}).map(([key, id]) => [modes[key] ?? key, `container:${id}`]),
        ),
      },
    },
  };
}

export function observed(containers: readonly Container[], overrides: Partial<Observed> = {}): Observed {
  return {
    containers: new Map(containers.map((entry) => [entry.name, entry])),
    images: new Map(),
    networks: new Set(['bridge', 'host', 'none']),
    volumes: new Set(),
    ...overrides,
  };
}

/** What a host runs after ops, one by one, as docker would have it; the last entry is the end. */
export function simulate(start: Observed['containers'], ops: readonly Op[]): readonly Observed['containers'][] {
  const states: Observed['containers'][] = [start];
  for (const op of ops) states.push(step(states.at(-1) ?? start, op));
  return states;
}

function step(containers: Observed['containers'], op: Op): Observed['containers'] {
  switch (op.kind) {
    case 'create': {
      if (containers.has(op.container)) throw new Error(`the name ${op.container} is in use`);
      const { restart } = op.service.spec;
      const made = container(op.service, {
        name: op.container,
        running: false,
        status: 'created',
        restart: typeof restart === 'string' ? restart : 'no',
        bound: Object.fromEntries(
          sharingOf(op.service.spec).map(({ key, container: name }) => {
            const other = containers.get(op.namesUntilThen?.[name] ?? name);
            if (other === undefined) throw new Error(`no container ${name} to share with`);
            return [key, other.id];
          }),
        ),
      });
      const replaced: Readonly<Record<string, string>> =
        op.replaces === undefined
          ? {}
          : { [labels.replaces]: op.replaces.id, [labels.replacesRestart]: op.replaces.restart };
      return new Map([...containers, [op.container, { ...made, labels: { ...made.labels, ...replaced } }]]);
    }
    case 'admit':
      if (op.container !== undefined && !containers.has(op.container))
        throw new Error(`no container ${op.container} to admit with`);
      requireSharers(op.container === undefined ? undefined : containers.get(op.container), containers);
      return afterOps(containers, [op]);
    case 'verify':
      if (containers.get(op.container)?.state.running !== true) throw new Error(`${op.container} does not run`);
      return containers;
    case 'rename':
      if (containers.has(op.to)) throw new Error(`the name ${op.to} is in use`);
      if (!containers.has(op.container)) throw new Error(`no container ${op.container} to rename`);
      return afterOps(containers, [op]);
    case 'start':
      if (!containers.has(op.container)) throw new Error(`no container ${op.container} to start`);
      requireSharers(containers.get(op.container), containers);
      return afterOps(containers, [op]);
    case 'update': {
      const policy = op.args.flatMap((arg) => /^--restart=(.*)$/.exec(arg)?.[1] ?? []).at(-1);
      if (policy === undefined) return containers;
      return afterOps(containers, [{ ...op, kind: 'set_restart', policy }]);
    }
    case 'stop':
    case 'set_restart':
    case 'remove':
      if (!containers.has(op.container)) throw new Error(`no container ${op.container} to ${op.kind}`);
      return afterOps(containers, [op]);
    default:
      return afterOps(containers, [op]);
  }
}

/** Docker starts a container only while those run whose namespaces it shares. */
function requireSharers(starting: Container | undefined, containers: Observed['containers']): void {
  for (const key of sharingKeys) {
    const id = starting && boundId(starting.inspect, key);
    if (id === undefined) continue;
    const other = [...containers.values()].find((each) => each.id === id);
    if (other?.state.running !== true) throw new Error(`${starting?.name ?? ''} shares with ${id}, which does not run`);
  }
}
