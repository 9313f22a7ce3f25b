import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  mostLayers,
  mostLineLength,
  PullReader,
  sumOfPull,
  withoutProgress,
  type PullSum,
} from '../../../src/docker/pull-output.ts';
import { readRecording, recordedDockers, recordedLayers, type RecordedAnswer } from '../../support/recorded.ts';

function readAll(...chunks: readonly (Buffer | string)[]): PullReader {
  const reader = new PullReader();
  for (const chunk of chunks) reader.read(Buffer.from(chunk));
  return reader;
}

const brought = [...recordedLayers.values()].reduce((sum, bytes) => sum + bytes, 0);

describe.each(recordedDockers)('docker %s', (docker) => {
  test.each<RecordedAnswer>(['pull.txt', 'pull-terminal.txt'])(
    'what it prints (%s) grows, never falls, and ends with the bytes of the layers that the host lacked',
    async (answer) => {
      const output = Buffer.from(await readRecording(docker, answer));
      const reader = new PullReader();
      const sums: PullSum[] = [];
      for (let at = 0; at < output.length; at += 37) {
        reader.read(output.subarray(at, at + 37));
        sums.push(sumOfPull(reader.layers, recordedLayers));
      }
      expect(sums.at(-1)).toEqual({
        layers: { total: 4, fetched: 4, unpacked: 4 },
        bytes: { done: brought, total: brought },
      });
      const done = sums.map(({ bytes }) => bytes?.done ?? 0);
      expect(done).toEqual([...done].sort((a, b) => a - b));
      expect(new Set(done).size).toBeGreaterThanOrEqual(answer === 'pull.txt' ? 4 : 10);
    },
  );

  test('without sizes layers are counted, and there is no sum of bytes', async () => {
    const { layers } = readAll(await readRecording(docker, 'pull.txt'));
    expect(sumOfPull(layers, undefined)).toEqual({ layers: { total: 4, fetched: 4, unpacked: 4 } });
  });

  test('at a terminal docker tells the sizes itself, to four digits, and where it leaves one out there is no sum', async () => {
    const reader = readAll(await readRecording(docker, 'pull-terminal.txt'));
    const { bytes, ...rest } = sumOfPull(reader.layers, undefined);
    expect([reader.tellsBytes, rest]).toEqual([true, { layers: { total: 4, fetched: 4, unpacked: 4 } }]);
    // With containerd's store it tells nothing of small layers.
    if (docker.includes('containerd')) expect(bytes).toBeUndefined();
    else
      expect([bytes?.done, bytes?.total].map((each = 0) => Math.round((each / brought) * 1000))).toEqual([1000, 1000]);
  });
});

test('what docker has printed besides its progress is what is left', async () => {
  const output = await readRecording('20.10', 'pull.txt');
  expect(withoutProgress(output).split('\n')).toEqual(output.trimEnd().split('\n').slice(-3));
  expect(withoutProgress('1.5: Pulling from shop/app\n0123456789ab: Pulling fs layer\r\nwrapper: no licence\n')).toBe(
    'wrapper: no licence',
  );
});

test('a layer that is fetched anew after a failure is counted once, and one of unknown size hides the sum', () => {
  const { layers } = readAll(
    '0123456789ab: Pulling fs layer\nfedcba987654: Pulling fs layer\n0123456789ab: Downloading  1.5MB/3MB\n',
    '0123456789ab: Retrying in 5 seconds\n0123456789ab: Retrying in 1 second\n0123456789ab: Verifying Checksum\n',
  );
  expect(sumOfPull(layers, undefined)).toEqual({ layers: { total: 2, fetched: 0, unpacked: 0 } });
  const sizes = new Map([[`sha256:fedcba987654${'0'.repeat(52)}`, 500]]);
  expect(sumOfPull(layers, sizes)).toEqual({
    layers: { total: 2, fetched: 0, unpacked: 0 },
    bytes: { done: 1_500_000, total: 3_000_500 },
  });
});

test('an image of which the host has every layer brings nothing, and no share of nothing', () => {
  const { layers } = readAll('0123456789ab: Already exists\n1123456789ab: Already exists\n');
  expect(sumOfPull(layers, new Map())).toEqual({ layers: { total: 0, fetched: 0, unpacked: 0 } });
});

describe('whatever a host prints', () => {
  test('a line without an end is not kept, and what follows it is read', () => {
    const reader = new PullReader();
    for (let count = 0; count < 200; count += 1) reader.read(Buffer.alloc(100_000, 'a'));
    reader.read(Buffer.from(`0123456789ab: Pull complete${' '.repeat(mostLineLength)}\n1123456789ab: Waiting\n`));
    expect([...reader.layers.keys()]).toEqual(['1123456789ab']);
  });

  test('a million layers are as many as an image can have', () => {
    const reader = new PullReader();
    for (let count = 0; count < 1000; count += 1) {
      const lines = Array.from({ length: 1000 }, (_, index) => {
        const id = (count * 1000 + index).toString(16).padStart(12, '0');
        return `${id}: Downloading  9999GB/9999GB\n`;
      });
      reader.read(Buffer.from(lines.join('')));
    }
    expect(reader.layers.size).toBe(mostLayers);
    expect(Number.isSafeInteger(sumOfPull(reader.layers, undefined).bytes?.total)).toBe(true);
  });

  test('the bar that docker draws on a wide terminal is no part of the figures', () => {
    const { layers } = readAll('0123456789ab: Downloading [==>      ]  13.11MB/78.35MB\r');
    expect(sumOfPull(layers, undefined).bytes).toEqual({ done: 13_110_000, total: 78_350_000 });
  });

  test('what is no word of docker about a layer is passed over', () => {
    const { layers } = readAll(
      '0123456789AB: Pull complete\n0123456789a: Pull complete\n 0123456789ab: Pull complete\n',
      '\u001b]0;0123456789ab: Pull complete\u0007\n0123456789ab: Pull complet\n0123456789ab:Pull complete\n',
      '\u0000\u0007\u009b31m\n0123456789ab: Deleting /\n\u202e0123456789ab: Waiting\nCopying blob 4f4fb700ef54 done\n',
    );
    expect([...layers]).toEqual([]);
    const odd = readAll('0123456789ab: Downloading  -1MB/2MB\n1123456789ab: Downloading 9e9MB/1MB\n').layers;
    expect(sumOfPull(odd, undefined)).toEqual({ layers: { total: 2, fetched: 0, unpacked: 0 } });
    const more = readAll('0123456789ab: Downloading  7MB/2MB\n').layers;
    expect(sumOfPull(more, undefined).bytes).toEqual({ done: 2_000_000, total: 2_000_000 });
  });

  test('it makes a sum in which nothing exceeds its whole', () => {
    const id = fc.constantFrom('0123456789ab', '1123456789ab', '2123456789ab');
    const word = fc.constantFrom(
      'Waiting',
      'Pulling fs layer',
      'Downloading  3kB/2MB',
      'Extracting 1 s',
      'Pull complete',
    );
    const line = fc.oneof(
      fc.tuple(id, word).map((parts) => `${parts.join(': ')}\r\n`),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const { layers, bytes } = sumOfPull(readAll(...lines).layers, undefined);
        expect(layers.unpacked).toBeLessThanOrEqual(layers.fetched);
        expect(layers.fetched).toBeLessThanOrEqual(layers.total);
        if (bytes !== undefined) expect(bytes.done).toBeLessThanOrEqual(bytes.total);
      }),
    );
  });
});
