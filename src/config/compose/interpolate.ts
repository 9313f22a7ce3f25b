import type { Value } from '../../model/host.ts';
import { Secret } from '../../model/secret.ts';
import { interpolateText, type Lookup } from '../../shell/variables.ts';
import { placeOf, placeOfKey, rememberOrigin } from '../text/origins.ts';
import { protectFromTemplates, setOwn } from '../text/yaml.ts';

/** Puts variables into the texts of a Compose file. Braces of other template languages in it stay as they are. */
export function interpolate(
  value: Value,
  lookup: Lookup,
  report: (path: readonly (string | number)[], message: string) => void,
): Value {
  const walk = (item: Value, path: readonly (string | number)[]): Value => {
    if (typeof item === 'string')
      return protectFromTemplates(interpolateText(item, lookup, (message) => report(path, message)));
    if (typeof item !== 'object' || item === null || item instanceof Secret) return item;
    if (Array.isArray(item)) {
      const list = (item as readonly Value[]).map((inner, index) => walk(inner, [...path, index]));
      rememberOrigin(list, (key) => placeOf(item, key));
      return list;
    }
    const mapping: Record<string, Value> = {};
    for (const [key, inner] of Object.entries(item as Record<string, Value>))
      setOwn(mapping, key, walk(inner, [...path, key]));
    rememberOrigin(mapping, (key, wantsKey) => (wantsKey ? placeOfKey : placeOf)(item, key));
    return mapping;
  };
  return walk(value, []);
}
