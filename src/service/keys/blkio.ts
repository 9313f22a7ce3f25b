import * as z from 'zod';
import type { Inspected } from '../inspected.ts';
import { containerKey, type ServiceKey } from '../key.ts';
import { numberBetween, size, text, unlessEmpty } from '../values.ts';
import { parseSize } from '../units.ts';

const weights = () => z.array(z.strictObject({ path: text, weight: numberBetween(0, 1000) }));
const rates = () => z.array(z.strictObject({ path: text, rate: size }));

const schema = () =>
  z.strictObject(
    {
      weight: numberBetween(10, 1000).optional(),
      weight_device: weights().optional(),
      device_read_bps: rates().optional(),
      device_write_bps: rates().optional(),
      device_read_iops: rates().optional(),
      device_write_iops: rates().optional(),
    },
    { error: 'must be a mapping with weight, weight_device, device_read_bps and the like' },
  );

/** Per limit of a device: the option of `docker create`, and the field of the inspect document. */
const rateFields = {
  device_read_bps: ['device-read-bps', 'HostConfig.BlkioDeviceReadBps'],
  device_write_bps: ['device-write-bps', 'HostConfig.BlkioDeviceWriteBps'],
  device_read_iops: ['device-read-iops', 'HostConfig.BlkioDeviceReadIOps'],
  device_write_iops: ['device-write-iops', 'HostConfig.BlkioDeviceWriteIOps'],
} as const;
type RateField = keyof typeof rateFields;
const rateNames = Object.keys(rateFields) as RateField[];

/** `weight`, and per field a list of `PATH:LIMIT`. */
type Blkio = Readonly<Record<string, number | readonly string[]>>;

export const blkioKey: ServiceKey = containerKey<z.infer<ReturnType<typeof schema>>, Blkio>({
  name: 'blkio_config',
  doc: 'Limits of block devices: weight (10 to 1000), and per device weight_device, device_read_bps, device_write_bps, device_read_iops, device_write_iops.',
  schema,
  canonical: ({ weight, weight_device: devices = [], ...written }) => {
    const limits: Record<string, number | readonly string[]> = {};
    if (weight !== undefined) limits['weight'] = weight;
    if (devices.length > 0) limits['weight_device'] = devices.map((item) => `${item.path}:${item.weight}`).sort();
    for (const name of rateNames) {
      const devicesOfName = written[name] ?? [];
      if (devicesOfName.length > 0)
        limits[name] = devicesOfName.map((item) => `${item.path}:${parseSize(item.rate) ?? 0}`).sort();
    }
    return unlessEmpty(limits);
  },
  create: ({ weight, weight_device: devices, ...limits }, sink) => {
    if (weight !== undefined) sink.option('blkio-weight', String(weight));
    for (const device of listOf(devices)) sink.option('blkio-weight-device', device);
    for (const name of rateNames) {
      for (const device of listOf(limits[name])) sink.option(rateFields[name][0], device);
    }
  },
  read: (container) => {
    const weight = container.number('HostConfig.BlkioWeight');
    const limits: Record<string, number | readonly string[]> = weight === 0 ? {} : { weight };
    const devices = readDevices(container, 'HostConfig.BlkioWeightDevice', 'Weight');
    if (devices.length > 0) limits['weight_device'] = devices;
    for (const name of rateNames) {
      const found = readDevices(container, rateFields[name][1], 'Rate');
      if (found.length > 0) limits[name] = found;
    }
    return unlessEmpty(limits);
  },
  write: ({ weight, weight_device: devices, ...limits }) => ({
    ...(weight === undefined ? {} : { weight }),
    ...(devices === undefined ? {} : { weight_device: writtenDevices(devices, 'weight') }),
    ...Object.fromEntries(Object.entries(limits).map(([name, limit]) => [name, writtenDevices(limit, 'rate')])),
  }),
});

function writtenDevices(limits: number | readonly string[], field: 'weight' | 'rate'): object[] {
  return listOf(limits).map((limit) => {
    const colon = limit.lastIndexOf(':');
    return { path: limit.slice(0, colon), [field]: Number(limit.slice(colon + 1)) };
  });
}

function readDevices(container: Inspected, path: string, field: string): readonly string[] {
  return container
    .items(path)
    .map((item) => `${item.text('Path')}:${item.number(field)}`)
    .sort();
}

function listOf(value: number | readonly string[] | undefined): readonly string[] {
  return typeof value === 'object' ? value : [];
}
