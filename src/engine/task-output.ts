import { StringDecoder } from 'node:string_decoder';
import type { ExecOptions } from '../ssh/remote.ts';

/** A line longer than this is cut: an event is a line of the journal. */
const mostCharacters = 4096;
/** Lines of one command that are passed on while it runs; its result has the rest. */
const mostLines = 10_000;

/** Passes on whole lines of what a command prints, as they come; the last one at `end`, whole or not. */
export function lineFeed(onLines: (lines: readonly string[]) => void): {
  readonly onOutput: NonNullable<ExecOptions['onOutput']>;
  readonly end: () => void;
} {
  const streams = new Map<string, { readonly decoder: StringDecoder; rest: string }>();
  let count = 0;
  const pass = (lines: readonly string[]): void => {
    const room = mostLines - count;
    count += lines.length;
    const shown = lines.slice(0, Math.max(0, room)).map((line) => line.replace(/\r$/, '').slice(0, mostCharacters));
    if (room > 0 && lines.length > room) shown.push('… more is not shown while it runs');
    if (shown.length > 0) onLines(shown);
  };
  return {
    onOutput: (chunk, stream) => {
      const state = streams.get(stream) ?? { decoder: new StringDecoder('utf8'), rest: '' };
      streams.set(stream, state);
      const lines = `${state.rest}${state.decoder.write(chunk)}`.split('\n');
      state.rest = (lines.pop() ?? '').slice(0, mostCharacters);
      pass(lines);
    },
    end: () => {
      for (const { rest } of streams.values()) if (rest !== '') pass([rest]);
      streams.clear();
    },
  };
}
