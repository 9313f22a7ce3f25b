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
