import * as z from 'zod';
import { isIpv4, isIpv6, isMacAddress } from '../addresses.ts';
import { containerKey, type KeyScope, type ServiceKey } from '../key.ts';
import { numberBetween, sorted, sortedTexts, text, textMap, texts, unlessEmpty } from '../values.ts';
import { sharedMode } from '../shared.ts';
import { hostName } from './identity.ts';
import { textKey } from './simple.ts';

/** How the container is known in one network. Absent fields are docker's choice. */
type Attachment = Readonly<Record<string, string | readonly string[] | Readonly<Record<string, string>>>>;

const attachment = () =>
  z.strictObject(
    {
      aliases: texts.optional(),
      ipv4_address: text.optional(),
      ipv6_address: text.optional(),
      link_local_ips: texts.optional(),
      driver_opts: textMap.optional(),
      priority: numberBetween(-1_000_000, 1_000_000).optional(),
    },
    { error: 'must be a mapping with aliases, ipv4_address, ipv6_address or priority, or nothing' },
  );

/** How the container is reached, and reaches others. */
export const networkKeys: readonly ServiceKey[] = [
  containerKey<
    Readonly<Record<string, z.infer<ReturnType<typeof attachment>> | null>>,
    Readonly<Record<string, Attachment>>
  >({
    name: 'networks',
    doc: "Networks to join: a list of names, or a mapping with aliases, ipv4_address, ipv6_address, link_local_ips, driver_opts and priority. In each the service's own name is an alias. Services without networks share one of their own, `default`; one that would be alone there joins docker's bridge.",
    schema: () =>
      z
        .union([z.array(text), z.record(z.string(), attachment().nullable())], {
          error: 'must be a list of networks, or a mapping',
        })
        .transform((value) => (Array.isArray(value) ? Object.fromEntries(value.map((name) => [name, null])) : value)),
    canonical: (written, scope) => {
      const byPriority = Object.entries(written).sort(
        ([a, left], [b, right]) => (right?.priority ?? 0) - (left?.priority ?? 0) || (a < b ? -1 : 1),
      );
      for (const [name] of byPriority) {
        if (!/^[A-Za-z0-9][\w.-]*$/.test(name))
          scope.problem([name], `is not a network's name; got ${JSON.stringify(name)}`);
        if (name === 'host' || name === 'none')
          scope.problem([name], `is no network to join; write network_mode: ${name}`);
      }
      for (const [name, options] of byPriority) checkAttachment(name, options ?? {}, scope);
      // The default bridge alone is docker's default, and has no names.
      if (byPriority.every(([name]) => name === 'bridge')) return undefined;
      return unlessEmpty(
        Object.fromEntries(
          byPriority.map(([name, options]) => [
            scope.context.networkNames?.get(name) ?? name,
            canonicalAttachment(name, options ?? {}, scope.service),
          ]),
        ),
      );
    },
    create: (networks, sink) =>
      Object.entries(networks).forEach(
        ([name, { aliases = [], ipv4_address, ipv6_address, link_local_ips = [], driver_opts = {} }]) =>
          sink.network(name, [
            ...(aliases as readonly string[]).map((alias) => ['alias', alias] as const),
            ...(typeof ipv4_address === 'string' ? [['ip', ipv4_address] as const] : []),
            ...(typeof ipv6_address === 'string' ? [['ip6', ipv6_address] as const] : []),
            ...(link_local_ips as readonly string[]).map((ip) => ['link-local-ip', ip] as const),
            ...Object.entries(driver_opts).map(([key, value]) => ['driver-opt', `${key}=${value}`] as const),
          ]),
      ),
    read: (container, desired) => {
      const ownName = container.text('Name').replace(/^\//, '');
      const shortId = container.text('Id').slice(0, 12);
      const onDefaultBridge = ['default', 'bridge', ''].includes(container.text('HostConfig.NetworkMode'));
      const joined = container
        .entries('NetworkSettings.Networks')
        .filter(([name]) => !['host', 'none', ...(onDefaultBridge ? ['bridge'] : [])].includes(name));
      const attachments = joined.map(([name, network]) => {
        const given = network.texts('Aliases').filter((alias) => alias !== shortId);
        // Docker answers to a container's name in every network of its own accord: as an alias it changes nothing.
        const isAsked = [desired?.[name]?.['aliases'] ?? []].flat().some((alias) => alias === ownName);
        const aliases = sortedTexts(isAsked ? [...given, ownName] : given);
        const linkLocalIps = sortedTexts(network.texts('IPAMConfig.LinkLocalIPs'));
        const driverOpts = sorted(network.textMap('DriverOpts'));
        return [
          name,
          {
            ...(aliases.length === 0 ? {} : { aliases }),
            ...present('ipv4_address', network.text('IPAMConfig.IPv4Address')),
            ...present('ipv6_address', network.text('IPAMConfig.IPv6Address')),
            ...(linkLocalIps.length === 0 ? {} : { link_local_ips: linkLocalIps }),
            ...(Object.keys(driverOpts).length === 0 ? {} : { driver_opts: driverOpts }),
          },
        ] as const;
      });
      return unlessEmpty(Object.fromEntries(attachments));
    },
    mutable: true,
  }),
  containerKey<string, string>({
    name: 'network_mode',
    doc: "`host`: the host's own network. `none`: no network. `service:NAME` or `container:NAME`: the network of another container. `bridge` is the default.",
    schema: () => text,
    blank: 'default',
    canonical: (mode, scope) => {
      if (mode === 'bridge' || mode === 'default') return undefined;
      if (mode === 'host' || mode === 'none') return mode;
      if (sharedMode.test(mode)) return mode;
      scope.problem(
        [],
        `must be bridge, host, none, service:NAME or container:NAME; got ${JSON.stringify(mode)}. A network's name goes under networks`,
      );
      return undefined;
    },
    create: (mode, sink) => sink.option('network', mode),
    read: (container, desired) => {
      const mode = container.text('HostConfig.NetworkMode');
      if (mode === 'host' || mode === 'none') return mode;
      return mode.startsWith('container:') ? sameContainer(mode, desired) : undefined;
    },
  }),
  textKey('mac_address', "The container's hardware address in its network.", 'mac-address', 'Config.MacAddress', {
    fault: (value) => (isMacAddress(value) ? undefined : 'must be a hardware address, as 02:42:ac:11:00:02'),
    read: (container, desired) => {
      const asked = container.text('Config.MacAddress');
      if (asked !== '') return asked;
      // Docker 29 tells of an address in its network only, whether somebody asked for it or docker made it up.
      const addresses = container.entries('NetworkSettings.Networks').map(([, network]) => network.text('MacAddress'));
      return addresses.some((address) => address !== '' && address === desired?.toLowerCase()) ? desired : undefined;
    },
  }),
];

/** Docker turns the other container's name into its id, which says no more here: the name asked for stands. */
export function sameContainer(mode: string, desired: string | undefined): string {
  return /^container:[0-9a-f]{64}$/.test(mode) && desired?.startsWith('container:') === true ? desired : mode;
}

/** What docker would say of it only when the container is created, or started. */
function checkAttachment(network: string, options: z.infer<ReturnType<typeof attachment>>, scope: KeyScope): void {
  const { aliases = [], ipv4_address: ipv4 = '', ipv6_address: ipv6 = '', link_local_ips: linkLocal = [] } = options;
  aliases.forEach((alias, index) => {
    if (!hostName.test(alias))
      scope.problem([network, 'aliases', index], `is not a name in a network; got ${JSON.stringify(alias)}`);
  });
  if (ipv4 !== '' && !isIpv4(ipv4))
    scope.problem([network, 'ipv4_address'], `must be an IPv4 address; got ${JSON.stringify(ipv4)}`);
  if (ipv6 !== '' && !isIpv6(ipv6))
    scope.problem([network, 'ipv6_address'], `must be an IPv6 address; got ${JSON.stringify(ipv6)}`);
  for (const ip of linkLocal)
    if (!isIpv4(ip) && !isIpv6(ip))
      scope.problem([network, 'link_local_ips'], `must be addresses; got ${JSON.stringify(ip)}`);
}

function canonicalAttachment(
  network: string,
  options: z.infer<ReturnType<typeof attachment>>,
  service: string,
): Attachment {
  const aliases = network === 'bridge' ? [] : sortedTexts([service, ...(options.aliases ?? [])]);
  const driverOpts = Object.entries(options.driver_opts ?? {}).map(([key, value]): [string, string] => [
    key,
    value ?? '',
  ]);
  return {
    ...(aliases.length === 0 ? {} : { aliases }),
    ...present('ipv4_address', options.ipv4_address),
    ...present('ipv6_address', options.ipv6_address),
    ...(options.link_local_ips === undefined ? {} : { link_local_ips: sortedTexts(options.link_local_ips) }),
    ...(driverOpts.length === 0 ? {} : { driver_opts: sorted(Object.fromEntries(driverOpts)) }),
  };
}

function present<Key extends string>(key: Key, value: string | undefined): Partial<Record<Key, string>> {
  return value === undefined || value === '' ? {} : ({ [key]: value } as Partial<Record<Key, string>>);
}
