import { guardedWriter, printableJson, type OutputStream, type Renderer } from './output.ts';

/** One event a line, as the journal holds it. */
export function createJsonRenderer(stdout: OutputStream): Renderer {
  const write = guardedWriter(stdout);
  return {
    emit: (event) => write(`${printableJson(event)}\n`),
    suspend: () => () => undefined,
    close: () => undefined,
  };
}
