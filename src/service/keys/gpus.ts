import * as z from 'zod';
import type { Inspected } from '../inspected.ts';
import { containerKey, type ServiceKey } from '../key.ts';
import { numberBetween, scalarText, sorted, splitPair, text, textMap, texts, unlessEmpty } from '../values.ts';

/** `-1` is what `docker compose config` makes of `all`. */
const count = () =>
  z
    .union([z.literal('all'), z.literal([-1, '-1']), numberBetween(1, 1000)], { error: 'must be a number, or all' })
    .transform((value) => (value === -1 || value === '-1' ? 'all' : value));

/** One request for devices, as the Compose Specification writes it. */
export const deviceRequest = () =>
  z.strictObject(
    {
      driver: text.optional(),
      count: count().optional(),
      device_ids: z.array(scalarText).optional(),
      capabilities: texts.optional(),
      options: textMap.optional(),
    },
    { error: 'must be a mapping with driver, count, device_ids and capabilities' },
  );
export type DeviceRequest = z.infer<ReturnType<typeof deviceRequest>>;

export const gpusKey: ServiceKey = containerKey<readonly DeviceRequest[], readonly string[]>({
  name: 'gpus',
  doc: 'Graphics processors: `all`, a number, or a list of mappings with driver, count or device_ids, capabilities and options.',
  schema: () =>
    z
      .union([count(), z.array(deviceRequest())], {
        error: 'must be all, a number, or a list of mappings',
      })
      .transform((value): readonly DeviceRequest[] => (typeof value === 'object' ? value : [{ count: value }])),
  canonical: (requests) => unlessEmpty(requests.map(formatRequest)),
  create: (requests, sink) => requests.forEach((request) => sink.option('gpus', request)),
  read: (container) =>
    unlessEmpty(container.items('HostConfig.DeviceRequests').map((item) => formatRequest(readRequest(item)))),
  write: (requests) => requests.map(writtenRequest),
});

/** As docker's `--gpus` takes it: CSV fields, of which those with commas stand in quotes. */
export function formatRequest({
  driver,
  count,
  device_ids: ids,
  capabilities = [],
  options = {},
}: DeviceRequest): string {
  const extra = capabilities.filter((capability) => capability !== 'gpu').sort();
  const pairs = Object.entries(sorted(options)).map(([name, value]) => `${name}=${value ?? ''}`);
  const fields = [
    ...(ids === undefined
      ? [count === undefined || count === 'all' ? 'count=all' : `count=${count}`]
      : [`device=${ids.join(',')}`]),
    ...(driver === undefined || driver === '' ? [] : [`driver=${driver}`]),
    ...(extra.length === 0 ? [] : [`capabilities=${extra.join(',')}`]),
    ...(pairs.length === 0 ? [] : [`options=${pairs.join(',')}`]),
  ];
  return fields.map((field) => (field.includes(',') ? `"${field}"` : field)).join(',');
}

function readRequest(item: Inspected): DeviceRequest {
  const ids = item.texts('DeviceIDs');
  const count = item.number('Count');
  const [capabilities = []] = item.lists('Capabilities');
  return {
    driver: item.text('Driver'),
    ...(ids.length > 0 ? { device_ids: [...ids] } : { count: count === -1 ? 'all' : count }),
    capabilities: [...capabilities],
    options: item.textMap('Options'),
  };
}

/** The fields of one `--gpus` again, as the long form has them. */
function writtenRequest(request: string): DeviceRequest {
  const fields = [...request.matchAll(/"([^"]*)"|([^",]+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
  const of = (name: string): string | undefined =>
    fields.find((field) => field.startsWith(`${name}=`))?.slice(name.length + 1);
  const [ids, number, driver] = [of('device'), of('count'), of('driver')];
  const [capabilities, options] = [of('capabilities'), of('options')];
  return {
    ...(ids === undefined ? { count: number === 'all' ? 'all' : Number(number) } : { device_ids: ids.split(',') }),
    ...(driver === undefined ? {} : { driver }),
    capabilities: ['gpu', ...(capabilities?.split(',') ?? [])],
    ...(options === undefined ? {} : { options: Object.fromEntries(options.split(',').map(splitPair)) }),
  };
}
