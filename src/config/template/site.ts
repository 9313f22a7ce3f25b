import type { Problem } from '../../model/problem.ts';
import { Source, type Place } from '../text/source.ts';
import type { TemplateProblem } from './engine.ts';

/** Where a template stands, for errors: its place, and its path in the file (`plays[0].hosts`). */
export interface Site {
  readonly place: Place | undefined;
  readonly path: string;
}

/** `a.b`, `a[0]`: a path as configuration errors write it. */
export function joinPath(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  if (!/^[\p{L}\p{N}_*-]+$/u.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === '' ? key : `${path}.${key}`;
}

export function problemAt(site: Site, offset: number, message: string): Problem {
  const source = site.place?.source ?? new Source('<computed>', '');
  return source.problem(offset, site.path, message);
}

/**
 * The offset in the file of something inside a template. Quotes, escapes and folded lines lie between the two, so the
 * words are looked for in the text as it was written: the same occurrence of them.
 */
export function offsetIn(place: Place | undefined, template: string, { start, end }: TemplateProblem): number {
  if (place === undefined) return 0;
  const words = template.slice(start, end);
  const written = place.source.text.slice(place.start, place.end);
  if (words.trim() === '' || words === template) return place.start;
  const before = template.slice(0, start).split(words).length - 1;
  let at = -1;
  for (let occurrence = 0; occurrence <= before; occurrence++) at = written.indexOf(words, at + 1);
  return at === -1 ? place.start : place.start + at;
}
