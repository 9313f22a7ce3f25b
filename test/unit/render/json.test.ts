import { expect, test } from 'vitest';
import { createJsonRenderer } from '../../../src/render/json.ts';
import { streams } from '../../support/event-streams.ts';
import { memoryStream } from '../../support/memory-stream.ts';

for (const [name, stream] of Object.entries(streams)) {
  test(`each line of the run '${name}' is exactly one event`, () => {
    const stdout = memoryStream();
    const renderer = createJsonRenderer(stdout);
    for (const event of stream()) renderer.emit(event);
    renderer.close();
    const lines = stdout.text().split('\n');
    expect(lines.pop()).toBe('');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(stream());
  });
}

test('a broken pipe ends the output, not the run', () => {
  const renderer = createJsonRenderer({
    write() {
      throw new Error('write after end');
    },
    on: () => undefined,
    off: () => undefined,
  });
  for (const event of streams.rolling()) renderer.emit(event);
  renderer.close();
});
