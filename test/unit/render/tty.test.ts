import { expect, test } from 'vitest';
import type { Event } from '../../../src/events/event.ts';
import { describeEvent } from '../../../src/render/lines.ts';
import type { OutputStream } from '../../../src/render/output.ts';
import { createTtyRenderer } from '../../../src/render/tty.ts';
import { large, pulling, streams } from '../../support/event-streams.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { memoryStream } from '../../support/memory-stream.ts';
import { createTerminal, type Terminal } from '../../support/terminal.ts';

interface Show {
  readonly terminal: Terminal;
  /** The screen at each whole second. */
  readonly screens: string[];
}

async function show(events: readonly Event[], terminal: Terminal, verbosity = 0): Promise<Show> {
  const startMs = events[0]?.at ?? 0;
  const clock = manualClock(startMs);
  const renderer = createTtyRenderer({ stdout: terminal, clock, color: true, verbosity });
  const screens: string[] = [];
  for (const event of events) {
    for (let second = Math.ceil((clock.now() + 1 - startMs) / 1000); startMs + second * 1000 <= event.at; second += 1) {
      await clock.advanceTo(startMs + second * 1000);
      screens.push(`──── ${second} s\n${terminal.screen().join('\n')}\n`);
    }
    await clock.advanceTo(event.at);
    renderer.emit(event);
    expect(terminal.screen().length).toBeLessThanOrEqual(terminal.rows);
  }
  renderer.close();
  screens.push(`──── end\n${terminal.screen().join('\n')}\n`);
  expect(clock.sleepers()).toBe(0);
  return { terminal, screens };
}

for (const name of [
  ...(['rolling', 'canaryFails', 'unreachable', 'paused', 'twoPlays', 'hostile', 'unchanged'] as const),
  ...(['judged', 'steered', 'soaked', 'counted'] as const),
]) {
  test(`the live view of the run '${name}' at 80 columns, second by second`, async () => {
    const { screens } = await show(streams[name](), createTerminal(80, 24));
    await expect(screens.join('')).toMatchFileSnapshot(`../../cases/render/tty/${name}-80.txt`);
  });
}

test.each(['rolling', 'canaryFails', 'counted'] as const)(
  "the live view of the run '%s' on a small and on a large terminal, second by second",
  async (name) => {
    for (const [columns, rows] of [
      [60, 20],
      [200, 50],
    ] as const) {
      const { screens } = await show(streams[name](), createTerminal(columns, rows));
      await expect(screens.join('')).toMatchFileSnapshot(`../../cases/render/tty/${name}-${columns}.txt`);
    }
  },
);

test('the live view of 200 hosts at 60, 80 and 200 columns, every ten seconds', async () => {
  for (const [columns, rows] of [
    [60, 20],
    [80, 24],
    [200, 50],
  ] as const) {
    const { screens } = await show(large(200), createTerminal(columns, rows));
    const shown = screens.filter((screen) => /── (?:\d*5 s|end)/.test(screen));
    await expect(shown.join('')).toMatchFileSnapshot(`../../cases/render/tty/large-${columns}.txt`);
  }
});

test.each([6, 200])('images that take long on %i hosts, at 60, 80 and 200 columns, second by second', async (size) => {
  for (const [columns, rows] of [
    [60, 20],
    [80, 24],
    [200, 50],
  ] as const) {
    const { screens } = await show(pulling(size), createTerminal(columns, rows));
    // Before their sizes are known, in the middle, while they unpack, the last ones, and what comes after.
    const shown = screens.filter((screen) => /── (?:2|3|9|14|18|25|28) s/.test(screen));
    await expect(shown.join('')).toMatchFileSnapshot(`../../cases/render/tty/pulling-${size}-${columns}.txt`);
  }
});

test('where nobody knows how large layers are, they are counted, and no share of bytes is shown', async () => {
  const { screens } = await show(streams.pullingUnseen(), createTerminal(80, 24));
  await expect(screens.join('')).toMatchFileSnapshot('../../cases/render/tty/pullingUnseen-80.txt');
  expect(screens.join('')).not.toMatch(/ MB| %|█/);
});

test("-vvv shows each command in one row: cut to the terminal's width, with how it ended", async () => {
  const [started] = streams.rolling();
  if (started === undefined) throw new Error('no event');
  const { at, run } = started;
  const command = { v: 1, at, run, type: 'command_run', host: 'h1', durationMs: 12, exitCode: 1 } as const;
  const text = "sh -c 'set -f\nids=…' rollout-observe app";
  const { terminal } = await show(
    [
      started,
      { ...command, commandLine: text, script: 'rollout-observe app' },
      { ...command, commandLine: `docker create ${'--label=a=b '.repeat(20)}app` },
    ],
    createTerminal(60, 24),
    3,
  );
  expect(terminal.screen().filter((row) => row.includes('$'))).toEqual([
    ' · h1  $ rollout-observe app (12 ms, exit code 1)',
    ' · h1  $ docker create --label=a=b --l… (12 ms, exit code 1)',
  ]);
});

test('scrolling back shows every finished thing once, and nothing of the live region', async () => {
  for (const [columns, rows] of [
    [80, 24],
    [40, 10],
    [200, 4],
  ] as const) {
    const { terminal } = await show(large(200), createTerminal(columns, rows));
    const history = terminal.history();
    for (const host of ['web001', 'web057', 'web199']) {
      expect(history.filter((line) => line.startsWith(` ✓ ${host} `))).toHaveLength(1);
    }
    expect(history.filter((line) => line.startsWith(' ✓ web'))).toHaveLength(199);
    expect(history.filter((line) => /[▸↩░◷]/.test(line))).toEqual([]);
    expect(history.filter((line) => line.startsWith('Failed: '))).toHaveLength(1);
  }
});

test.each([
  [
    'smaller and back',
    [
      [60, 20],
      [200, 50],
    ],
  ],
  [
    'narrower alone, and back',
    [
      [70, 50],
      [200, 50],
    ],
  ],
  [
    'lower alone, and back',
    [
      [200, 12],
      [200, 50],
    ],
  ],
  [
    'smaller in steps, as by a mouse',
    [
      [150, 40],
      [110, 30],
      [80, 24],
      [60, 20],
      [100, 30],
      [200, 50],
    ],
  ],
  ['smaller for good', [[60, 20]]],
  [
    'larger first',
    [
      [240, 70],
      [60, 20],
      [120, 40],
    ],
  ],
])(
  'a terminal that is made %s in the middle of a run shows one live region, and every finished thing once',
  async (_, sizes) => {
    const events = large(150);
    const startMs = events[0]?.at ?? 0;
    const clock = manualClock(startMs);
    const terminal = createTerminal(200, 50);
    const renderer = createTtyRenderer({ stdout: terminal, clock, color: true, verbosity: 0 });
    const resizeAt = new Map(
      sizes.map((size, index) => [Math.floor((events.length * (index + 2)) / (sizes.length + 3)), size]),
    );
    for (const [index, event] of events.entries()) {
      await clock.advanceTo(event.at);
      renderer.emit(event);
      const [columns, rows] = resizeAt.get(index) ?? [];
      if (columns === undefined || rows === undefined) continue;
      terminal.resize(columns, rows);
      await clock.advanceTo(event.at + 1);
      const screen = terminal.screen();
      expect(screen.length).toBeLessThanOrEqual(rows);
      // The region stands at the end, and nothing of an older one above it.
      const region = screen.slice(0, -1).findLastIndex((line) => line === '');
      expect({ columns, rows, stale: screen.slice(0, region).filter((line) => /[▸↩░◷█]/.test(line)) }).toEqual({
        columns,
        rows,
        stale: [],
      });
    }
    renderer.close();
    const history = terminal.history();
    for (const host of ['web001', 'web057', 'web149'])
      expect(history.filter((line) => line.startsWith(` ✓ ${host} `))).toHaveLength(1);
    expect(history.filter((line) => line.startsWith(' ✓ web'))).toHaveLength(149);
    expect(history.filter((line) => line.startsWith('Failed: '))).toHaveLength(1);
  },
);

test('a terminal that was opened without a size, 0 by 0, is shown what one of 80 by 24 is', async () => {
  const { screens } = await show(large(150), createTerminal(80, 24));
  const terminal = createTerminal(80, 24);
  const renderer = createTtyRenderer({
    stdout: { ...terminal, columns: 0, rows: 0 },
    clock: manualClock(0),
    color: true,
    verbosity: 0,
  });
  const events = large(150);
  for (const event of events) renderer.emit(event);
  renderer.close();
  expect(terminal.screen()).toEqual((screens.at(-1) ?? '').split('\n').slice(1, -1));
  expect(terminal.history().filter((line) => /[▸↩░◷]/.test(line))).toEqual([]);
});

test('-v puts milestones into the log above', async () => {
  const { terminal } = await show(streams.rolling(), createTerminal(120, 24), 1);
  const log = terminal.history().join('\n');
  const milestones = streams
    .rolling()
    .flatMap(describeEvent)
    .filter(({ detail }) => detail === 1);
  expect(milestones.length).toBeGreaterThan(10);
  for (const { text } of milestones) expect(log).toContain(text);
});

test('at most ten redraws a second, and cheap ones, at 2,000 hosts', async () => {
  const events = large(2000);
  const seconds = ((events.at(-1)?.at ?? 0) - (events[0]?.at ?? 0)) / 1000;
  const terminal = createTerminal(80, 24);
  const before = process.cpuUsage();
  const stdout = memoryStream({ columns: 80, rows: 24 });
  await show(events, { ...terminal, write: (text) => stdout.write(text), screen: () => [] });
  expect(stdout.writes()).toBeLessThan(seconds * 10 + 10);
  expect(stdout.text().length / seconds).toBeLessThan(20_000);
  // Of this process, so that a busy machine does not count.
  expect(process.cpuUsage(before).user / 1e6).toBeLessThan(15);
}, 90_000);

test('at most ten redraws a second while 200 hosts pull, each told of every second', async () => {
  const events = pulling(200);
  const seconds = ((events.at(-1)?.at ?? 0) - (events[0]?.at ?? 0)) / 1000;
  const stdout = memoryStream({ columns: 80, rows: 24 });
  await show(events, { ...createTerminal(80, 24), write: (text) => stdout.write(text), screen: () => [] });
  expect(stdout.writes()).toBeLessThan(seconds * 10 + 10);
  expect(stdout.text().length / seconds).toBeLessThan(20_000);
});

test('the cursor is hidden while it is live, and comes back at the end, for a question, and when the process dies', async () => {
  const events = streams.rolling();
  const clock = manualClock(events[0]?.at ?? 0);
  const terminal = createTerminal(80, 24);
  let die = (): void => undefined;
  const renderer = createTtyRenderer({
    stdout: terminal,
    clock,
    color: false,
    verbosity: 0,
    atExit(callback) {
      die = callback;
      return () => (die = () => undefined);
    },
  });
  for (const event of events.slice(0, 20)) renderer.emit(event);
  expect(terminal.isCursorHidden()).toBe(true);
  const resume = renderer.suspend();
  expect(terminal.isCursorHidden()).toBe(false);
  expect(terminal.screen().join('\n')).not.toContain('░');
  await clock.advanceTo(clock.now() + 5000);
  expect(terminal.isCursorHidden()).toBe(false);
  resume();
  expect(terminal.isCursorHidden()).toBe(true);
  expect(terminal.screen().join('\n')).toContain('░');
  die();
  expect(terminal.isCursorHidden()).toBe(false);
  for (const event of events.slice(20)) renderer.emit(event);
  renderer.close();
  renderer.close();
  expect(terminal.isCursorHidden()).toBe(false);
  expect(terminal.screen().at(-2)).toContain('Done: 5 updated, 1 unchanged');
});

test('without colour there is none', async () => {
  const events = streams.canaryFails();
  const clock = manualClock(events[0]?.at ?? 0);
  const stdout = memoryStream({ columns: 80, rows: 24 });
  const renderer = createTtyRenderer({ stdout, clock, color: false, verbosity: 0 });
  for (const event of events) {
    await clock.advanceTo(event.at);
    renderer.emit(event);
  }
  renderer.close();
  // eslint-disable-next-line no-control-regex -- it is about control sequences
  expect(stdout.text()).not.toMatch(/\u001b\[[\d;]*m/);
});

test('a terminal that goes away does not end the run', () => {
  const events = streams.rolling();
  const clock = manualClock(events[0]?.at ?? 0);
  const stdout = memoryStream({ columns: 80, rows: 24 });
  const renderer = createTtyRenderer({ stdout, clock, color: true, verbosity: 0 });
  for (const event of events.slice(0, 10)) renderer.emit(event);
  stdout.fail(new Error('write EIO'));
  const before = stdout.text();
  for (const event of events.slice(10)) renderer.emit(event);
  renderer.close();
  expect(stdout.text()).toBe(before);
});

test('a terminal on hold gets no further picture until it goes on, and then everything that has happened', async () => {
  const events = streams.rolling();
  const clock = manualClock(events[0]?.at ?? 0);
  const terminal = createTerminal(80, 24);
  let isHeld = false;
  let writes = 0;
  const stdout: OutputStream = {
    isTTY: true,
    columns: 80,
    rows: 24,
    write: (text) => {
      writes += 1;
      return terminal.write(text);
    },
    on: () => undefined,
    off: () => undefined,
    get writableNeedDrain() {
      return isHeld;
    },
  };
  const renderer = createTtyRenderer({ stdout, clock, color: true, verbosity: 0 });
  const half = Math.floor(events.length / 2);
  for (const [index, event] of events.entries()) {
    isHeld = index >= half && index < events.length - 1;
    const before = writes;
    await clock.advanceTo(event.at);
    renderer.emit(event);
    if (isHeld) expect(writes).toBe(before);
  }
  renderer.close();
  const undisturbed = await show(events, createTerminal(80, 24));
  expect(terminal.screen()).toEqual(undisturbed.terminal.screen());
});
