import { describe, expect, test } from 'vitest';
import { linesOf, parseTimedLine } from '../../../src/docker/logs.ts';
import { LogReader, mergeByTime, type LogLine, type LogSource } from '../../../src/engine/logs.ts';
import type { Host } from '../../../src/model/host.ts';
import { RemoteError, type Remote } from '../../../src/ssh/remote.ts';
import { PassThrough } from 'node:stream';

const hostOf = (name: string): Host => ({ name, groups: [], vars: {}, connection: { kind: 'local' } });
const source = (host: string, service = 'app'): LogSource => ({ host: hostOf(host), service, container: service });
const at = (second: number): string => `2026-11-27T13:00:${String(second).padStart(2, '0')}.000000000Z`;

/** What `docker logs` answers, one try after the other: lines and an exit code, or a connection that is lost in the end. */
type Answer = { readonly lines: readonly string[]; readonly exitCode: number | 'lost' };

/** A fleet whose answers are given; it notes what it was asked. */
function fleetOf(answers: Readonly<Record<string, readonly Answer[]>>) {
  const asked: string[] = [];
  const tries = new Map<string, number>();
  const ended = new AbortController();
  const troubles: string[] = [];
  const connector = {
    connect: ({ name }: Host) =>
      Promise.resolve({
        spawn: (argv: readonly string[]) => {
          const index = tries.get(name) ?? 0;
          tries.set(name, index + 1);
          asked.push(`${name}: ${argv.slice(4).join(' ')}`);
          const answer = answers[name]?.[index];
          // All has been said.
          if (answer === undefined) ended.abort();
          const { lines = [], exitCode = 0 } = answer ?? {};
          const stdout = new PassThrough();
          stdout.end(lines.map((line) => `${line}\n`).join(''));
          const lost = new RemoteError(name, 'connection_lost', 'the connection was lost.');
          const exited = exitCode === 'lost' ? Promise.reject(lost) : Promise.resolve(exitCode);
          exited.catch(() => undefined);
          return Promise.resolve({
            stdin: new PassThrough(),
            stdout,
            stderr: new PassThrough(),
            exited,
            close: () => undefined,
          });
        },
      } as unknown as Remote),
    close: () => Promise.resolve(),
  };
  const clock = { now: () => 0, sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) };
  const input = {
    connector,
    clock,
    signal: ended.signal,
    onTrouble: (host: string, message: string) => void troubles.push(`${host}: ${message}`),
  };
  return { input, asked, troubles };
}

async function read(sources: readonly LogSource[], fleet: ReturnType<typeof fleetOf>, tail?: number) {
  const reader = new LogReader(sources, fleet.input);
  const lines: string[] = [];
  for await (const { host, text } of reader.read(tail === undefined ? {} : { tail })) lines.push(`${host} ${text}`);
  return { lines, failed: [...reader.failed] };
}

test('the lines of all hosts stand in the order in which they were written', async () => {
  const fleet = fleetOf({
    h1: [{ lines: [`${at(1)} a`, `${at(4)} d`, `${at(5)} e`], exitCode: 0 }],
    h2: [{ lines: [`${at(2)} b`, `${at(3)} c`, `${at(5)} f`], exitCode: 0 }],
    h3: [{ lines: [], exitCode: 0 }],
  });
  expect(await read([source('h1'), source('h2'), source('h3')], fleet)).toEqual({
    lines: ['h1 a', 'h2 b', 'h2 c', 'h1 d', 'h1 e', 'h2 f'],
    failed: [],
  });
});

test('a container that is not there, and a host that is lost, are told of, and hide nobody else', async () => {
  const fleet = fleetOf({
    h1: [{ lines: ['Error: No such container: app'], exitCode: 1 }],
    h2: [{ lines: [`${at(1)} a`], exitCode: 'lost' }],
    h3: [{ lines: [`${at(2)} b`], exitCode: 0 }],
  });
  expect(await read([source('h1'), source('h2'), source('h3')], fleet)).toEqual({
    lines: ['h2 a', 'h3 b'],
    failed: ['h1', 'h2'],
  });
  expect(fleet.troubles.toSorted()).toEqual(['h1: there is no container app here.', 'h2: the connection was lost.']);
});

test.each([
  'Error response from daemon: configured logging driver does not support reading',
  'Error: configured logging driver does not support reading',
  'error from daemon in stream: Error grabbing logs: configured logging driver does not support reading',
  'configured Logging Driver does not support reading',
])('a log that its driver does not keep on the host is told by that: %s', async (said) => {
  const fleet = fleetOf({ h1: [{ lines: [said], exitCode: 1 }], h2: [{ lines: [`${at(2)} b`], exitCode: 0 }] });
  expect(await read([source('h1'), source('h2')], fleet)).toEqual({ lines: ['h2 b'], failed: ['h1'] });
  expect(fleet.troubles).toEqual([
    'h1: app: its log driver keeps nothing that docker logs could read. Look where the driver sends its lines.',
  ]);
});

test("another refusal of docker's is told in its words", async () => {
  const fleet = fleetOf({ h1: [{ lines: ['Error response from daemon: logger is not running'], exitCode: 1 }] });
  await read([source('h1')], fleet);
  expect(fleet.troubles).toEqual(['h1: app: Error response from daemon: logger is not running']);
});

describe('following goes on after every end, and no line comes again', () => {
  const follow = async (answers: readonly Answer[], tail = 5) => {
    const fleet = fleetOf({ h1: answers });
    const lines: string[] = [];
    await new LogReader([source('h1')], fleet.input).follow({ tail }, ({ text }) => lines.push(text));
    return { lines, asked: fleet.asked, troubles: fleet.troubles };
  };

  test('of a container that is started again, with lines of one instant', async () => {
    const first = [`${at(1)} a`, `${at(2)} b`, `${at(2)} b`];
    const { lines, asked } = await follow([
      { lines: first, exitCode: 0 },
      { lines: [...first.slice(1), `${at(2)} c`, `${at(3)} d`], exitCode: 0 },
      { lines: [`${at(3)} d`, `${at(4)} e`], exitCode: 0 },
    ]);
    expect(lines).toEqual(['a', 'b', 'b', 'c', 'd', 'e']);
    expect(asked).toEqual([
      'h1: --timestamps --tail 5 -- app',
      `h1: --timestamps --follow --since ${at(2)} -- app`,
      `h1: --timestamps --follow --since ${at(3)} -- app`,
      `h1: --timestamps --follow --since ${at(4)} -- app`,
    ]);
  });

  test('of an instant of which --tail has cut the first line: nothing that was shown comes again', async () => {
    const { lines } = await follow([
      { lines: [`${at(1)} b`], exitCode: 0 },
      { lines: [`${at(1)} a`, `${at(1)} b`, `${at(1)} b`], exitCode: 0 },
      { lines: [`${at(1)} a`, `${at(1)} b`, `${at(1)} b`, `${at(2)} c`], exitCode: 0 },
    ]);
    expect(lines).toEqual(['b', 'a', 'b', 'c']);
  });

  test('of a connection that is lost in the middle, which is said once', async () => {
    const { lines, troubles } = await follow([
      { lines: [`${at(1)} a`], exitCode: 0 },
      { lines: [`${at(1)} a`, `${at(2)} b`], exitCode: 'lost' },
      { lines: [`${at(2)} b`], exitCode: 'lost' },
      { lines: [`${at(2)} b`, `${at(3)} c`], exitCode: 0 },
    ]);
    expect({ lines, troubles }).toEqual({
      lines: ['a', 'b', 'c'],
      troubles: ['h1: the connection was lost.', 'h1: app is heard again.'],
    });
  });

  test('of a connection that several containers share: its loss and its return are said once', async () => {
    const lost = { lines: [], exitCode: 'lost' } as const;
    const fleet = fleetOf({
      h1: [...Array<Answer>(6).fill(lost), ...[3, 4, 5].map((second) => ({ lines: [`${at(second)} a`], exitCode: 0 }))],
    });
    const lines: string[] = [];
    const sources = ['app', 'health', 'mail'].map((service) => source('h1', service));
    await new LogReader(sources, fleet.input).follow({}, ({ container, text }) => lines.push(`${container} ${text}`));
    expect(lines.toSorted()).toEqual(['app a', 'health a', 'mail a']);
    expect(fleet.troubles).toEqual([
      'h1: the connection was lost.',
      expect.stringMatching(/^h1: (app|health|mail) is heard again\.$/),
    ]);
  });

  test('of a container that says nothing at first: it is asked the same again', async () => {
    const { lines, asked } = await follow([
      { lines: [], exitCode: 0 },
      { lines: [`${at(1)} a`], exitCode: 0 },
    ]);
    expect(lines).toEqual(['a']);
    expect(asked.slice(0, 2)).toEqual([
      'h1: --timestamps --tail 5 -- app',
      'h1: --timestamps --follow --tail 5 -- app',
    ]);
  });
});

test('a merge reads no further ahead than a line a source', async () => {
  let read = 0;
  async function* endless(): AsyncGenerator<LogLine> {
    for (;;) {
      read += 1;
      yield await Promise.resolve({ host: 'h1', service: 'app', container: 'app', time: at(read), text: String(read) });
    }
  }
  const merged = mergeByTime([endless(), endless()]);
  for (let line = 0; line < 10; line += 1) await merged.next();
  expect(read).toBeLessThanOrEqual(12);
});

test('lines are whole across chunks and characters, and a line without an end is cut, not gathered', async () => {
  const bytes = Buffer.from('grün\r\nblau');
  const lines: string[] = [];
  for await (const line of linesOf(PassThrough.from([bytes.subarray(0, 3), bytes.subarray(3)]))) lines.push(line);
  expect(lines).toEqual(['grün', 'blau']);
  const long: number[] = [];
  for await (const line of linesOf(PassThrough.from(['x'.repeat(100_000), 'x'.repeat(50_000)]))) long.push(line.length);
  expect(long).toEqual([65_536, 65_536, 18_928]);
});

test.each([
  ['2026-11-27T13:00:01.123456789Z hello  world ', { time: '2026-11-27T13:00:01.123456789Z', text: 'hello  world ' }],
  ['2026-11-27T13:00:01Z', { time: '2026-11-27T13:00:01Z', text: '' }],
  ['Error response from daemon: no', undefined],
  ['', undefined],
])('the time of %j', (line, wanted) => {
  expect(parseTimedLine(line)).toEqual(wanted);
});

test('while whoever is shown the lines takes no more, no more are read', async () => {
  const lines = Array.from({ length: 200 }, (_, index) => `${at(1)} line ${index}`);
  const fleet = fleetOf({ h1: [{ lines, exitCode: 0 }] });
  const shown: string[] = [];
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  let asked = 0;
  const room = (): Promise<void> => {
    asked += 1;
    return asked < 10 ? Promise.resolve() : gate;
  };
  const done = new LogReader([source('h1')], { ...fleet.input, room }).follow({}, ({ text }) => shown.push(text));
  await expect.poll(() => asked).toBe(10);
  for (let turn = 0; turn < 50; turn += 1) await fleet.input.clock.sleep();
  expect(shown).toHaveLength(10);
  open();
  await done;
  expect(shown).toHaveLength(200);
});
