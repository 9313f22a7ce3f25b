import * as z from 'zod';
import type { Canonical, NetworkSpec, VolumeSpec } from '../model/service.ts';
import { characterProblems } from './characters.ts';
import { explainIssues, type ValueProblem } from '../schema/explain.ts';
import { parseWith } from '../schema/parse.ts';
import { flag, sorted, text, textMap } from './values.ts';

const external = z.union([flag, z.strictObject({ name: text }, { error: 'must be true or false' })]);

/** A top-level network. `x-…` keys are ignored. */
export const networkSchema = z
  .strictObject(
    {
      name: text.optional().describe("The network's name on the host; the key by default."),
      external: external.optional().describe('The network is made elsewhere: missing, it is an error.'),
      driver: text.optional().describe('bridge by default; macvlan, ipvlan, overlay or a plugin.'),
      driver_opts: textMap.optional().describe('Options of the driver.'),
      internal: flag.optional().describe('Without a way to the outside.'),
      attachable: flag.optional().describe('Containers may be attached by hand; for overlay networks.'),
      enable_ipv6: flag.optional().describe('With IPv6 addresses.'),
      labels: textMap.optional().describe('Labels of the network.'),
      ipam: z
        .strictObject({
          driver: text.optional(),
          options: textMap.optional(),
          config: z
            .array(
              z.strictObject({
                subnet: text.optional(),
                ip_range: text.optional(),
                gateway: text.optional(),
                aux_addresses: textMap.optional(),
              }),
            )
            .optional(),
        })
        .optional()
        .describe('Addresses: driver, options, and config with subnet, ip_range, gateway and aux_addresses.'),
    },
    { error: 'must be a mapping, or nothing' },
  )
  .meta({ patternProperties: { '^x-': {} } });

/** A top-level volume. */
export const volumeSchema = z
  .strictObject(
    {
      name: text.optional().describe("The volume's name on the host; the key by default."),
      external: external.optional().describe('The volume is made elsewhere: missing, it is an error.'),
      driver: text.optional().describe('local by default, or a plugin.'),
      driver_opts: textMap.optional().describe('Options of the driver, as type, o and device of local.'),
      labels: textMap.optional().describe('Labels of the volume.'),
    },
    { error: 'must be a mapping, or nothing' },
  )
  .meta({ patternProperties: { '^x-': {} } });

/** A top-level network; without a spec where there are problems. */
export function parseNetwork(key: string, value: unknown): { spec?: NetworkSpec; problems: ValueProblem[] } {
  return parseResource(key, value, networkSchema, [
    'driver',
    'driver_opts',
    'internal',
    'attachable',
    'enable_ipv6',
    'labels',
    'ipam',
  ]);
}

/** A top-level volume; without a spec where there are problems. */
export function parseVolume(key: string, value: unknown): { spec?: VolumeSpec; problems: ValueProblem[] } {
  return parseResource(key, value, volumeSchema, ['driver', 'driver_opts', 'labels']);
}

/** Options of `docker network create`. */
export function networkOptions({ options }: NetworkSpec): string[] {
  const ipam = options['ipam'] as z.infer<typeof networkSchema>['ipam'];
  return [
    ...one('driver', options['driver']),
    ...pairs('opt', options['driver_opts']),
    ...one('internal', options['internal']),
    ...one('attachable', options['attachable']),
    ...one('ipv6', options['enable_ipv6']),
    ...pairs('label', options['labels']),
    ...one('ipam-driver', ipam?.driver),
    ...pairs('ipam-opt', ipam?.options),
    ...(ipam?.config ?? []).flatMap(({ subnet, ip_range, gateway, aux_addresses }) => [
      ...one('subnet', subnet),
      ...one('ip-range', ip_range),
      ...one('gateway', gateway),
      ...pairs('aux-address', aux_addresses),
    ]),
  ];
}

/** Options of `docker volume create`. */
export function volumeOptions({ options }: VolumeSpec): string[] {
  return [
    ...one('driver', options['driver']),
    ...pairs('opt', options['driver_opts']),
    ...pairs('label', options['labels']),
  ];
}

type Written = Readonly<Record<string, unknown>> & { readonly name?: string | undefined; readonly external?: unknown };

function parseResource(
  key: string,
  value: unknown,
  schema: z.ZodType<Written>,
  optionKeys: readonly string[],
): { spec?: NetworkSpec; problems: ValueProblem[] } {
  const own = withoutExtensions(value ?? {});
  const unfit = characterProblems(Object.entries(own as object));
  if (unfit.length > 0) return { problems: unfit };
  const result = parseWith(schema, own);
  if (!result.success) return { problems: explainIssues(schema, result.error.issues, own) };
  const { external: outside, ...written } = result.data;
  const name =
    written.name ?? (typeof outside === 'object' && outside !== null && 'name' in outside ? String(outside.name) : key);
  const isExternal = outside !== undefined && outside !== false;
  const problems: ValueProblem[] = [];
  if (!/^[A-Za-z0-9][\w.-]*$/.test(name))
    problems.push({ path: [], message: `is not a name that docker takes; got ${JSON.stringify(name)}` });
  // `docker compose config` prints an `ipam` with nothing in it beside everything.
  const options = Object.fromEntries(
    optionKeys.filter((option) => !isNothing(written[option])).map((option) => [option, written[option]]),
  );
  if (isExternal && Object.keys(options).length > 0) {
    problems.push({
      path: [],
      message: `is external: it is made elsewhere, so that ${Object.keys(options).join(', ')} would do nothing. Remove them`,
    });
  }
  if (problems.length > 0) return { problems };
  return { spec: { name, external: isExternal, options: sorted(options as Record<string, Canonical>) }, problems };
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === 'object' && Object.values(value).every(isNothing);
}

function withoutExtensions(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => !key.startsWith('x-')));
}

function one(name: string, value: unknown): string[] {
  if (value === undefined || value === false) return [];
  return [typeof value === 'string' ? `--${name}=${value}` : `--${name}`];
}

function pairs(name: string, map: unknown): string[] {
  const entries = Object.entries((map ?? {}) as Readonly<Record<string, string | null>>);
  return entries.map(([key, value]) => `--${name}=${key}=${value ?? ''}`);
}
