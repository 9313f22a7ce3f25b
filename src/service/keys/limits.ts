import { containerKey, type ServiceKey } from '../key.ts';
import type { Inspected } from '../inspected.ts';
import { numberBetween, scalarText, size } from '../values.ts';
import { formatSize, parseSize } from '../units.ts';

/** What the container may use of the host. Docker changes most of these in a running container. */
export const limitKeys: readonly ServiceKey[] = [
  sizeLimit(
    'mem_limit',
    'Memory that the container may use; with more it is killed. Changed without a restart.',
    'memory',
    'HostConfig.Memory',
  ),
  sizeLimit(
    'mem_reservation',
    'Memory kept for the container when the host runs short.',
    'memory-reservation',
    'HostConfig.MemoryReservation',
  ),
  containerKey<string, string>({
    name: 'memswap_limit',
    doc: 'Memory and swap together; -1 for swap without limit. By default twice mem_limit.',
    schema: scalarText.transform((value, context) => {
      const parsed = value === '-1' ? { success: true as const, data: '-1' } : size.safeParse(value);
      if (parsed.success) return parsed.data;
      context.addIssue({ code: 'custom', message: 'must be a size such as 1g, or -1' });
      return '';
    }),
    canonical: (value) => (value === '0b' ? undefined : value),
    create: (value, sink) => sink.option('memory-swap', value),
    read: (container, desired) => {
      const bytes = container.number('HostConfig.MemorySwap');
      if (bytes === -1) return desired === '-1' ? '-1' : undefined; // also docker's note that the kernel counts no swap
      if (bytes === 0 || (bytes === 2 * container.number('HostConfig.Memory') && desired !== formatSize(bytes)))
        return undefined;
      return formatSize(bytes);
    },
    live: (value) => (value === undefined ? undefined : [`--memory-swap=${value}`]),
    mutable: true,
    discardable: true,
  }),
  containerKey<number, number>({
    name: 'cpus',
    doc: 'Processors that the container may use: 0.5 is half of one. Changed without a restart.',
    schema: numberBetween(0, 10_000, 'any'),
    canonical: (cpus) => (cpus === 0 ? undefined : cpus),
    create: (cpus, sink) => sink.option('cpus', String(cpus)),
    read: (container) => container.number('HostConfig.NanoCpus') / 1e9 || undefined,
    // Docker refuses both ways of saying it in one container.
    live: (cpus, spec) => (cpus === undefined || spec['cpu_quota'] !== undefined ? undefined : [`--cpus=${cpus}`]),
    mutable: true,
    discardable: true,
  }),
];

function sizeLimit(name: string, doc: string, option: string, path: string): ServiceKey {
  const read = (container: Inspected): string | undefined => {
    const bytes = container.number(path);
    return bytes === 0 ? undefined : formatSize(bytes);
  };
  return containerKey<string, string>({
    name,
    doc,
    schema: size,
    canonical: (value) => (value === '0b' ? undefined : value),
    create: (value, sink) => sink.option(option, value),
    read,
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

function doubled(size: string): string {
  return formatSize(2 * (parseSize(size) ?? 0));
}
