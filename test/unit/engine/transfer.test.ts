import { expect, test } from 'vitest';
import type { Docker } from '../../../src/docker/docker.ts';
import { DockerError } from '../../../src/docker/errors.ts';
import type { LayerSizes } from '../../../src/docker/pull-output.ts';
import { pullTold, Transfers } from '../../../src/engine/transfer.ts';
import type { EventBody } from '../../../src/events/event.ts';
import { parseImageRef } from '../../../src/model/image.ts';
import { manualClock, type ManualClock } from '../../support/manual-clock.ts';

const image = parseImageRef('registry.example.com/shop/app:1.5');
if (image === undefined) throw new Error('not an image');
const ids = ['0123456789ab', '1123456789ab'];
const sizes: LayerSizes = new Map(ids.map((id, index) => [`sha256:${id}${'0'.repeat(52)}`, (index + 1) * 1_000_000]));

interface Pull {
  readonly print: (text: string) => void;
  readonly end: (error?: Error) => void;
  readonly asked: () => number;
  readonly done: Promise<void>;
}

function begin(transfers: Transfers, host: string, sizesOf: () => Promise<LayerSizes | undefined>): Pull {
  let print: (text: string) => void = () => undefined;
  let end: (error?: Error) => void = () => undefined;
  let asked = 0;
  const docker: Pick<Docker, 'pull'> = {
    pull: (_image, _credentials, options) => {
      print = (text) => options?.onProgress?.(Buffer.from(text));
      return new Promise((resolve, reject) => {
        end = (error) => (error === undefined ? resolve() : reject(error));
      });
    },
  };
  const asking = (): Promise<LayerSizes | undefined> => {
    asked += 1;
    return sizesOf();
  };
  const done = pullTold(image as never, { host, docker, credentials: undefined, sizes: asking }, transfers);
  return { print: (text) => print(text), end: (error) => end(error), asked: () => asked, done };
}

function setUp(): { clock: ManualClock; events: (EventBody & { at: number })[]; transfers: Transfers } {
  const clock = manualClock(0);
  const events: (EventBody & { at: number })[] = [];
  const emit = (event: EventBody): void => void events.push({ ...event, at: clock.now() });
  return { clock, events, transfers: new Transfers({ clock, emit }) };
}

test('a pull that ends within two seconds says nothing and asks nothing', async () => {
  const { clock, events, transfers } = setUp();
  const pull = begin(transfers, 'h1', () => Promise.resolve(sizes));
  pull.print(`${ids[0] ?? ''}: Pulling fs layer\n`);
  await clock.advanceTo(1999);
  pull.end();
  await pull.done;
  await clock.advanceTo(60_000);
  expect([events, pull.asked(), clock.sleepers()]).toEqual([[], 0, 0]);
});

test('a long one is told once a second while it moves, and every ten seconds while it does not', async () => {
  const { clock, events, transfers } = setUp();
  const pull = begin(transfers, 'h1', () => Promise.resolve(sizes));
  pull.print(ids.map((id) => `${id}: Pulling fs layer\n`).join(''));
  await clock.advanceTo(3500);
  pull.print(`${ids[0] ?? ''}: Download complete\n`);
  await clock.advanceTo(30_000);
  pull.print(`${ids[1] ?? ''}: Downloading  500kB/2MB\r`);
  await clock.advanceTo(31_000);
  pull.end();
  await pull.done;
  await clock.advanceTo(90_000);
  const about = { type: 'image_progress', host: 'h1', image: 'registry.example.com/shop/app:1.5', by: 'pull' };
  const before = { total: 2, fetched: 0, unpacked: 0 };
  expect(events.slice(0, 3)).toEqual([
    // The sizes are asked for just now.
    { ...about, at: 2000, durationMs: 2000, layers: before },
    { ...about, at: 3000, durationMs: 3000, layers: before, doneBytes: 0, totalBytes: 3_000_000, bytesPerSecond: 0 },
    {
      ...about,
      at: 4000,
      durationMs: 4000,
      layers: { ...before, fetched: 1 },
      doneBytes: 1_000_000,
      totalBytes: 3_000_000,
      bytesPerSecond: 250_000,
    },
  ]);
  const times = events.map(({ at }) => at);
  for (const [index, at] of times.slice(1).entries()) expect(at - (times[index] ?? 0)).toBeGreaterThanOrEqual(1000);
  const still = events.filter(({ at }) => at > 15_000 && at < 30_000);
  expect(still).toHaveLength(1);
  expect(still[0]).toMatchObject({ at: 22_000, doneBytes: 1_000_000, bytesPerSecond: 45_455 });
  expect(events.at(-1)).toMatchObject({ at: 31_000, doneBytes: 1_500_000 });
  expect([pull.asked(), clock.sleepers()]).toEqual([1, 0]);
});

test.each<[string, () => Promise<LayerSizes | undefined>]>([
  ['fails', () => Promise.reject(new Error('the registry is away'))],
  ['does not know', () => Promise.resolve(undefined)],
  ['never answers', () => new Promise(() => undefined)],
  ['knows other layers', () => Promise.resolve(new Map([['sha256:ff', 1]]))],
])('a registry that %s costs the bytes, and neither the pull nor its layers', async (_, sizesOf) => {
  const { clock, events, transfers } = setUp();
  const pull = begin(transfers, 'h1', sizesOf);
  pull.print(`${ids[0] ?? ''}: Pulling fs layer\n${ids[1] ?? ''}: Already exists\n`);
  await clock.advanceTo(5000);
  pull.print(`${ids[0] ?? ''}: Pull complete\n`);
  await clock.advanceTo(6000);
  pull.end();
  await pull.done;
  const about = { type: 'image_progress', host: 'h1', image: 'registry.example.com/shop/app:1.5', by: 'pull' };
  expect(events).toEqual([
    { ...about, at: 2000, durationMs: 2000, layers: { total: 1, fetched: 0, unpacked: 0 } },
    { ...about, at: 6000, durationMs: 6000, layers: { total: 1, fetched: 1, unpacked: 1 } },
  ]);
});

test('a pull that fails says why as ever, and is told of no more', async () => {
  const { clock, events, transfers } = setUp();
  const pull = begin(transfers, 'h1', () => Promise.resolve(sizes));
  pull.print(`${ids[0] ?? ''}: Pulling fs layer\n`);
  await clock.advanceTo(2500);
  const refusal = new DockerError('h1', ['docker', 'pull'], 1, 'no space left on device');
  pull.end(refusal);
  await expect(pull.done).rejects.toBe(refusal);
  await clock.advanceTo(60_000);
  expect([events.length, clock.sleepers()]).toEqual([1, 0]);
});

test('what the controller sends has the speed of the last ten seconds, which falls to nothing when it stands still', async () => {
  const { clock, events, transfers } = setUp();
  let doneBytes = 0;
  const watch = transfers.watch({
    host: 'h1',
    image: 'app',
    by: 'push',
    isSmooth: () => true,
    read: () => ({ doneBytes, totalBytes: 100_000 }),
  });
  for (let second = 1; second <= 45; second += 1) {
    doneBytes = Math.min(20_000, second * 1000);
    await clock.advanceTo(second * 1000);
  }
  watch[Symbol.dispose]();
  const speeds = events.map((event) => [event.at / 1000, 'bytesPerSecond' in event && event.bytesPerSecond]);
  expect(speeds.slice(0, 3)).toEqual([2, 3, 4].map((second) => [second, 1000]));
  expect(speeds.filter(([second]) => Number(second) > 20).map(([, speed]) => speed)).toEqual([100, 0]);
  expect(clock.sleepers()).toBe(0);
});

test('200 hosts that pull at once are told of 50 times a second in all', async () => {
  const { clock, events, transfers } = setUp();
  const pulls = Array.from({ length: 200 }, (_, index) => begin(transfers, `h${index}`, () => Promise.resolve(sizes)));
  for (let second = 1; second <= 30; second += 1) {
    await clock.advanceTo(second * 1000);
    for (const { print } of pulls) print(`${ids[0] ?? ''}: Downloading  ${second}kB/1MB\r${ids[1] ?? ''}: Waiting\n`);
  }
  const inLastTwenty = events.filter(({ at }) => at > 10_000).length;
  expect(inLastTwenty).toBeLessThanOrEqual(50 * 20);
  expect(new Set(events.filter(({ at }) => at > 10_000).map((event) => 'host' in event && event.host)).size).toBe(200);
  for (const { end } of pulls) end();
  await Promise.all(pulls.map(({ done }) => done));
  expect(clock.sleepers()).toBe(0);
});

test('a pull whose layers tell how much of them is there has the speed of the last ten seconds too', async () => {
  const { clock, events, transfers } = setUp();
  const pull = begin(transfers, 'h1', () => Promise.resolve(sizes));
  pull.print(`${ids[1] ?? ''}: Downloading  100kB/2MB\n`);
  await clock.advanceTo(30_000);
  for (let second = 31; second <= 45; second += 1) {
    pull.print(`${ids[1] ?? ''}: Downloading  ${(second - 30) * 100}kB/2MB\n`);
    await clock.advanceTo(second * 1000);
  }
  pull.end();
  await pull.done;
  const speeds = events.map((event) => (event.type === 'image_progress' ? event.bytesPerSecond : undefined));
  expect(speeds.at(-1)).toBe(100_000);
});
