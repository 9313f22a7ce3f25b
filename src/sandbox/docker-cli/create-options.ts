import { DaemonError } from '../docker/errors.ts';
import { orNull, type ContainerSpec, type Json, type NetworkAttachment } from '../docker/spec.ts';
import { parseFlags, UsageError, type Flags, type FlagTable } from './flags.ts';
import { limitFlags, parseLimits } from './limits.ts';
import { parseMounts } from './mounts.ts';
import { parsePublish } from './publish.ts';
import { parseBytes, parseInteger, parseNanoseconds } from './quantities.ts';

const listKeys: Readonly<Record<string, string>> = {
  'cap-add': 'CapAdd',
  'cap-drop': 'CapDrop',
  dns: 'Dns',
  'dns-option': 'DnsOptions',
  'dns-search': 'DnsSearch',
  'add-host': 'ExtraHosts',
  'group-add': 'GroupAdd',
  'security-opt': 'SecurityOpt',
  'volumes-from': 'VolumesFrom',
  'device-cgroup-rule': 'DeviceCgroupRules',
  link: 'Links',
};
const textKeys: Readonly<Record<string, string>> = {
  ipc: 'IpcMode',
  pid: 'PidMode',
  uts: 'UTSMode',
  userns: 'UsernsMode',
  cgroupns: 'CgroupnsMode',
  'cgroup-parent': 'CgroupParent',
  runtime: 'Runtime',
  isolation: 'Isolation',
  'volume-driver': 'VolumeDriver',
};
const numberKeys: Readonly<Record<string, string>> = {
  'oom-score-adj': 'OomScoreAdj',
  'memory-swappiness': 'MemorySwappiness',
};
const booleanKeys: Readonly<Record<string, string>> = {
  init: 'Init',
  privileged: 'Privileged',
  'read-only': 'ReadonlyRootfs',
  rm: 'AutoRemove',
  'oom-kill-disable': 'OomKillDisable',
};

const createFlags: FlagTable = {
  optionsFirst: true,
  booleans: ['tty:t', 'interactive:i', 'no-healthcheck', ...Object.keys(booleanKeys)],
  values: [
    ...limitFlags,
    ...['name', 'env:e', 'env-file', 'label:l', 'publish:p', 'expose', 'volume:v', 'mount', 'tmpfs'],
    ...[
      'network:net',
      'network-alias:net-alias',
      'ip',
      'user:u',
      'workdir:w',
      'hostname:h',
      'domainname',
      'mac-address',
    ],
    ...['entrypoint', 'stop-signal', 'stop-timeout', 'pull', 'platform', 'device', 'ulimit', 'sysctl', 'shm-size'],
    ...['health-cmd', 'health-interval', 'health-timeout', 'health-retries', 'health-start-period'],
    ...['log-driver', 'log-opt', 'storage-opt', 'attach:a'],
    ...Object.keys(textKeys),
    ...Object.keys(numberKeys),
    ...Object.keys(listKeys).map((name) => (name === 'dns-option' ? 'dns-option:dns-opt' : name)),
  ],
};

export interface CreateRequest {
  readonly spec: ContainerSpec;
  readonly pull: string;
  /** What the client says besides. */
  readonly warnings: readonly string[];
}

/**
 * Reads the command line of `docker create`.
 * @param readFile for `--env-file`: the text, or undefined where there is no such file
 */
export function parseCreate(
  argv: readonly string[],
  cpus: number,
  readFile: (path: string) => string | undefined,
): CreateRequest {
  const flags = parseFlags('create', argv, createFlags);
  const [image, ...command] = flags.args;
  if (image === undefined) {
    throw new UsageError('"docker create" requires at least 1 argument.\nSee \'docker create --help\'.', 1);
  }
  const published = flags.all('publish').flatMap(parsePublish);
  const { mounts, hostConfig: mountKeys } = parseMounts(flags);
  const { networks, mode } = parseNetworks(flags);
  const entrypoint = flags.get('entrypoint');
  return {
    pull: flags.get('pull') ?? 'missing',
    warnings:
      mode === 'host' && published.length > 0
        ? ['WARNING: Published ports are discarded when using host network mode']
        : [],
    spec: {
      name: flags.get('name'),
      image,
      command: command.length === 0 ? undefined : command,
      entrypoint: entrypoint === undefined ? undefined : entrypoint === '' ? [] : [entrypoint],
      env: parseEnv(flags, readFile),
      labels: pairs(flags.all('label')),
      exposedPorts: [
        ...published.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`),
        ...flags.all('expose').map((port) => (port.includes('/') ? port : `${port}/tcp`)),
      ],
      ports: published,
      mounts,
      networks,
      config: parseConfig(flags),
      hostConfig: {
        ...mountKeys,
        ...hostConfigOf(flags),
        ...parseLimits(flags, cpus),
        NetworkMode: mode,
        PortBindings: portBindings(published),
      },
    },
  };
}

function hostConfigOf(flags: Flags): Record<string, Json> {
  const keys: Record<string, Json> = {};
  for (const [flag, key] of Object.entries(listKeys)) if (flags.has(flag)) keys[key] = flags.all(flag);
  for (const [flag, key] of Object.entries(textKeys)) if (flags.has(flag)) keys[key] = flags.get(flag) ?? '';
  for (const [flag, key] of Object.entries(booleanKeys)) if (flags.has(flag)) keys[key] = flags.isSet(flag);
  for (const [flag, key] of Object.entries(numberKeys)) {
    const text = flags.get(flag);
    if (text !== undefined) keys[key] = parseInteger(text, `--${flag}`);
  }
  const shmSize = flags.get('shm-size');
  if (shmSize !== undefined) keys['ShmSize'] = parseBytes(shmSize, '--shm-size');
  if (flags.has('device')) keys['Devices'] = flags.all('device').map(parseDevice);
  if (flags.has('ulimit')) keys['Ulimits'] = flags.all('ulimit').map(parseUlimit);
  if (flags.has('sysctl')) keys['Sysctls'] = pairs(flags.all('sysctl'));
  if (flags.has('storage-opt')) keys['StorageOpt'] = pairs(flags.all('storage-opt'));
  if (flags.has('log-driver') || flags.has('log-opt')) {
    keys['LogConfig'] = { Type: flags.get('log-driver') ?? 'json-file', Config: pairs(flags.all('log-opt')) };
  }
  if (keys['IpcMode'] === 'host' || keys['PidMode'] === 'host') {
    keys['SecurityOpt'] = orNull([...flags.all('security-opt'), 'label=disable']);
  }
  return keys;
}

function parseConfig(flags: Flags): Record<string, Json> {
  const keys: Record<string, Json> = {};
  const texts: [string, string][] = [
    ['user', 'User'],
    ['workdir', 'WorkingDir'],
    ['hostname', 'Hostname'],
    ['domainname', 'Domainname'],
    ['mac-address', 'MacAddress'],
    ['stop-signal', 'StopSignal'],
  ];
  for (const [flag, key] of texts) {
    const text = flags.get(flag);
    if (text !== undefined) keys[key] = text;
  }
  if (flags.isSet('tty')) keys['Tty'] = true;
  if (flags.isSet('interactive')) keys['OpenStdin'] = true;
  const stopTimeout = flags.get('stop-timeout');
  if (stopTimeout !== undefined) keys['StopTimeout'] = parseInteger(stopTimeout, '--stop-timeout');
  const healthcheck = parseHealthcheck(flags);
  if (healthcheck !== undefined) keys['Healthcheck'] = healthcheck;
  return keys;
}

function parseHealthcheck(flags: Flags): Record<string, Json> | undefined {
  const given = flags.names.filter((name) => name.startsWith('health-'));
  if (flags.isSet('no-healthcheck')) {
    if (given.length > 0) {
      throw new UsageError("docker: --no-healthcheck conflicts with --health-* options.\nSee 'docker create --help'.");
    }
    return { Test: ['NONE'] };
  }
  if (given.length === 0) return undefined;
  const keys: Record<string, Json> = {};
  const command = flags.get('health-cmd');
  if (command !== undefined) keys['Test'] = ['CMD-SHELL', command];
  const durations: [string, string][] = [
    ['health-interval', 'Interval'],
    ['health-timeout', 'Timeout'],
    ['health-start-period', 'StartPeriod'],
  ];
  for (const [flag, key] of durations) {
    const text = flags.get(flag);
    if (text !== undefined) keys[key] = parseNanoseconds(text, `--${flag}`);
  }
  const retries = flags.get('health-retries');
  if (retries !== undefined) keys['Retries'] = parseInteger(retries, '--health-retries');
  return keys;
}

/** Variables of the files first, then those of the command line; a bare NAME takes the client's, which has none. */
function parseEnv(flags: Flags, readFile: (path: string) => string | undefined): readonly string[] {
  const fromFiles = flags.all('env-file').flatMap((path) => {
    const text = readFile(path);
    if (text === undefined) {
      throw new UsageError(`docker: open ${path}: no such file or directory.\nSee 'docker create --help'.`);
    }
    return text
      .split('\n')
      .map((line) => line.replace(/^\s+/, ''))
      .filter((line) => line !== '' && !line.startsWith('#'));
  });
  for (const entry of fromFiles) {
    const [name = ''] = entry.split('=');
    if (!/\s/.test(name)) continue;
    throw new UsageError(
      `docker: poorly formatted environment: variable '${name}' contains whitespaces.\nSee 'docker create --help'.`,
    );
  }
  for (const entry of flags.all('env')) {
    if (!entry.startsWith('=')) continue;
    throw new UsageError(
      `invalid argument "${entry}" for "-e, --env" flag: invalid environment variable: ${entry}\nSee 'docker create --help'.`,
    );
  }
  return [...fromFiles, ...flags.all('env')].filter((entry) => entry.includes('='));
}

const userDefined = (network: string): boolean =>
  !['default', 'bridge', 'host', 'none'].includes(network) && !network.startsWith('container:');

function parseNetworks(flags: Flags): { networks: NetworkAttachment[]; mode: string } {
  const names = flags.all('network');
  if (names.length > 1 && !names.every(userDefined)) {
    throw new UsageError(
      'docker: conflicting options: cannot attach both user-defined and non-user-defined network-modes.\n' +
        "See 'docker create --help'.",
    );
  }
  const [mode = 'default'] = names;
  const aliases = flags.all('network-alias');
  if (aliases.length > 0 && !userDefined(mode)) {
    throw new DaemonError('network-scoped alias is supported only for containers in user defined networks');
  }
  const attached = names.length === 0 || mode === 'default' ? ['bridge'] : mode.startsWith('container:') ? [] : names;
  return {
    mode,
    networks: attached.map((network, index) => ({
      network,
      aliases: index === 0 ? aliases : [],
      ipv4: index === 0 ? flags.get('ip') : undefined,
    })),
  };
}

function portBindings(published: ContainerSpec['ports']): Record<string, Json> {
  const bindings: Record<string, Json[]> = {};
  for (const { containerPort, protocol, hostIp, writtenPort } of published) {
    (bindings[`${containerPort}/${protocol}`] ??= []).push({
      HostIp: hostIp,
      HostPort: writtenPort,
    });
  }
  return bindings;
}

function parseDevice(text: string): Json {
  const [host = '', second = host, third] = text.split(':');
  const isMode = /^[rwm]+$/.test(second);
  return {
    PathOnHost: host,
    PathInContainer: isMode ? host : second,
    CgroupPermissions: third ?? (isMode ? second : 'rwm'),
  };
}

function parseUlimit(text: string): Json {
  const match = /^(\w+)=(-?\d+)(?::(-?\d+))?$/.exec(text);
  if (match === null) {
    throw new UsageError(
      `invalid argument "${text}" for "--ulimit" flag: invalid ulimit argument: ${text}\nSee 'docker create --help'.`,
    );
  }
  const [, name = '', soft = '', hard = soft] = match;
  return { Name: name, Hard: Number(hard), Soft: Number(soft) };
}

/** `a=b` and `c` as `{ a: 'b', c: '' }`. */
export function pairs(entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => {
      const equals = entry.indexOf('=');
      return equals === -1 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
}
