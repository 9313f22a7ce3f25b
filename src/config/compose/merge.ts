import type { Value } from '../../model/host.ts';
import { isMapping } from '../document.ts';
import type { Place } from '../text/source.ts';
import { entriesIn, itemsIn, listOf, mappingOf, type Entry } from './tree.ts';
import { withoutRepeats } from './unique.ts';

/** Says that a value cannot be laid over another one. */
export type ReportMerge = (place: Place | undefined, path: readonly string[], message: string) => void;

/** How two values of a key become one where that is not what their kinds say. */
type Rule = (base: Entry, over: Entry, path: readonly string[], report: ReportMerge) => Value;

/**
 * Lays one Compose file over another as Compose does: mappings are merged, lists are joined, everything else is
 * replaced; what a key of a service is for may say otherwise. `null` changes nothing.
 */
export function merge(base: Entry, over: Entry, path: readonly string[], report: ReportMerge): Entry {
  const rule = ruleOf(path);
  if (rule !== undefined) return { ...over, value: rule(base, over, path, report) };
  if (over.value === null) return base;
  if (isMapping(base.value)) {
    if (isMapping(over.value)) return { ...over, value: mergeMappings(base.value, over.value, path, report) };
    report(over.place, path, 'must be a mapping, as in the file before it');
    return base;
  }
  if (Array.isArray(base.value)) {
    if (Array.isArray(over.value)) return { ...over, value: joined(base.value, over.value, path) };
    report(over.place, path, 'must be a list, as in the file before it');
    return base;
  }
  return over;
}

function mergeMappings(base: Value, over: Value, path: readonly string[], report: ReportMerge): Value {
  const merged = entriesIn(base);
  for (const [key, entry] of entriesIn(over)) {
    const earlier = merged.get(key);
    merged.set(key, earlier === undefined ? entry : merge(earlier, entry, [...path, key], report));
  }
  return mappingOf(merged);
}

function joined(base: Value, over: Value, path: readonly string[]): Value {
  return withoutRepeats(listOf([...itemsIn(base), ...itemsIn(over)]), path);
}

const replaced: Rule = (_, over) => over.value;

/** `NAME=value` lists and mappings of the same. */
const pairs: Rule = (base, over) =>
  mappingOf(new Map([...entriesIn(pairsOf(base.value)), ...entriesIn(pairsOf(over.value))]));

/** One text or a list of them. */
const texts: Rule = (base, over, path) => joined(listFrom(base.value), listFrom(over.value), path);

/** A list of names, or a mapping of them to settings. */
const names =
  (settings: Value): Rule =>
  (base, over, path, report) =>
    mergeMappings(namesOf(base.value, settings), namesOf(over.value, settings), path, report);

/** Options of a log driver belong to that driver. */
const logging: Rule = (base, over, path, report) => {
  const [before, after] = [driverOf(base.value), driverOf(over.value)];
  if (before !== undefined && after !== undefined && before !== after) return over.value;
  return mergeMappings(base.value, over.value, path, report);
};

const ofService: Readonly<Record<string, Rule>> = {
  annotations: pairs,
  command: replaced,
  depends_on: names({ condition: 'service_started', required: true }),
  dns: texts,
  dns_opt: texts,
  dns_search: texts,
  entrypoint: replaced,
  env_file: texts,
  environment: pairs,
  extra_hosts: (base, over, path) => joined(hostsOf(base.value), hostsOf(over.value), path),
  label_file: texts,
  labels: pairs,
  logging,
  networks: names(null),
  sysctls: pairs,
  tmpfs: texts,
};

function ruleOf([section, , key = '', inner, ...more]: readonly string[]): Rule | undefined {
  if (section === 'services') {
    if (inner === undefined) return Object.hasOwn(ofService, key) ? ofService[key] : undefined;
    if (more.length > 0) return undefined;
    if (key === 'healthcheck' && inner === 'test') return replaced;
    if (key === 'ulimits') return replaced;
    return key === 'deploy' && inner === 'labels' ? pairs : undefined;
  }
  if (key === 'labels' && inner === undefined) return pairs;
  return section === 'networks' && key === 'ipam' && inner === 'config' && more.length === 0
    ? addressRanges
    : undefined;
}

/** A range of a later file is the one of the same subnet, with what else that file says. */
const addressRanges: Rule = (base, over, path, report) => {
  const ranges = itemsIn(base.value);
  for (const range of itemsIn(over.value)) {
    const subnet = entriesIn(range.value).get('subnet')?.value;
    const at = ranges.findIndex(({ value }) => entriesIn(value).get('subnet')?.value === subnet);
    const earlier = ranges[at];
    if (earlier === undefined) ranges.push(range);
    else ranges[at] = { ...range, value: mergeMappings(earlier.value, range.value, path, report) };
  }
  return listOf(ranges);
};

function pairsOf(value: Value): Value {
  if (!Array.isArray(value)) return value;
  const entries = itemsIn(value).map((item): [string, Entry] => {
    const text = textOf(item.value);
    const equals = text.indexOf('=');
    return equals === -1
      ? [text, { ...item, keyPlace: item.place, value: null }]
      : [text.slice(0, equals), { ...item, keyPlace: item.place, value: text.slice(equals + 1) }];
  });
  return mappingOf(new Map(entries));
}

function textOf(value: Value): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function listFrom(value: Value): Value {
  if (Array.isArray(value)) return value as readonly Value[];
  return value === null ? [] : [value];
}

function namesOf(value: Value, settings: Value): Value {
  if (!Array.isArray(value)) return value;
  return mappingOf(
    new Map(itemsIn(value).map((item) => [textOf(item.value), { ...item, keyPlace: item.place, value: settings }])),
  );
}

function hostsOf(value: Value): Value {
  if (Array.isArray(value)) return value as readonly Value[];
  return listOf(
    [...entriesIn(value)].flatMap(([name, entry]) =>
      itemsIn(listFrom(entry.value)).map(({ value: address }) => ({
        ...entry,
        value: `${name}=${textOf(address)}`,
      })),
    ),
  );
}

function driverOf(value: Value): Value | undefined {
  return entriesIn(value).get('driver')?.value;
}
