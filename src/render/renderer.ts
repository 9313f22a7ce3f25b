import type { Clock } from '../model/clock.ts';
import { createJsonRenderer } from './json.ts';
import type { OutputStream, Renderer } from './output.ts';
import { createPlainRenderer } from './plain.ts';

export type { OutputStream, Renderer } from './output.ts';

export interface RendererOptions {
  /** `auto` is the live view on a terminal, plain lines elsewhere. */
  readonly output: 'auto' | 'tty' | 'plain' | 'json';
  readonly stdout: OutputStream;
  readonly clock: Clock;
  /** False for `--no-color` and NO_COLOR. */
  readonly color: boolean;
  /** How many `-v`. */
  readonly verbosity: number;
  /** `TERM`; a `dumb` terminal gets plain lines, whatever `output` says. */
  readonly term: string | undefined;
}

export function createRenderer(options: RendererOptions): Renderer {
  const { output, stdout, verbosity } = options;
  if (output === 'json') return createJsonRenderer(stdout);
  return createPlainRenderer(stdout, { verbosity });
}
