import type { Clock } from '../model/clock.ts';
import { createCiRenderer, type CiSystem } from './ci-log.ts';
import { createJsonRenderer } from './json.ts';
import type { OutputStream, Renderer } from './output.ts';
import { createPlainRenderer } from './plain.ts';
import { createQuietRenderer } from './quiet.ts';
import { createTtyRenderer } from './tty.ts';

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
  /** The CI system whose log plain lines go into, where it knows groups. */
  readonly ci?: CiSystem | undefined;
  /** Only what went wrong, and one line at the end; JSON is as ever. */
  readonly quiet?: boolean;
  /** See {@link TtyOptions.atExit}. */
  readonly atExit?: (callback: () => void) => () => void;
  /** `TERM`; a `dumb` terminal gets plain lines, whatever `output` says. */
  readonly term: string | undefined;
}

export function createRenderer(options: RendererOptions): Renderer {
  const { stdout, verbosity } = options;
  switch (chooseOutput(options)) {
    case 'json':
      return createJsonRenderer(stdout);
    case 'quiet':
      return createQuietRenderer(stdout);
    case 'plain':
      return options.ci === undefined
        ? createPlainRenderer(stdout, { verbosity })
        : createCiRenderer(options.ci, stdout, { verbosity });
    case 'tty':
      return createTtyRenderer(options);
  }
}

function chooseOutput({ output, stdout, term, quiet = false }: RendererOptions): 'tty' | 'plain' | 'json' | 'quiet' {
  if (quiet && output !== 'json') return 'quiet';
  if (output === 'json' || output === 'plain') return output;
  const isLive = output === 'tty' || stdout.isTTY === true;
  return isLive && term !== 'dumb' ? 'tty' : 'plain';
}
