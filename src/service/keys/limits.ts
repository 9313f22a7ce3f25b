import * as z from 'zod';
import type { Inspected } from '../inspected.ts';
import { containerKey, type ServiceKey } from '../key.ts';
import { formatSize, parseSize } from '../units.ts';
import { flag, numberBetween, scalarText, size, sorted, textMap, unlessEmpty } from '../values.ts';
import { textKey } from './simple.ts';

const microseconds = () =>
  z
    .union([z.number(), z.string()], { error: 'must be microseconds, or a duration such as 50ms' })
    .transform((value, context) => {
      const match = /^(\d+(?:\.\d+)?)(us|ms|s)?$/.exec(String(value));
      const factor = { us: 1, ms: 1000, s: 1_000_000 }[match?.[2] ?? 'us'] ?? 1;
      if (match !== null) return Math.round(Number(match[1]) * factor);
      context.addIssue({ code: 'custom', message: 'must be microseconds, or a duration such as 50ms' });
      return z.NEVER;
    });

const ulimit = () =>
  z.union(
    [
      numberBetween(-1, Number.MAX_SAFE_INTEGER),
      z.strictObject({
        soft: numberBetween(-1, Number.MAX_SAFE_INTEGER),
        hard: numberBetween(-1, Number.MAX_SAFE_INTEGER),
      }),
    ],
    { error: 'must be a number, or a mapping with soft and hard' },
  );

const ulimitNames =
  'core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(' ');

/** What docker would refuse when the container is created: a name that Linux has not, a soft limit above the hard one. */
function ulimitFault(name: string, limit: z.infer<ReturnType<typeof ulimit>>): string | undefined {
  if (!ulimitNames.includes(name)) return `is no limit of Linux; known are ${ulimitNames.join(', ')}`;
  if (typeof limit === 'number' || limit.hard === -1) return undefined;
  if (limit.soft === -1) return `soft is unlimited (-1), but hard is ${limit.hard}: soft must not be above hard`;
  if (limit.soft <= limit.hard) return undefined;
  return `soft is ${limit.soft}, but hard is ${limit.hard}: soft must not be above hard`;
}

/** What the container may use of the host. Docker changes most of these in a running container. */
export const limitKeys: readonly ServiceKey[] = [
  sizeKey(
    'mem_limit',
    'Memory that the container may use; with more it is killed. Changed without a restart.',
    'memory',
    'HostConfig.Memory',
  ),
  sizeKey(
    'mem_reservation',
    'Memory kept for the container when the host runs short. Changed without a restart.',
    'memory-reservation',
    'HostConfig.MemoryReservation',
  ),
  containerKey<string, string>({
    name: 'memswap_limit',
    doc: 'Memory and swap together; -1 for swap without limit. By default twice mem_limit. Changed without a restart.',
    schema: () =>
      scalarText.transform((value, context) => {
        const bytes = value === '-1' ? undefined : parseSize(value);
        if (bytes !== undefined) return formatSize(bytes);
        if (value !== '-1') context.addIssue({ code: 'custom', message: 'must be a size such as 1g, or -1' });
        return '-1';
      }),
    canonical: (value) => (value === '0b' ? undefined : value),
    create: (value, sink) => sink.option('memory-swap', value),
    read: (container, desired) => {
      const bytes = container.number('HostConfig.MemorySwap');
      // Also docker's note that the kernel does not count swap.
      if (bytes === -1) return desired === '-1' ? '-1' : undefined;
      const isDockers = bytes === 0 || bytes === 2 * container.number('HostConfig.Memory');
      return isDockers && desired !== formatSize(bytes) ? undefined : formatSize(bytes);
    },
    live: (value, { mem_limit: memory }) => {
      if (value !== undefined) return [`--memory-swap=${value}`];
      return typeof memory === 'string' ? [`--memory-swap=${doubled(memory)}`] : undefined;
    },
    mutable: true,
    discardable: true,
  }),
  containerKey<number, number>({
    name: 'mem_swappiness',
    doc: "How readily the kernel swaps the container's memory out: 0 to 100.",
    schema: () => numberBetween(0, 100),
    canonical: (value) => value,
    create: (value, sink) => sink.option('memory-swappiness', String(value)),
    read: (container) => {
      const value = container.number('HostConfig.MemorySwappiness');
      return container.has('HostConfig.MemorySwappiness') && value !== -1 ? value : undefined;
    },
  }),
  containerKey<boolean, true>({
    name: 'oom_kill_disable',
    doc: 'Waits for memory instead of being killed. Only together with mem_limit.',
    schema: () => flag,
    canonical: (value) => value || undefined,
    create: (_, sink) => sink.option('oom-kill-disable'),
    read: (container) => container.flag('HostConfig.OomKillDisable') || undefined,
  }),
  containerKey<number, number>({
    name: 'oom_score_adj',
    doc: 'Who is killed first when the host runs out of memory: -1000 (never) to 1000.',
    schema: () => numberBetween(-1000, 1000),
    canonical: (value) => value || undefined,
    create: (value, sink) => sink.option('oom-score-adj', String(value)),
    read: (container) => container.number('HostConfig.OomScoreAdj') || undefined,
  }),
  containerKey<number, number>({
    name: 'pids_limit',
    doc: 'Processes and threads at most; -1 for no limit. Changed without a restart.',
    schema: () => numberBetween(-1, 4_194_304),
    canonical: (value) => (value > 0 ? value : undefined),
    create: (value, sink) => sink.option('pids-limit', String(value)),
    read: (container) => {
      const value = container.number('HostConfig.PidsLimit');
      return value > 0 ? value : undefined;
    },
    live: (value = -1) => [`--pids-limit=${value}`],
    mutable: true,
    discardable: true,
  }),
  numberKey(
    'cpus',
    'Processors that the container may use: 0.5 is half of one. Changed without a restart.',
    'cpus',
    () => numberBetween(0, 10_000, 'any'),
    (container) => container.number('HostConfig.NanoCpus') / 1e9,
  ),
  numberKey(
    'cpu_shares',
    "Share of the processors when they are scarce; 1024 is everybody's. Changed without a restart.",
    'cpu-shares',
    () => numberBetween(0, 262_144),
    (container) => container.number('HostConfig.CpuShares'),
  ),
  numberKey(
    'cpu_period',
    "The scheduler's period in microseconds, or a duration. Changed without a restart.",
    'cpu-period',
    microseconds,
    (container) => container.number('HostConfig.CpuPeriod'),
  ),
  numberKey(
    'cpu_quota',
    'Processor time in each period, in microseconds, or a duration. Changed without a restart.',
    'cpu-quota',
    microseconds,
    (container) => container.number('HostConfig.CpuQuota'),
  ),
  numberKey(
    'cpu_rt_period',
    "The real-time scheduler's period in microseconds, or a duration.",
    'cpu-rt-period',
    microseconds,
    (container) => container.number('HostConfig.CpuRealtimePeriod'),
  ),
  numberKey(
    'cpu_rt_runtime',
    'Real-time processor time in each period, in microseconds, or a duration.',
    'cpu-rt-runtime',
    microseconds,
    (container) => container.number('HostConfig.CpuRealtimeRuntime'),
  ),
  textKey(
    'cpuset',
    'The processors themselves: 0-3 or 0,2. Changed without a restart.',
    'cpuset-cpus',
    'HostConfig.CpusetCpus',
    {
      live: (value) => (value === undefined ? undefined : [`--cpuset-cpus=${value}`]),
      mutable: true,
      discardable: true,
    },
  ),
  containerKey<Readonly<Record<string, z.infer<ReturnType<typeof ulimit>>>>, Readonly<Record<string, string>>>({
    name: 'ulimits',
    doc: 'Limits of the process, as nofile: a number, or a mapping with soft and hard. -1 is unlimited.',
    schema: () => z.record(z.string(), ulimit(), { error: 'must be a mapping of limits' }),
    canonical: (limits, scope) => {
      for (const [name, limit] of Object.entries(limits)) {
        const fault = ulimitFault(name, limit);
        if (fault !== undefined) scope.problem([name], fault);
      }
      return unlessEmpty(
        sorted(
          Object.fromEntries(
            Object.entries(limits).map(([name, limit]) => [
              name,
              typeof limit === 'number' ? `${limit}:${limit}` : `${limit.soft}:${limit.hard}`,
            ]),
          ),
        ),
      );
    },
    create: (limits, sink) =>
      Object.entries(limits).forEach(([name, limit]) => sink.option('ulimit', `${name}=${limit}`)),
    read: (container) =>
      unlessEmpty(
        sorted(
          Object.fromEntries(
            container
              .items('HostConfig.Ulimits')
              .map((item) => [item.text('Name'), `${item.number('Soft')}:${item.number('Hard')}`]),
          ),
        ),
      ),
    write: (limits) =>
      Object.fromEntries(
        Object.entries(limits).map(([name, limit]) => {
          const [soft, hard] = limit.split(':').map(Number);
          return [name, soft === hard ? soft : { soft, hard }];
        }),
      ),
  }),
  containerKey<Readonly<Record<string, string | null>>, Readonly<Record<string, string>>>({
    name: 'sysctls',
    doc: "Kernel settings of the container's own namespaces, as net.core.somaxconn: a mapping or a list of NAME=value.",
    schema: () => textMap,
    canonical: (settings) =>
      unlessEmpty(sorted(Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, value ?? ''])))),
    create: (settings, sink) =>
      Object.entries(settings).forEach(([name, value]) => sink.option('sysctl', `${name}=${value}`)),
    read: (container) => unlessEmpty(sorted(container.textMap('HostConfig.Sysctls'))),
  }),
];

function sizeKey(name: string, doc: string, option: string, path: string): ServiceKey {
  return containerKey<string, string>({
    name,
    doc,
    schema: () => size,
    canonical: (value) => (value === '0b' ? undefined : value),
    create: (value, sink) => sink.option(option, value),
    read: (container) => {
      const bytes = container.number(path);
      return bytes === 0 ? undefined : formatSize(bytes);
    },
    live: (value, spec) => {
      if (value === undefined) return undefined;
      // The swap limit follows the memory limit at create, but not at an update.
      const swap =
        name === 'mem_limit' && spec['memswap_limit'] === undefined ? [`--memory-swap=${doubled(value)}`] : [];
      return [`--${option}=${value}`, ...swap];
    },
    mutable: true,
    discardable: true,
  });
}

/** Docker's own swap limit. */
function doubled(memory: string): string {
  return formatSize(2 * (parseSize(memory) ?? 0));
}

/** A limit where 0 is none. */
function numberKey(
  name: string,
  doc: string,
  option: string,
  schema: () => z.ZodType<number>,
  read: (container: Inspected) => number,
): ServiceKey {
  return containerKey<number, number>({
    name,
    doc,
    schema,
    canonical: (value) => (value === 0 ? undefined : value),
    create: (value, sink) => sink.option(option, String(value)),
    read: (container) => read(container) || undefined,
    live: (value, spec) => {
      // Docker refuses a container that says both, and an update cannot take either back.
      const conflicts = name === 'cpus' && (spec['cpu_quota'] !== undefined || spec['cpu_period'] !== undefined);
      return value === undefined || conflicts ? undefined : [`--${option}=${value}`];
    },
    mutable: true,
    discardable: true,
  });
}
