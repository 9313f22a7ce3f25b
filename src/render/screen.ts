import { guardedWriter, sizeOf, type OutputStream } from './output.ts';
import { sanitize } from './sanitize.ts';
import { displayWidth, truncate } from './width.ts';

/** A live region at the end of what a terminal shows. */
export interface Screen {
  /** Writes `log` above, and the region below it anew. */
  draw(log: readonly string[], region: readonly string[], columns: number): void;
  restore(): void;
}

/** Where the region is on the terminal, and nothing about what is in it. */
export function createScreen(stdout: OutputStream): Screen {
  const write = guardedWriter(stdout);
  let shown: readonly string[] = [];
  let isHidden = false;
  return {
    draw(log, region, columns) {
      if (log.length === 0 && sameLines(region, shown)) return;
      // After a resize the terminal may have wrapped the old lines: as many rows as they take now.
      const rows = shown.reduce((sum, line) => sum + Math.max(1, Math.ceil(visibleWidth(line) / columns)), 0);
      const up = rows > 0 ? `\u001b[${rows}A\r` : '';
      const hide = isHidden || region.length === 0 ? '' : '\u001b[?25l';
      isHidden ||= region.length > 0;
      const lines = [...log, ...region].map((line) => `${line}\u001b[K\n`).join('');
      // Terminals that know it show the whole at once; the others pass it over.
      write(`\u001b[?2026h${hide}${up}${lines}\u001b[J\u001b[?2026l`);
      shown = region;
    },
    restore() {
      if (isHidden) write('\u001b[?25h');
      isHidden = false;
    },
  };
}

function sameLines(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, index) => line === b[index]);
}

function visibleWidth(line: string): number {
  // Only our own colours are in it: everything else was sanitised.
  return displayWidth(sanitize(line));
}

/** A line with our own colours in it, cut to `columns`. */
export function truncatePainted(line: string, columns: number): string {
  let room = columns;
  let isCut = false;
  return line
    .split(colours)
    .map((piece) => {
      if (piece.startsWith('\u001b')) return piece;
      if (isCut) return '';
      const shown = truncate(piece, room);
      room -= displayWidth(shown);
      isCut = shown !== piece;
      return shown;
    })
    .join('');
}

// eslint-disable-next-line no-control-regex -- colours begin with one
const colours = /(\u001b\[[0-9;]*m)/;

/** Lines as a terminal of this size can show them at once. */
export function fitScreen(lines: readonly string[], stdout: OutputStream): readonly string[] {
  const { columns, rows } = sizeOf(stdout);
  const most = Math.max(2, rows - 1);
  const shown = lines.length <= most ? lines : lines.slice(0, most - 1);
  const left = lines.length - shown.length;
  const cut = shown.map((line) => truncatePainted(line, columns - 1));
  return left === 0 ? cut : [...cut, `… and ${left} more lines`];
}
