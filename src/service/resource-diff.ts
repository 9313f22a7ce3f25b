import type { Difference } from '../model/difference.ts';
import type { NetworkSpec, VolumeSpec } from '../model/service.ts';
import { Inspected } from './inspected.ts';

type Texts = Readonly<Record<string, string | null>>;
interface Ipam {
  readonly driver?: string;
  readonly options?: Texts;
  readonly config?: readonly {
    readonly subnet?: string;
    readonly ip_range?: string;
    readonly gateway?: string;
    readonly aux_addresses?: Texts;
  }[];
}

/** Options that docker itself gives to networks; Compose sets the same ones aside. */
const dockersOwn: ReadonlySet<string> = new Set([
  'com.docker.network.driver.overlay.vxlanid_list',
  'com.docker.network.windowsshim.hnsid',
  'com.docker.network.windowsshim.networkname',
]);

/** Whether a definition says anything that an existing network or volume could differ in: `backend: {}` does not. */
export function saysAnything({ external, options }: NetworkSpec): boolean {
  return !external && Object.keys(options).length > 0;
}

/** What a network, as `docker network inspect` shows it, has otherwise than its definition. */
export function networkDifferences({ options }: NetworkSpec, inspect: Readonly<Record<string, unknown>>): Difference[] {
  const network = new Inspected(inspect);
  const flag = (key: string, path: string): Difference[] =>
    difference(key, String(network.flag(path)), String(options[key] === true));
  return [
    ...difference('driver', network.text('Driver'), text(options['driver'], 'bridge')),
    ...mapDifferences('driver_opts', network.textMap('Options'), options['driver_opts']),
    ...flag('internal', 'Internal'),
    ...flag('attachable', 'Attachable'),
    ...flag('enable_ipv6', 'EnableIPv6'),
    ...ipamDifferences(options['ipam'] as Ipam | undefined, network),
    ...mapDifferences('labels', network.textMap('Labels'), options['labels']),
  ];
}

/** The same of a volume. */
export function volumeDifferences({ options }: VolumeSpec, inspect: Readonly<Record<string, unknown>>): Difference[] {
  const volume = new Inspected(inspect);
  return [
    ...difference('driver', volume.text('Driver'), text(options['driver'], 'local')),
    ...mapDifferences('driver_opts', volume.textMap('Options'), options['driver_opts']),
    ...mapDifferences('labels', volume.textMap('Labels'), options['labels']),
  ];
}

/** Only what is written: the rest was docker's choice. */
function ipamDifferences(ipam: Ipam | undefined, network: Inspected): Difference[] {
  if (ipam === undefined) return [];
  const { driver, options, config } = ipam;
  const found = network.items('IPAM.Config');
  const pools = (config ?? []).flatMap((pool, index) => {
    const has = found.find((item) => item.text('Subnet') === pool.subnet) ?? found[index] ?? new Inspected({});
    const of = (key: 'subnet' | 'ip_range' | 'gateway', path: string): Difference[] => {
      const want = pool[key];
      return want === undefined ? [] : difference(`ipam.config.${index}.${key}`, has.text(path), want);
    };
    return [
      ...of('subnet', 'Subnet'),
      ...of('ip_range', 'IPRange'),
      ...of('gateway', 'Gateway'),
      ...(pool.aux_addresses === undefined
        ? []
        : mapDifferences(`ipam.config.${index}.aux_addresses`, has.textMap('AuxiliaryAddresses'), pool.aux_addresses)),
    ];
  });
  return [
    ...(driver === undefined ? [] : difference('ipam.driver', network.text('IPAM.Driver'), driver)),
    ...(options === undefined ? [] : mapDifferences('ipam.options', network.textMap('IPAM.Options'), options)),
    ...(config !== undefined && config.length !== found.length
      ? difference('ipam.config', `${found.length} subnets`, `${config.length} subnets`)
      : pools),
  ];
}

function mapDifferences(path: string, has: Readonly<Record<string, string>>, wanted: unknown): Difference[] {
  const want = (wanted ?? {}) as Texts;
  const keys = [...new Set([...Object.keys(has), ...Object.keys(want)])].filter((key) => !dockersOwn.has(key)).sort();
  return keys.flatMap((key) =>
    difference(`${path}.${key}`, has[key], Object.hasOwn(want, key) ? (want[key] ?? '') : undefined),
  );
}

function difference(path: string, from: string | undefined, to: string | undefined): Difference[] {
  if (from === to) return [];
  return [{ path, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }];
}

function text(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}
