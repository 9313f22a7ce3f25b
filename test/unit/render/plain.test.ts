import { expect, test } from 'vitest';
import { createPlainRenderer } from '../../../src/render/plain.ts';
import { large, streams } from '../../support/event-streams.ts';
import { memoryStream } from '../../support/memory-stream.ts';

function render(events: ReturnType<typeof streams.rolling>, verbosity = 0): string {
  const stdout = memoryStream();
  const renderer = createPlainRenderer(stdout, { verbosity });
  for (const event of events) renderer.emit(event);
  renderer.close();
  return stdout.text();
}

for (const [name, stream] of Object.entries(streams)) {
  test(`plain lines of the run '${name}'`, async () => {
    await expect(render(stream())).toMatchFileSnapshot(`../../cases/render/plain/${name}.txt`);
  });
}

test('-v adds every op with its cause, -vv its start', async () => {
  await expect(render(streams.canaryFails(), 1)).toMatchFileSnapshot('../../cases/render/plain/canaryFails-v.txt');
  await expect(render(streams.canaryFails(), 2)).toMatchFileSnapshot('../../cases/render/plain/canaryFails-vv.txt');
});

test('a wait is said at most every ten seconds, however often it is reported', () => {
  const [started] = streams.rolling();
  if (started === undefined) throw new Error('no event');
  const waits = Array.from({ length: 200 }, (_, index) => ({
    v: 1 as const,
    run: started.run,
    at: started.at + index * 100,
    type: 'waiting' as const,
    host: 'h1',
    message: 'h1 to drain',
    elapsedMs: index * 100,
    limitMs: 30_000,
  }));
  const lines = render([started, ...waits])
    .split('\n')
    .filter((line) => line.includes('waiting'));
  expect(lines).toEqual([
    ' 0:08.5  h1  waiting for h1 to drain (8.5 s of 30.0 s)',
    ' 0:17.0  h1  waiting for h1 to drain (17.0 s of 30.0 s)',
  ]);
});

test('-vvv shows a command whole, and a script of our own by its name', () => {
  const [started] = streams.rolling();
  if (started === undefined) throw new Error('no event');
  const { at, run } = started;
  const command = { v: 1, at, run, type: 'command_run', host: 'h1', durationMs: 12, exitCode: 0 } as const;
  const text = render(
    [
      started,
      { ...command, commandLine: "sh -c 'set -f\nids=…' rollout-observe app", script: 'rollout-observe app' },
      { ...command, commandLine: `docker create ${'--label=a=b '.repeat(20)}app`, exitCode: 1 },
    ],
    3,
  );
  expect(text.split('\n').slice(1, 3)).toEqual([
    ' 0:00.0  h1  $ rollout-observe app (12 ms, exit code 0)',
    ` 0:00.0  h1  $ docker create ${'--label=a=b '.repeat(20)}app (12 ms, exit code 1)`,
  ]);
});

test('a warning before the run introduces itself has a time and a place', () => {
  const [started] = streams.rolling();
  if (started === undefined) throw new Error('no event');
  const { at, run } = started;
  const text = render([{ v: 1, at: at - 100, run, type: 'warning', message: 'prod.yaml:3: old' }, started]);
  expect(text.split('\n')[0]).toBe(' 0:00.0  -  warning: prod.yaml:3: old');
});

test('a reader that goes away does not end the run', () => {
  const stdout = memoryStream();
  const renderer = createPlainRenderer(stdout, { verbosity: 0 });
  const [first, ...others] = streams.rolling();
  if (first) renderer.emit(first);
  const before = stdout.text();
  stdout.fail(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  for (const event of others) renderer.emit(event);
  renderer.close();
  expect(stdout.text()).toBe(before);
});

test('a run of up to 100 hosts has each of them in its end table, with its time', () => {
  expect(render(large(100)).match(/^web\d+ +(?:updated|restored) +[\d.]+ m?s/gm)).toHaveLength(100);
});

test('a large run: a line for each host, where it stands every ten seconds, and hosts that ended alike in one row', () => {
  const text = render(large(2000));
  const [log = '', table = ''] = text.split(/^host +result.*$/m);
  expect(log.match(/ web\d+ +updated in /g)?.length).toBeGreaterThan(1900);
  expect(log).not.toMatch(/ (?:started|drained)/);
  const progress = log.match(/^.* nodes done, .*$/gm) ?? [];
  expect(progress[0]).toMatch(/^ \d:\d\d\.\d {2}- +\d+ of 2000 nodes done, \d+ under way(?:, .*)?, \d+ left/);
  const times = progress.map((line) => Number(line.slice(0, 2)) * 60 + Number(line.slice(3, 7)));
  for (const [index, time] of times.slice(1).entries()) expect(time - (times[index] ?? 0)).toBeGreaterThanOrEqual(9.9);
  expect(table.trim().split('\n').length).toBeLessThan(40);
});
