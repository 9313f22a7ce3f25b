import { expect, test } from 'vitest';
import { lineFeed } from '../../../src/engine/task-output.ts';

function fed(chunks: readonly (readonly [Buffer | string, 'stdout' | 'stderr'])[]): readonly string[] {
  const lines: string[] = [];
  const feed = lineFeed((more) => void lines.push(...more));
  for (const [chunk, stream] of chunks) feed.onOutput(Buffer.from(chunk), stream);
  feed.end();
  return lines;
}

test('lines are passed on whole, whatever chunks they come in, each stream by itself', () => {
  const umlaut = Buffer.from('größe\n');
  expect(
    fed([
      ['one\ntw', 'stdout'],
      ['error', 'stderr'],
      ['o\r\n', 'stdout'],
      [umlaut.subarray(0, 3), 'stdout'],
      [' here\nlast', 'stderr'],
      [umlaut.subarray(3), 'stdout'],
      ['', 'stdout'],
    ]),
  ).toEqual(['one', 'two', 'error here', 'größe', 'last']);
});

test('a line that never ends is cut, and so is output without end, and both are said or seen', () => {
  expect(fed([['x'.repeat(10_000), 'stdout']])).toEqual(['x'.repeat(4096)]);
  const many = fed([
    ['y\n'.repeat(10_001), 'stdout'],
    ['z\n', 'stdout'],
  ]);
  expect([many.length, many.at(-2), many.at(-1)]).toEqual([10_001, 'y', '… more is not shown while it runs']);
});
