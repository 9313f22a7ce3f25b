import { guardedWriter, type OutputStream, type Renderer } from './output.ts';

/** One event a line, exactly as the journal holds it. */
export function createJsonRenderer(stdout: OutputStream): Renderer {
  const write = guardedWriter(stdout);
  return {
    emit: (event) => write(`${JSON.stringify(event)}\n`),
    suspend: () => () => undefined,
    close: () => undefined,
  };
}
