import { closest } from '../../model/closest.ts';

/** `. Did you mean x?`, or nothing: the tail of a message. */
export function didYouMean(written: string, known: Iterable<string>): string {
  const name = closest(written, known);
  return name === undefined ? '' : `. Did you mean ${name}?`;
}
