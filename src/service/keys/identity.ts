import * as z from 'zod';
import { isIpv4, isIpv6 } from '../addresses.ts';
import type { Inspected } from '../inspected.ts';
import { containerKey, type ServiceKey } from '../key.ts';
import { sortedTexts, splitPair, text, texts, unlessEmpty } from '../values.ts';
import { textsKey } from './simple.ts';

/** As resolvers and the kernel take it; docker itself takes nearly anything. */
export const hostName = /^\w[\w.-]*$/;

/** What the container is called, and how it finds others by name. */
export const identityKeys: readonly ServiceKey[] = [
  nameKey('hostname', "The container's own host name; the start of its id by default.", 'Config.Hostname'),
  nameKey('domainname', "The container's NIS domain name.", 'Config.Domainname'),
  textsKey('dns', 'Name servers, in order.', 'dns', 'HostConfig.Dns', {
    ordered: true,
    fault: (value) => (isIpv4(value) || isIpv6(value) ? undefined : 'must be an address'),
  }),
  textsKey(
    'dns_search',
    'Domains that are searched for short names, in order; `.` for none.',
    'dns-search',
    'HostConfig.DnsSearch',
    {
      ordered: true,
    },
  ),
  textsKey('dns_opt', 'Options of the resolver, as in resolv.conf.', 'dns-option', 'HostConfig.DnsOptions'),
  containerKey<readonly (readonly [string, string | null])[], readonly string[]>({
    name: 'extra_hosts',
    doc: "Lines for the container's /etc/hosts: a list of HOST=IP or HOST:IP, or a mapping. `host-gateway` stands for the host's address.",
    schema: () =>
      z
        .union([z.array(text).transform((lines) => lines.map(splitPair)), z.record(z.string(), texts)], {
          error: 'must be a list of HOST=IP, or a mapping',
        })
        .transform((value): (readonly [string, string | null])[] =>
          Array.isArray(value)
            ? value
            : Object.entries(value).flatMap(([name, addresses]) =>
                addresses.map((address) => [name, address] as const),
              ),
        ),
    canonical: (pairs, scope) => {
      const lines = pairs.map(([name, address]) => {
        // A list entry with a colon has no `=` to split at: the name is all before the first colon.
        const [host = '', ...rest] = address === null ? name.split(':') : [name, address];
        const ip = rest.join(':').replace(/^\[(.*)\]$/, '$1');
        if (!hostName.test(host) || !(isIpv4(ip) || isIpv6(ip) || ip === 'host-gateway'))
          scope.problem([], `must be HOST=IP or HOST:IP; got ${JSON.stringify(ip === '' ? name : `${host}:${ip}`)}`);
        return `${host}:${ip}`;
      });
      return unlessEmpty(sortedTexts(lines));
    },
    create: (lines, sink) => lines.forEach((line) => sink.option('add-host', line)),
    read: (container) => unlessEmpty(sortedTexts(container.texts('HostConfig.ExtraHosts'))),
  }),
];

/** A name that docker itself fills in: from the id, or from the host or container whose names are shared. */
function nameKey(name: string, doc: string, path: string): ServiceKey {
  return containerKey<string, string>({
    name,
    doc,
    schema: () => text,
    blank: 'default',
    canonical: (value, scope) => {
      // The kernel's limit; docker finds out when it starts the container.
      if (!hostName.test(value) || value.length > 64)
        scope.problem(
          [],
          `must be a name of at most 64 letters, digits, dots, dashes or underscores; got ${JSON.stringify(value)}`,
        );
      return value;
    },
    create: (value, sink) => sink.option(name, value),
    read: (container, desired) => {
      const value = container.text(path);
      const isDockers = value === '' || value === container.text('Id').slice(0, 12) || sharesNames(container);
      return isDockers && desired !== value ? undefined : value;
    },
  });
}

function sharesNames(container: Inspected): boolean {
  return (
    /^(?:host$|container:)/.test(container.text('HostConfig.NetworkMode')) ||
    container.text('HostConfig.UTSMode') === 'host'
  );
}
