import type { Event } from '../events/event.ts';
import { safeJson } from '../model/unsafe-text.ts';
import { sanitize } from './sanitize.ts';

/** Where a renderer writes: what it needs of a Node stream. */
export interface OutputStream {
  write(text: string): unknown;
  on(event: 'error' | 'resize', listener: (error: Error) => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
  readonly isTTY?: boolean;
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

/** Writes until the reader is gone (`rollout … | head`): from then on it writes nothing, and the run goes on. */
export function guardedWriter(stream: OutputStream): (text: string) => void {
  let isGone = false;
  stream.on('error', () => (isGone = true));
  return (text) => {
    if (isGone) return;
    try {
      stream.write(text);
    } catch {
      isGone = true;
    }
  };
}

/**
 * The way out for all text that is not the live view's: whatever it holds (names from an inventory's script, words of a
 * host, of a registry, of a container), no terminal obeys it.
 */
export function textWriter(stream: OutputStream): (text: string) => void {
  const write = guardedWriter(stream);
  return (text) => write(sanitize(text, { keepLines: true }));
}

/** A value as JSON that may be shown: with an indent for people, on one line for programs. */
export function printableJson(value: unknown, indent?: number): string {
  return safeJson(JSON.stringify(value, undefined, indent));
}
