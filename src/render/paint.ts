import { styleText } from 'node:util';
import { displayWidth, truncate } from './width.ts';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** Puts a style around text, or leaves it as it is. */
export type Painter = (style: Style, text: string) => string;

export interface Segment {
  readonly text: string;
  readonly style?: Style;
}

/** Whether there is colour was decided from flags and environment already: node is not to ask its own stdout again. */
export function createPainter(color: boolean): Painter {
  return color ? (style, text) => styleText(style, text, { validateStream: false }) : (_style, text) => text;
}

/** One line: `left` cut with `…` where needed, and `right` at the right end, within `columns`. */
export function fitLine(left: readonly Segment[], right: Segment | undefined, columns: number, paint: Painter): string {
  // A character in the last column makes some terminals wrap.
  const width = columns - 1;
  const rightColumns = right === undefined ? 0 : displayWidth(right.text);
  let room = right === undefined ? width : width - rightColumns - 2;
  if (right !== undefined && room < 10) return fitLine(left, undefined, columns, paint);
  let line = '';
  for (const { text, style } of left) {
    const shown = truncate(text, room);
    room -= displayWidth(shown);
    line += style === undefined || shown === '' ? shown : paint(style, shown);
    if (shown !== text) break;
  }
  if (right === undefined) return line;
  return `${line}${' '.repeat(room + 2)}${right.style === undefined ? right.text : paint(right.style, right.text)}`;
}
