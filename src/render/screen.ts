import { guardedWriter, sizeOf, type OutputStream } from './output.ts';
import { sanitize } from './sanitize.ts';
import { displayWidth, truncate } from './width.ts';

interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** Lines of an older region that a terminal has pushed off its top when it was made smaller. */
interface PushedOff {
  readonly lines: readonly string[];
  /** Of the terminal then. */
  readonly rows: number;
  /** What was written above the region since. */
  readonly since: readonly string[];
}

/** A live region at the end of what a terminal shows. */
export interface Screen {
  /** Writes `log` above, and the region below it anew. */
  draw(log: readonly string[], region: readonly string[], size: TerminalSize): void;
  restore(): void;
}

/** Where the region is on the terminal, and nothing about what is in it. */
export function createScreen(stdout: OutputStream): Screen {
  const write = guardedWriter(stdout);
  let shown: readonly string[] = [];
  let pushedOff: PushedOff | undefined;
  let isHidden = false;

  /** How many rows up the new text begins, and what of the older text is in them and stays. */
  const begin = (size: TerminalSize): { readonly rows: number; readonly again: readonly string[] } => {
    const most = size.rows - 1;
    // After a resize the terminal may have wrapped the old lines: as many rows as they take now.
    const rows = heightOf(shown, size);
    if (rows > most) {
      const kept = linesWithin(shown, most, size);
      pushedOff = { lines: shown.slice(0, shown.length - kept.length), rows: size.rows, since: [] };
      return { rows: heightOf(kept, size), again: [] };
    }
    if (pushedOff === undefined || size.rows <= pushedOff.rows) return { rows, again: [] };
    // Made larger, a terminal takes back what it has pushed off.
    const { lines, since } = pushedOff;
    const below = heightOf(since, size) + rows;
    const reached = linesWithin(lines, most - below, size);
    if (reached.length === 0) return { rows, again: [] };
    const left = lines.slice(0, lines.length - reached.length);
    pushedOff = left.length === 0 ? undefined : { lines: left, rows: size.rows, since };
    return { rows: heightOf(reached, size) + below, again: since };
  };

  return {
    draw(log, region, size) {
      if (log.length === 0 && sameLines(region, shown)) return;
      const { rows, again } = begin(size);
      const up = rows > 0 ? `\u001b[${rows}A\r` : '';
      const hide = isHidden || region.length === 0 ? '' : '\u001b[?25l';
      isHidden ||= region.length > 0;
      const lines = [...again, ...log, ...region].map((line) => `${line}\u001b[K\n`).join('');
      // Terminals that know it show the whole at once; the others pass it over.
      write(`\u001b[?2026h${hide}${up}${lines}\u001b[J\u001b[?2026l`);
      shown = region;
      if (pushedOff === undefined) return;
      const since = [...pushedOff.since, ...log];
      pushedOff = since.length > mostSince ? undefined : { ...pushedOff, since };
    },
    restore() {
      if (isHidden) write('\u001b[?25h');
      isHidden = false;
    },
  };
}

/** No terminal is that high: lines behind so many are out of reach. */
const mostSince = 500;

const heightOf = (lines: readonly string[], { columns }: TerminalSize): number =>
  lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(visibleWidth(line) / columns)), 0);

/** The last lines that so many rows show whole: one that begins above them is none of theirs. */
function linesWithin(lines: readonly string[], rows: number, size: TerminalSize): readonly string[] {
  let at = lines.length;
  for (let left = rows; at > 0; at -= 1) {
    left -= heightOf(lines.slice(at - 1, at), size);
    if (left < 0) break;
  }
  return lines.slice(at);
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
