import type { OutputStream } from '../../src/render/output.ts';

/** A stream that keeps what is written; `fail` makes it break as a pipe does whose reader has gone. */
export interface MemoryStream extends OutputStream {
  text(): string;
  writes(): number;
  fail(error: Error): void;
}

export function memoryStream(size?: { readonly columns: number; readonly rows: number }): MemoryStream {
  const chunks: string[] = [];
  const listeners: ((error: Error) => void)[] = [];
  return {
    ...(size === undefined ? {} : { isTTY: true, ...size }),
    write: (text) => chunks.push(text),
    on: (event, listener) => event === 'error' && listeners.push(listener),
    off: () => undefined,
    writes: () => chunks.length,
    text: () => chunks.join(''),
    fail: (error) => listeners.forEach((listener) => listener(error)),
  };
}
