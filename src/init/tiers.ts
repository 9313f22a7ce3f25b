import { formatImageRef, type ImageRef } from '../model/image.ts';
import { identifier } from './secret-names.ts';
import type { FoundHost, WrittenService } from './service.ts';

/** Hosts that run the same: a play of the playbook. */
export interface Tier {
  /** Of the play, and of the group in the inventory. */
  readonly name: string;
  readonly hosts: readonly string[];
  readonly services: readonly WrittenService[];
}

interface HostServices {
  readonly host: FoundHost;
  readonly services: readonly WrittenService[];
}

/**
 * One tier for all hosts that run the same services, in the order of the hosts. A value that is the host's own name or
 * address becomes the variable for it where that makes hosts alike.
 */
export function tiersOf(found: readonly HostServices[]): readonly Tier[] {
  const byText = new Map<string, HostServices[]>();
  for (const each of found.filter(({ services }) => services.length > 0)) {
    const key = keyOf(templated(each.services, each.host));
    byText.set(key, [...(byText.get(key) ?? []), each]);
  }
  const groups = [...byText.values()];
  const names = namesOf(groups);
  return groups.map((group, index) => {
    const [first] = group;
    const isAlike = new Set(group.map(({ services }) => keyOf(services))).size === 1;
    const services = first === undefined ? [] : isAlike ? first.services : templated(first.services, first.host);
    return { name: names[index] ?? `tier_${index + 1}`, hosts: group.map(({ host }) => host.name), services };
  });
}

/** Images that all tiers agree on, which make a composition, and those that a tier has otherwise. */
export function imagesOf(tiers: readonly Tier[]): {
  readonly common: ReadonlyMap<string, ImageRef>;
  readonly own: ReadonlyMap<Tier, ReadonlyMap<string, ImageRef>>;
} {
  const byName = new Map<string, Set<string>>();
  for (const { name, image } of tiers.flatMap(({ services }) => services))
    byName.set(name, (byName.get(name) ?? new Set()).add(formatImageRef(image)));
  const split = (isCommon: boolean, services: readonly WrittenService[]): [string, ImageRef][] =>
    services.filter(({ name }) => (byName.get(name)?.size === 1) === isCommon).map(({ name, image }) => [name, image]);
  return {
    common: new Map(tiers.flatMap(({ services }) => split(true, services))),
    own: new Map(tiers.map((tier) => [tier, new Map(split(false, tier.services))])),
  };
}

/** `web` for a fleet of one kind; else a tier is called after a service that no other one has. */
function namesOf(groups: readonly (readonly HostServices[])[]): readonly string[] {
  if (groups.length === 1) return ['web'];
  const services = groups.map(([first]) => first?.services.map(({ name }) => name) ?? []);
  const hosts = new Set(groups.flat().map(({ host }) => host.name));
  const taken = new Set<string>();
  return services.map((own, index) => {
    const others = services.filter((_, other) => other !== index).flat();
    const wish = identifier(own.find((name) => !others.includes(name)) ?? `tier_${index + 1}`);
    const name = hosts.has(wish) || taken.has(wish) ? `${wish}_hosts_${index + 1}` : wish;
    taken.add(name);
    return name;
  });
}

function keyOf(services: readonly WrittenService[]): string {
  return JSON.stringify(services.map(({ name, value, image }) => [name, value, formatImageRef(image)]));
}

/** Templates for what is the host's own. Escaped before, so that nothing else of a value is a template. */
function templated(services: readonly WrittenService[], { name, address }: FoundHost): readonly WrittenService[] {
  const own = [
    [name, '{{ inventory_hostname }}'],
    [address, '{{ ansible_host }}'],
  ].filter((pair): pair is [string, string] => pair[0] !== undefined && pair[0].length > 1);
  const replace = (value: unknown): unknown => {
    if (typeof value === 'string')
      return own.reduce((text, [word, template]) => text.replaceAll(wholeWord(word), template), value);
    if (Array.isArray(value)) return value.map(replace);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replace(item)]));
  };
  return services.map((service) => ({ ...service, value: replace(service.value) as WrittenService['value'] }));
}

function wholeWord(word: string): RegExp {
  return new RegExp(
    String.raw`(?<![\w.-])${word.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)}(?![\w-]|\.\w)`,
    'g',
  );
}
