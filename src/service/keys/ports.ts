import * as z from 'zod';
import { canonicalIpv6, isIpv4, isIpv6 } from '../addresses.ts';
import { containerKey, type KeyScope, type ServiceKey } from '../key.ts';
import { numberBetween, scalarText, sortedTexts, text, unlessEmpty } from '../values.ts';

const protocols = ['tcp', 'udp', 'sctp'] as const;
const form = 'must be [HOST_IP:][HOST_PORT:]CONTAINER_PORT[/tcp|udp|sctp], where a port may be a range';

/** `8080:80`, `127.0.0.1:8000-8010:80/udp`, `[::1]::53`. */
const shortForm =
  /^(?:(?:(?<ip>\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+\]|):)?(?<host>\d+(?:-\d+)?)?:)?(?<container>\d+(?:-\d+)?)(?:\/(?<protocol>tcp|udp|sctp))?$/i;

const longForm = () =>
  z.strictObject(
    {
      target: numberBetween(1, 65535),
      published: z
        .union(
          [numberBetween(0, 65535), z.string().regex(/^(?:\d+-\d+)?$/, 'must be a port or a range such as 8000-8010')],
          {
            error: 'must be a port or a range such as 8000-8010',
          },
        )
        .optional(),
      host_ip: text
        .transform((value) => value.replace(/^\[(.*)\]$/, '$1'))
        .refine(isAddress, 'must be an IPv4 or IPv6 address of the host')
        .optional(),
      protocol: z.enum(protocols, { error: 'must be tcp, udp or sctp' }).optional(),
      mode: z.enum(['host', 'ingress'], { error: 'must be host or ingress' }).optional(),
      name: text.optional(),
      app_protocol: text.optional(),
    },
    { error: 'must be a port, or a mapping with target and published' },
  );

/** Ports of the container that the host's, or only other containers, can reach. */
export const portKeys: readonly ServiceKey[] = [
  containerKey<readonly unknown[], readonly string[]>({
    name: 'ports',
    doc: 'Ports of the container published on the host, as `HOST:CONTAINER` with an address and a protocol where needed, or as maps with target, published, host_ip and protocol. A range on the host with one port in the container is shared out over the replicas of `scale`.',
    schema: () => z.array(z.union([scalarText, longForm()], { error: form }), { error: 'must be a list of ports' }),
    canonical: (ports, scope) => {
      const published = ports.flatMap((port, index) =>
        typeof port === 'string'
          ? parseShort(port, index, scope)
          : parseLong(port as z.infer<ReturnType<typeof longForm>>, index, scope),
      );
      return unlessEmpty(sortedTexts(published));
    },
    create: (ports, sink) => ports.forEach((port) => sink.option('publish', port)),
    read: (container) =>
      unlessEmpty(
        sortedTexts(
          container
            .entries('HostConfig.PortBindings')
            .flatMap(([target, bindings]) =>
              bindings.rootItems.map((binding) =>
                publishedPort(binding.text('HostIp'), binding.text('HostPort'), target),
              ),
            ),
        ),
      ),
    write: (ports) => ports.map((port) => port.replace(/\/tcp$/, '')),
  }),
  containerKey<readonly string[], readonly string[]>({
    name: 'expose',
    doc: 'Ports that the container listens on, without publishing them. A statement for readers and for tools that inspect containers.',
    schema: () => z.array(scalarText, { error: 'must be a list of ports' }),
    canonical: (ports, scope) => {
      const exposed = ports.flatMap((port, index) => {
        const match = /^(\d+(?:-\d+)?)(?:\/(tcp|udp|sctp))?$/.exec(port);
        if (match === null)
          scope.problem(
            [index],
            `must be a port or a range, with /udp or /sctp where needed; got ${JSON.stringify(port)}`,
          );
        return expandRange(match?.[1] ?? '', index, scope).map((single) => `${single}/${match?.[2] ?? 'tcp'}`);
      });
      return unlessEmpty(sortedTexts(exposed));
    },
    create: (ports, sink) => ports.forEach((port) => sink.option('expose', port)),
    read: (container, desired) => {
      const published = new Set(container.entries('HostConfig.PortBindings').map(([port]) => port));
      const exposed = container.entries('Config.ExposedPorts').map(([port]) => port);
      return unlessEmpty(
        sortedTexts(exposed.filter((port) => !published.has(port) || desired?.includes(port) === true)),
      );
    },
    inherited: (image) => unlessEmpty(sortedTexts(image.entries('Config.ExposedPorts').map(([port]) => port))),
  }),
];

function parseShort(written: string, index: number, scope: KeyScope): string[] {
  const { ip, host, container, protocol } = shortForm.exec(written)?.groups ?? {};
  if (container === undefined) {
    scope.problem([index], `${form}; got ${JSON.stringify(written)}`);
    return [];
  }
  if (ip !== undefined && ip !== '' && !isAddress(ip.replace(/^\[(.*)\]$/, '$1')))
    scope.problem([index], `has ${ip}, which is no address of a host; got ${JSON.stringify(written)}`);
  const targets = expandRange(container, index, scope);
  const suffix = `/${protocol?.toLowerCase() ?? 'tcp'}`;
  if (host === undefined) return targets.map((target) => publishedPort(ip ?? '', '', `${target}${suffix}`));
  const sources = expandRange(host, index, scope);
  // One container port with a range on the host: docker takes the first free one of the range.
  if (targets.length === 1) return [publishedPort(ip ?? '', host, `${targets[0] ?? ''}${suffix}`)];
  if (sources.length !== targets.length) {
    scope.problem(
      [index],
      `has ${sources.length} ports on the host for ${targets.length} in the container; write ranges of the same length`,
    );
  }
  return targets.map((target, offset) => publishedPort(ip ?? '', String(sources[offset]), `${target}${suffix}`));
}

function parseLong(written: z.infer<ReturnType<typeof longForm>>, index: number, scope: KeyScope): string[] {
  const published = written.published === undefined || written.published === 0 ? '' : String(written.published);
  if (published.includes('-')) expandRange(published, index, scope);
  return [publishedPort(written.host_ip ?? '', published, `${written.target}/${written.protocol ?? 'tcp'}`)];
}

function isAddress(text: string): boolean {
  return isIpv4(text) || isIpv6(text);
}

/**
 * Docker's own writing. Without an address it is every one of the host, of IPv4 and of IPv6: `0.0.0.0` is IPv4 alone.
 */
function publishedPort(hostIp: string, hostPort: string, target: string): string {
  const ip = hostIp.includes(':') && !hostIp.startsWith('[') ? `[${hostIp}]` : hostIp;
  const bare = hostPort.replaceAll(/\b0+(?=\d)/g, '');
  const port = bare === '0' ? '' : bare;
  if (ip !== '') return `${ip}:${port}:${target}`;
  return port === '' ? target : `${port}:${target}`;
}

function expandRange(range: string, index: number, scope: KeyScope): number[] {
  const [first = NaN, last = first] = range.split('-').map(Number);
  if (!(first >= 1 && last <= 65535 && first <= last)) {
    if (range !== '' && range !== '0')
      scope.problem([index], `must be ports from 1 to 65535 in rising order; got ${range}`);
    return range === '0' ? [0] : [];
  }
  return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
}

/** A port of the host that a canonical port takes: of `127.0.0.1:8000-8010:80/udp`. Undefined where docker chooses. */
export interface HostPort {
  /** Empty: every address of the host. */
  readonly ip: string;
  /** Docker takes the first free one of a range. */
  readonly first: number;
  readonly last: number;
  readonly protocol: string;
}

export function hostPortOf(port: string): HostPort | undefined {
  const { ip = '', first, last = first, target = '' } = canonicalForm.exec(port)?.groups ?? {};
  if (first === undefined) return undefined;
  const address = ip.replace(/:$/, '').replace(/^\[(.*)\]$/, '$1');
  const protocol = target.split('/')[1] ?? 'tcp';
  return { ip: canonicalIpv6(address) ?? address, first: Number(first), last: Number(last), protocol };
}

const canonicalForm = /^(?<ip>(?:\[[^\]]*\]|[\d.]+):)?(?:(?<first>\d+)(?:-(?<last>\d+))?)?:(?<target>[^:]+)$/;

/**
 * A replica's share of its service's ports: the `replica`th port of every host range that stands for one container
 * port. `undefined` where the ports cannot be shared by `total` replicas.
 */
export function portsOfReplica(
  ports: readonly string[],
  replica: number,
  total: number,
): readonly string[] | undefined {
  const shared = ports.map((port) => {
    const { ip = '', first, last, target = '' } = canonicalForm.exec(port)?.groups ?? {};
    if (first === undefined) return port;
    if (Number(last ?? first) - Number(first) + 1 < total) return undefined;
    return `${ip}${Number(first) + replica}:${target}`;
  });
  return shared.every((port) => port !== undefined) ? shared : undefined;
}
