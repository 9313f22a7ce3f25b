import type { Place } from './source.ts';

/** Finds where one entry of a container stands; `key: true` asks for its key instead of its value. */
type Locate = (key: string | number, wantsKey: boolean) => Place | undefined;

// Containers of values remember the text that they came from, so that an error in a template that is found
// much later, for one host of many, still names its line. The values themselves stay plain data.
const origins = new WeakMap<object, Locate>();

export function rememberOrigin(container: object, locate: Locate): void {
  origins.set(container, locate);
}

/** Where `container[key]` was written; `undefined` for values that were computed. */
export function placeOf(container: object, key: string | number): Place | undefined {
  return origins.get(container)?.(key, false);
}

/** Where the key itself was written. */
export function placeOfKey(container: object, key: string | number): Place | undefined {
  return origins.get(container)?.(key, true);
}
