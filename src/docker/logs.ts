import { StringDecoder } from 'node:string_decoder';
import { script, type Argv } from './commands.ts';

/**
 * Lines of `docker logs --timestamps` from both streams, in the order they were written, without their times.
 * Docker's times have a fixed width, so that text order is time order; a line without one follows the line before it.
 */
export function mergeLogs(stdout: string, stderr: string): string[] {
  const lines = [...timedLines(stdout), ...timedLines(stderr)];
  return lines.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0)).map(({ text }) => text);
}

function timedLines(stream: string): { readonly time: string; readonly text: string }[] {
  let time = '';
  const lines = stream.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => {
    const match = /^(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)) ?(.*)$/s.exec(line);
    time = match?.[1] ?? time;
    return { time, text: (match?.[2] ?? line).replace(/\r$/, '') };
  });
}

/**
 * What a log driver that keeps no lines on the host (`none`; `syslog`, `awslogs` and others without docker's own cache)
 * makes of `docker logs`.
 * @returns what that means, in words; undefined where docker says something else
 */
export function unreadableLog(said: string): string | undefined {
  if (!/\blogging driver does not support reading\b/i.test(said)) return undefined;
  return 'its log driver keeps nothing that docker logs could read. Look where the driver sends its lines.';
}

/** What is asked of a container's log. */
export interface LogRange {
  readonly follow: boolean;
  /** As docker takes them: a duration ago, or a time. */
  readonly since?: string;
  readonly until?: string;
  /** The last so many lines; all without it. */
  readonly tail?: number;
}

/**
 * Prints a container's log with times, both streams as one, in the order in which docker has them. It ends with the log,
 * or at the end of its stdin: the end of its connection alone ends no process on a host.
 */
export const streamLogsCommand = (container: string, { follow, since, until, tail }: LogRange): Argv =>
  script(
    'rollout-logs',
    `
exec 3<&0
docker logs "$@" 2>&1 </dev/null 3<&- &
logs=$!
{ cat <&3; kill "$logs"; } >/dev/null 2>&1 &
watch=$!
wait "$logs"
code=$?
kill "$watch" 2>/dev/null
exit "$code"
`,
    [
      '--timestamps',
      ...(follow ? ['--follow'] : []),
      ...(since === undefined ? [] : ['--since', since]),
      ...(until === undefined ? [] : ['--until', until]),
      ...(tail === undefined ? [] : ['--tail', String(tail)]),
      '--',
      container,
    ],
  );

/** The time that `--timestamps` puts before a line; undefined for a line without one, as docker's own errors are. */
export function parseTimedLine(line: string): { readonly time: string; readonly text: string } | undefined {
  const [, time, text = ''] = /^(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)) ?(.*)$/s.exec(line) ?? [];
  return time === undefined ? undefined : { time, text };
}

/** A line no longer than this is kept whole. */
export const mostLineLength = 64 * 1024;

/** The lines of a stream, as they come; what is too long is cut into several. It reads no faster than it is asked. */
export async function* linesOf(stream: AsyncIterable<Buffer | string>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of stream) {
    rest += typeof chunk === 'string' ? chunk : decoder.write(chunk);
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    yield* lines.map((line) => line.replace(/\r$/, ''));
    for (; rest.length > mostLineLength; rest = rest.slice(mostLineLength)) yield rest.slice(0, mostLineLength);
  }
  rest += decoder.end();
  if (rest !== '') yield rest;
}
