import type { Event } from '../events/event.ts';

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
