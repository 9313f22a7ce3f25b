import type { Event } from '../events/event.ts';
import { safeJson } from '../model/unsafe-text.ts';
import { sanitize } from './sanitize.ts';

/** Where a renderer writes: what it needs of a Node stream. */
export interface OutputStream {
  write(text: string): unknown;
  on(event: 'error' | 'resize', listener: (error: Error) => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
  readonly isTTY?: boolean;
  /** What was written and not yet read by whoever reads, in bytes. */
  readonly writableLength?: number;
  /** It has stopped reading, or cannot keep up. */
  readonly writableNeedDrain?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** What every renderer is. It never throws: a view that cannot be shown must not end a run half way. */
export interface Renderer {
  emit(event: Event): void;
  /** Leaves the terminal to somebody else, a question for instance; what it returns takes it back. */
  suspend(): () => void;
  /** Says what is left to say, and gives the terminal back as it was. Calling it again does nothing. */
  close(): void;
}

/** Of a terminal; 80 by 24 where nobody says, or says 0 by 0, as of a terminal that was opened without a size (CI, expect, docker). */
export function sizeOf({ columns = 0, rows = 0 }: OutputStream): { readonly columns: number; readonly rows: number } {
  return { columns: columns > 0 ? columns : 80, rows: rows > 0 ? rows : 24 };
}

/** What is kept for a reader that has stopped: a pager, a terminal on hold, a connection that hangs. */
export const mostUnreadBytes = 32 * 2 ** 20;

/**
 * Writes until the reader is gone (`rollout … | head`): from then on it writes nothing, and the run goes on. For one that
 * has stopped it keeps so much, and leaves out what is more: the journal has it all.
 */
export function guardedWriter(stream: OutputStream, noteOf?: (leftOut: number) => string): (text: string) => void {
  let isGone = false;
  let leftOut = 0;
  stream.on('error', () => (isGone = true));
  return (text) => {
    if (isGone) return;
    if ((stream.writableLength ?? 0) > mostUnreadBytes) {
      leftOut += 1;
      return;
    }
    try {
      stream.write(leftOut > 0 && noteOf !== undefined ? `${noteOf(leftOut)}${text}` : text);
      leftOut = 0;
    } catch {
      isGone = true;
    }
  };
}

/**
 * The way out for all text that is not the live view's: whatever it holds (names from an inventory's script, words of a
 * host, of a registry, of a container), no terminal obeys it. `defuse` has the last word, as for a reader that is no terminal.
 */
export function textWriter(stream: OutputStream, defuse = (text: string): string => text): (text: string) => void {
  const write = guardedWriter(stream, (leftOut) => `(left out while nobody read: ${leftOut} messages)\n`);
  return (text) => write(defuse(sanitize(text, { keepLines: true })));
}

/** A value as JSON that may be shown: with an indent for people, on one line for programs. */
export function printableJson(value: unknown, indent?: number): string {
  return safeJson(JSON.stringify(value, undefined, indent));
}
