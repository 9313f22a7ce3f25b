import type { Value } from '../../model/host.ts';
import { isMapping } from '../document.ts';
import { placeOf, placeOfKey, rememberOrigin } from '../text/origins.ts';
import type { Place } from '../text/source.ts';
import { setOwn } from '../text/yaml.ts';

/** A value with the places of itself and of its key, while files are put together. */
export interface Entry {
  readonly value: Value;
  readonly place?: Place | undefined;
  readonly keyPlace?: Place | undefined;
}

/** The entries of a mapping; none where it is none. */
export function entriesIn(value: Value | undefined): Map<string, Entry> {
  if (!isMapping(value)) return new Map();
  return new Map(
    Object.entries(value).map(([key, item]) => [
      key,
      { value: item, place: placeOf(value, key), keyPlace: placeOfKey(value, key) },
    ]),
  );
}

/** The items of a list; none where it is none. */
export function itemsIn(value: Value | undefined): Entry[] {
  if (!Array.isArray(value)) return [];
  return (value as readonly Value[]).map((item, index) => ({ value: item, place: placeOf(value, index) }));
}

/** A mapping whose entries keep their places. */
export function mappingOf(entries: ReadonlyMap<string, Entry>): Value {
  const mapping: Record<string, Value> = {};
  for (const [key, { value }] of entries) setOwn(mapping, key, value);
  rememberOrigin(mapping, (key, wantsKey) => {
    const entry = entries.get(String(key));
    return wantsKey ? entry?.keyPlace : entry?.place;
  });
  return mapping;
}

/** A list whose items keep their places. */
export function listOf(items: readonly Entry[]): Value {
  const list = items.map(({ value }) => value);
  rememberOrigin(list, (index) => items[Number(index)]?.place);
  return list;
}
