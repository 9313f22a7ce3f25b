import { DaemonError } from '../docker/errors.ts';
import type { Json } from '../docker/spec.ts';
import type { Flags } from './flags.ts';
import { parseBytes, parseInteger } from './quantities.ts';

/** Flags that both `docker create` and `docker update` take. */
export const limitFlags = [
  'memory:m',
  'memory-swap',
  'memory-reservation',
  'kernel-memory',
  'cpus',
  'cpu-shares:c',
  'cpu-period',
  'cpu-quota',
  'cpuset-cpus',
  'cpuset-mems',
  'cpu-rt-period',
  'cpu-rt-runtime',
  'pids-limit',
  'blkio-weight',
  'restart',
];

const integerKeys: Readonly<Record<string, string>> = {
  'cpu-shares': 'CpuShares',
  'cpu-period': 'CpuPeriod',
  'cpu-quota': 'CpuQuota',
  'cpu-rt-period': 'CpuRealtimePeriod',
  'cpu-rt-runtime': 'CpuRealtimeRuntime',
  'pids-limit': 'PidsLimit',
  'blkio-weight': 'BlkioWeight',
};
const byteKeys: Readonly<Record<string, string>> = {
  memory: 'Memory',
  'memory-swap': 'MemorySwap',
  'memory-reservation': 'MemoryReservation',
  'kernel-memory': 'KernelMemory',
};

const leastMemoryBytes = 6 * 1024 * 1024;

/** The HostConfig keys that those flags set. @throws DaemonError for values that dockerd refuses. */
export function parseLimits(flags: Flags, cpus: number): Record<string, Json> {
  const keys: Record<string, Json> = {};
  for (const [flag, key] of Object.entries(byteKeys)) {
    const text = flags.get(flag);
    if (text !== undefined)
      keys[key] = text === '-1' ? -1 : parseBytes(text, flag === 'memory' ? '-m, --memory' : `--${flag}`);
  }
  for (const [flag, key] of Object.entries(integerKeys)) {
    const text = flags.get(flag);
    if (text !== undefined) keys[key] = parseInteger(text, `--${flag}`);
  }
  if (flags.has('cpuset-cpus')) keys['CpusetCpus'] = flags.get('cpuset-cpus') ?? '';
  if (flags.has('cpuset-mems')) keys['CpusetMems'] = flags.get('cpuset-mems') ?? '';
  if (flags.has('cpus')) keys['NanoCpus'] = parseCpus(flags.get('cpus') ?? '', cpus);
  if (flags.has('restart')) keys['RestartPolicy'] = parseRestart(flags.get('restart') ?? '');
  const memory = keys['Memory'];
  if (typeof memory === 'number' && memory > 0 && memory < leastMemoryBytes) {
    throw new DaemonError('Minimum memory limit allowed is 6MB');
  }
  return keys;
}

function parseCpus(text: string, cpus: number): number {
  const wanted = Number(text);
  if (!(wanted >= 0) || wanted > cpus) {
    throw new DaemonError(`Range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`);
  }
  return Math.round(wanted * 1e9);
}

function parseRestart(text: string): Json {
  const [name = '', retries] = text.split(':');
  if (!['', 'no', 'always', 'unless-stopped', 'on-failure'].includes(name)) {
    throw new DaemonError(`invalid restart policy '${name}'`);
  }
  if (retries !== undefined && name !== 'on-failure') {
    throw new DaemonError(`maximum retry count cannot be used with restart policy '${name}'`);
  }
  return { Name: name === '' ? 'no' : name, MaximumRetryCount: Number(retries ?? 0) };
}
