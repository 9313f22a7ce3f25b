import { timestamp } from '../timing.ts';
import type { Container } from './container.ts';
import { graphDriver } from './graph-driver.ts';
import { hostConfigDocument } from './host-config.ts';
import { mountpoint } from './volumes.ts';
import type { Networks } from './networks.ts';
import { orNull, type Json, type JsonObject, type Mount } from './spec.ts';

/** As `docker container inspect` of docker 20.10 prints it: the same keys in the same order. */
export function containerDocument(container: Container, networks: Networks): JsonObject {
  const [path = '', ...args] = container.argv;
  const wasStarted = container.startedAt.startsWith('0001') ? '' : `/var/lib/docker/containers/${container.id}`;
  const file = (name: string) => (wasStarted === '' ? '' : `${wasStarted}/${name}`);
  return {
    Id: container.id,
    Created: timestamp(container.createdAtMs),
    Path: path,
    Args: args,
    State: stateDocument(container),
    Image: container.image.configDigest,
    ResolvConfPath: file('resolv.conf'),
    HostnamePath: file('hostname'),
    HostsPath: file('hosts'),
    LogPath: file(`${container.id}-json.log`),
    Name: `/${container.name}`,
    RestartCount: container.restartCount,
    Driver: 'overlay2',
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: null,
    HostConfig: hostConfigDocument(container.hostConfig),
    GraphDriver: graphDriver(container.id),
    Mounts: container.mounts.map(mountDocument),
    Config: configDocument(container),
    NetworkSettings: networkSettings(container, networks),
  };
}

function stateDocument(container: Container): JsonObject {
  return {
    Status: container.isBeingRemoved && !container.running ? 'removing' : container.status,
    Running: container.running,
    Paused: container.status === 'paused',
    Restarting: container.status === 'restarting',
    OOMKilled: false,
    Dead: false,
    Pid: container.pid,
    ExitCode: container.exitCode,
    Error: container.error,
    StartedAt: container.startedAt,
    FinishedAt: container.finishedAt,
    ...(container.health === undefined ? {} : { Health: container.health.document() }),
  };
}

function configDocument(container: Container): JsonObject {
  const { spec, image } = container;
  const exposed = [...spec.exposedPorts, ...Object.keys(image.config.ExposedPorts)].sort();
  const anonymous = container.mounts.filter((mount) => mount.anonymous).map(({ destination }) => destination);
  const volumes = [...new Set([...Object.keys(image.config.Volumes), ...anonymous])];
  const own = { ...spec.config };
  const attachStdin = own['OpenStdin'] === true;
  return {
    Hostname: container.hostname,
    Domainname: '',
    User: '',
    AttachStdin: attachStdin,
    AttachStdout: true,
    AttachStderr: true,
    ...(exposed.length === 0 ? {} : { ExposedPorts: Object.fromEntries(exposed.map((port) => [port, {}])) }),
    Tty: false,
    OpenStdin: false,
    StdinOnce: attachStdin,
    Env: container.env,
    Cmd: orNull(spec.command ?? (spec.entrypoint === undefined ? (image.config.Cmd ?? []) : [])),
    Image: spec.image,
    Volumes: volumes.length === 0 ? null : Object.fromEntries(volumes.map((path) => [path, {}])),
    WorkingDir: '',
    Entrypoint: orNull(spec.entrypoint ?? image.config.Entrypoint ?? []),
    OnBuild: null,
    Labels: { ...image.config.Labels, ...spec.labels },
    ...own,
  };
}

function mountDocument(mount: Mount): JsonObject {
  const source = mount.type === 'volume' ? mountpoint(mount.source) : mount.source;
  return {
    Type: mount.type,
    ...(mount.type === 'volume' ? { Name: mount.source } : {}),
    Source: source,
    Destination: mount.destination,
    ...(mount.type === 'volume' ? { Driver: 'local' } : {}),
    Mode: mount.mode,
    RW: mount.writable,
    Propagation: mount.propagation,
  };
}

const noEndpoint = {
  EndpointID: '',
  Gateway: '',
  GlobalIPv6Address: '',
  GlobalIPv6PrefixLen: 0,
  IPAddress: '',
  IPPrefixLen: 0,
  IPv6Gateway: '',
  MacAddress: '',
};

function networkSettings(container: Container, networks: Networks): JsonObject {
  const runs = container.status === 'running' || container.status === 'paused';
  const isOnHost = container.hostConfig['NetworkMode'] === 'host';
  const endpoints = [...container.networks].map(([name, { aliases, ipv4, endpointId }]): [string, JsonObject] => {
    const network = networks.find(name);
    const hasAddress = runs && !isOnHost && network !== undefined;
    const subnet = network?.subnet ?? 0;
    const address = ipv4 ?? `172.${subnet}.0.${2 + (container.pid % 250)}`;
    const isUserDefined = name !== 'bridge' && name !== 'host' && name !== 'none';
    return [
      name,
      {
        IPAMConfig: ipv4 === undefined ? null : { IPv4Address: ipv4 },
        Links: null,
        Aliases: isUserDefined ? [...aliases, container.id.slice(0, 12)] : null,
        NetworkID: runs ? (network?.id ?? '') : '',
        EndpointID: runs ? endpointId : '',
        Gateway: hasAddress ? `172.${subnet}.0.1` : '',
        IPAddress: hasAddress ? address : '',
        IPPrefixLen: hasAddress ? 16 : 0,
        IPv6Gateway: '',
        GlobalIPv6Address: '',
        GlobalIPv6PrefixLen: 0,
        MacAddress: hasAddress ? `02:42:ac:${hex(subnet)}:00:${hex(2 + (container.pid % 250))}` : '',
        DriverOpts: null,
      },
    ];
  });
  const onBridge = Object.fromEntries(endpoints)['bridge'];
  return {
    Bridge: '',
    SandboxID: runs ? container.id : '',
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    Ports: runs ? portsDocument(container) : {},
    SandboxKey: runs ? `/var/run/docker/netns/${container.id.slice(0, 12)}` : '',
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    ...noEndpoint,
    ...(onBridge === undefined ? {} : pick(onBridge, Object.keys(noEndpoint))),
    Networks: Object.fromEntries(endpoints),
  };
}

function portsDocument(container: Container): JsonObject {
  const exposed = [...container.spec.exposedPorts, ...Object.keys(container.image.config.ExposedPorts)].sort();
  const ports: Record<string, Json> = Object.fromEntries(exposed.map((port) => [port, null]));
  for (const { containerPort, protocol, hostIp, hostPort } of container.boundPorts) {
    const addresses = hostIp === '' ? ['0.0.0.0', '::'] : [hostIp];
    const before = ports[`${containerPort}/${protocol}`];
    ports[`${containerPort}/${protocol}`] = [
      ...(Array.isArray(before) ? (before as Json[]) : []),
      ...addresses.map((address) => ({ HostIp: address, HostPort: String(hostPort) })),
    ];
  }
  return ports;
}

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');

function pick(from: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(keys.map((key) => [key, from[key] ?? '']));
}
