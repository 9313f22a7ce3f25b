import type { Value } from '../../model/host.ts';
import { isMapping } from '../document.ts';
import { entriesIn, itemsIn, listOf, mappingOf, type Entry } from './tree.ts';

/** What two items of a list must not share: the later one stands in the place of the earlier. */
type KeyOf = (item: Value) => string;

const whole: KeyOf = (item) => JSON.stringify(item);
const name: KeyOf = (item) => (typeof item === 'string' ? (item.split('=', 1)[0] ?? '') : whole(item));
const field =
  (key: string, short: (text: string) => string): KeyOf =>
  (item) => {
    const value = typeof item === 'string' ? short(item) : entriesIn(item).get(key)?.value;
    return typeof value === 'string' ? value : whole(item);
  };
const mountTarget = (text: string): string => {
  const [first = '', second] = text.split(':');
  return second ?? first;
};

const ofService: Readonly<Record<string, KeyOf>> = {
  annotations: name,
  cap_add: name,
  cap_drop: name,
  configs: field('target', (text) => `/${text}`),
  devices: field('target', mountTarget),
  dns: name,
  dns_opt: name,
  dns_search: name,
  env_file: field('path', (text) => text),
  environment: name,
  expose: (item) => (typeof item === 'string' ? item : whole(item)),
  extra_hosts: whole,
  labels: name,
  ports: whole,
  profiles: name,
  secrets: field('target', (text) => `/run/secrets/${text}`),
  sysctls: name,
  tmpfs: name,
  volumes: field('target', mountTarget),
};

/** A list of a service without items that a later one replaces; any other value as it is. */
export function withoutRepeats(list: Value, [section, , key = '', ...more]: readonly string[]): Value {
  const keyOf =
    section === 'services' && more.length === 0 && Object.hasOwn(ofService, key) ? ofService[key] : undefined;
  if (keyOf === undefined || !Array.isArray(list)) return list;
  const kept = new Map<string, Entry>();
  for (const item of itemsIn(list)) kept.set(keyOf(item.value), item);
  return kept.size === list.length ? list : listOf([...kept.values()]);
}

/** Every service of a file with lists as {@link withoutRepeats} leaves them. */
export function withUniqueItems(model: Value): Value {
  return mapEntry(model, 'services', (services) =>
    mapEntries(services, (service, named) =>
      mapEntries(service, (value, key) => withoutRepeats(value, ['services', named, key])),
    ),
  );
}

function mapEntry(mapping: Value, key: string, change: (value: Value) => Value): Value {
  return mapEntries(mapping, (value, at) => (at === key ? change(value) : value));
}

/** A mapping with other values in the same places; anything else as it is. */
export function mapEntries(mapping: Value, change: (value: Value, key: string) => Value): Value {
  if (!isMapping(mapping)) return mapping;
  return mappingOf(
    new Map([...entriesIn(mapping)].map(([key, entry]) => [key, { ...entry, value: change(entry.value, key) }])),
  );
}
