import { displayWidth } from '../../src/render/width.ts';
import type { OutputStream } from '../../src/render/output.ts';

/** A terminal, as far as the live view uses one: wrapping, scrolling, cursor up, erasing, hiding the cursor, colours. */
export interface Terminal extends OutputStream {
  readonly columns: number;
  readonly rows: number;
  /**
   * As most terminals do it: wraps every line anew, keeps the cursor in its line, and pushes rows off its top or takes
   * them back from there so that the cursor is on the screen.
   */
  resize(columns: number, rows: number): void;
  /** What is on the screen, without trailing spaces. */
  screen(): string[];
  /** Everything since the start, as scrolling back would show it; wrapped rows joined again. */
  history(): string[];
  isCursorHidden(): boolean;
  writes(): number;
  bytes(): number;
}

interface Row {
  text: string;
  wraps: boolean;
}

export function createTerminal(startColumns: number, startRows: number): Terminal {
  let columns = startColumns;
  let rows = startRows;
  const listeners = new Set<() => void>();
  const lines: Row[] = [{ text: '', wraps: false }];
  let top = 0;
  let row = 0;
  let hidden = false;
  let writes = 0;
  let bytes = 0;
  let column = 0;

  const current = (): Row => (lines[row] ??= { text: '', wraps: false });
  const down = (): void => {
    row += 1;
    current();
    top = Math.max(top, row - rows + 1);
  };
  const put = (character: string): void => {
    const width = displayWidth(character);
    if (column + width > columns) {
      current().wraps = true;
      down();
      column = 0;
    }
    const { text } = current();
    // Only overwriting from the row's start and appending happen, and neither within wide characters.
    current().text = text.slice(0, column) + character + text.slice(column + width);
    current().wraps = false;
    column += width;
  };
  const control = (sequence: string): void => {
    // eslint-disable-next-line no-control-regex -- it takes control sequences apart
    const [, digits = '', final = ''] = /^\u001b\[\??([\d;]*)([A-Za-z])$/.exec(sequence) ?? [];
    if (sequence === '\u001b[?25l') hidden = true;
    else if (sequence === '\u001b[?25h') hidden = false;
    else if (final === 'A') row = Math.max(top, row - Number(digits));
    else if (final === 'K') current().text = current().text.slice(0, column);
    else if (final === 'J') {
      current().text = current().text.slice(0, column);
      lines.length = row + 1;
    } else if (final !== 'm' && !sequence.startsWith('\u001b[?2026')) {
      throw new Error(`a terminal may not know ${JSON.stringify(sequence)}`);
    }
  };

  return {
    isTTY: true,
    get columns() {
      return columns;
    },
    get rows() {
      return rows;
    },
    on: (event, listener) => {
      if (event === 'resize') listeners.add(listener as () => void);
    },
    off: (_, listener) => void listeners.delete(listener),
    resize(newColumns, newRows) {
      if (column !== 0) throw new Error('the cursor is expected at the start of a line');
      const fromEnd = lines.length - row;
      const grown = newRows - rows;
      const wrapped = joinRows(lines).flatMap((line) => wrapLine(line, newColumns));
      lines.splice(0, lines.length, ...wrapped);
      [columns, rows] = [newColumns, newRows];
      row = lines.length - fromEnd;
      // What the cursor had above it stays above it, and more of it where there is more room.
      top = grown > 0 ? Math.max(0, row - rows + 1) : Math.max(top, row - rows + 1);
      for (const listener of listeners) listener();
    },
    write(text) {
      writes += 1;
      bytes += text.length;
      // eslint-disable-next-line no-control-regex -- it takes control sequences apart
      for (const [token] of text.matchAll(/\u001b\[[?\d;]*[A-Za-z]|[^]/gu)) {
        if (token === '\n') {
          down();
          column = 0;
        } else if (token === '\r') column = 0;
        else if (token.length > 1 && token.startsWith('\u001b')) control(token);
        else put(token);
      }
    },
    screen: () => lines.slice(top).map(({ text }) => text.trimEnd()),
    history: () => joinRows(lines).map((line) => line.trimEnd()),
    isCursorHidden: () => hidden,
    writes: () => writes,
    bytes: () => bytes,
  };
}

/** Lines as they were written, whatever rows they take. */
function joinRows(rows: readonly Row[]): string[] {
  const joined: string[] = [];
  let open = '';
  for (const { text, wraps } of rows) {
    open += text;
    if (wraps) continue;
    joined.push(open);
    open = '';
  }
  return joined;
}

function wrapLine(line: string, columns: number): Row[] {
  const rows: Row[] = [{ text: '', wraps: false }];
  for (const character of line) {
    const last = rows.at(-1) as Row;
    if (displayWidth(last.text + character) <= columns) last.text += character;
    else {
      last.wraps = true;
      rows.push({ text: character, wraps: false });
    }
  }
  return rows;
}
