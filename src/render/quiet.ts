import { createFold } from '../events/fold.ts';
import { describeEvent } from './lines.ts';
import { textWriter, type OutputStream, type Renderer } from './output.ts';
import { formatFailureDetails, formatOutcome } from './summary.ts';

/** For runs that nobody watches: what went wrong, and one line at the end. */
export function createQuietRenderer(stdout: OutputStream): Renderer {
  const write = textWriter(stdout);
  const fold = createFold();
  return {
    emit(event) {
      fold.apply(event);
      if (event.type === 'run_finished') {
        write(`${event.next === undefined ? '' : `To go on: ${event.next}\n`}${formatOutcome(fold.state).text}\n`);
        return;
      }
      const lines = describeEvent(event).filter(
        ({ detail, tone }) => detail === 0 && (tone === 'bad' || tone === 'warn'),
      );
      for (const { host, text } of lines) write(`${host === undefined ? '' : `${host}  `}${text}\n`);
      if (event.type === 'node_failed')
        write(
          formatFailureDetails(event.failure)
            .map(({ text }) => `${text}\n`)
            .join(''),
        );
    },
    suspend: () => () => undefined,
    close: () => undefined,
  };
}
