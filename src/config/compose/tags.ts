import type { Value } from '../../model/host.ts';
import { isMapping } from '../document.ts';
import { entriesIn, itemsIn, listOf, mappingOf } from './tree.ts';

/** A place that `!reset` or `!override` marks in a file: what earlier files have there goes. */
export type Mark = readonly string[];

/** A file without what it resets, and the places where earlier files lose theirs. */
export function takeMarks(value: Value): { readonly value: Value; readonly marks: readonly Mark[] } {
  const marks: Mark[] = [];
  const walk = (item: Value, path: Mark): Value => {
    if (Array.isArray(item))
      return listOf(
        itemsIn(item)
          .filter(({ place }) => place?.merge !== '!reset')
          .map((entry, index) => ({ ...entry, value: walk(entry.value, [...path, String(index)]) })),
      );
    if (!isMapping(item)) return item;
    const kept = entriesIn(item);
    for (const [key, entry] of kept) {
      const at = [...path, key];
      if (entry.place?.merge !== undefined) marks.push(at);
      if (entry.place?.merge === '!reset') kept.delete(key);
      else kept.set(key, { ...entry, value: walk(entry.value, at) });
    }
    return mappingOf(kept);
  };
  return { value: walk(value, []), marks };
}

/** What is left of an earlier file. */
export function withoutMarked(value: Value, marks: readonly Mark[]): Value {
  if (marks.length === 0 || !isMapping(value)) return value;
  const kept = entriesIn(value);
  for (const [key, entry] of kept) {
    const inner = marks.flatMap(([first, ...rest]) => (first === key ? [rest] : []));
    if (inner.some((rest) => rest.length === 0)) kept.delete(key);
    else kept.set(key, { ...entry, value: withoutMarked(entry.value, inner) });
  }
  return mappingOf(kept);
}
