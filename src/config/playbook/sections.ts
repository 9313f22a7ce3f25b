import type { Value } from '../../model/host.ts';
import { partAt, type Part } from '../document.ts';
import { placeOf, placeOfKey, rememberOrigin } from '../text/origins.ts';
import { setOwn } from '../text/yaml.ts';
import { isMapping } from '../document.ts';

/** The entries of a mapping, each as a part of its file; none where it is no mapping. */
export function entriesOf(part: Part): Map<string, Part> {
  if (!isMapping(part.value)) return new Map();
  return new Map(Object.keys(part.value).map((key) => [key, partAt(part, key)]));
}

/** The items of a list. */
export function itemsOf(part: Part): Part[] {
  return Array.isArray(part.value) ? (part.value as readonly Value[]).map((_, index) => partAt(part, index)) : [];
}

/** A mapping without some keys. */
export function without(part: Part, keys: readonly string[]): Part {
  return isMapping(part.value) && keys.some((key) => key in (part.value as object))
    ? { ...part, value: combined({}, part.value, (key) => !keys.includes(key)) }
    : part;
}

/** Two mappings in one; the second one's keys win. Every key still knows its own file. */
export function overlaid(lower: Part, upper: Part): Part {
  if (!isMapping(lower.value)) return upper;
  if (!isMapping(upper.value)) return upper.value === null ? lower : upper;
  return { ...upper, value: combined(lower.value, upper.value, () => true) };
}

function combined(
  lower: Readonly<Record<string, Value>>,
  upper: Readonly<Record<string, Value>>,
  keeps: (key: string) => boolean,
): Value {
  const mapping: Record<string, Value> = {};
  for (const source of [lower, upper])
    for (const [key, value] of Object.entries(source)) if (keeps(key)) setOwn(mapping, key, value);
  rememberOrigin(mapping, (key, wantsKey) => {
    const find = wantsKey ? placeOfKey : placeOf;
    return (Object.hasOwn(upper, key) ? find(upper, key) : undefined) ?? find(lower, key);
  });
  return mapping;
}
