import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { journalDir, newRunId, openJournal } from '../../../src/store/journal.ts';
import { listRuns, readRun } from '../../../src/store/runs.ts';
import { large, streams } from '../../support/event-streams.ts';
import type { Event } from '../../../src/events/event.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rollout-journal-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function write(events: readonly Event[], folder = dir): string {
  const warnings: string[] = [];
  const journal = openJournal(folder, events[0]?.run ?? '', (message) => warnings.push(message));
  for (const event of events) journal.append(event);
  journal.close();
  expect(warnings).toEqual([]);
  return journal.file;
}

test('what is read back is what was written, one event a line, for the owner only', async () => {
  const events = streams.rolling();
  const file = write(events, join(dir, 'not', 'there', 'yet'));
  expect(readFileSync(file, 'utf8')).toBe(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(await readRun(join(dir, 'not', 'there', 'yet'), '20261120-150432-x7f3')).toEqual({
    id: '20261120-150432-x7f3',
    events,
    damagedLines: 0,
  });
});

test('each event is in the file before append returns', () => {
  const [first, second] = streams.rolling();
  if (!first || !second) throw new Error('no events');
  const journal = openJournal(dir, first.run, () => undefined);
  journal.append(first);
  expect(readFileSync(journal.file, 'utf8')).toBe(`${JSON.stringify(first)}\n`);
  journal.append(second);
  expect(readFileSync(journal.file, 'utf8')).toBe(`${JSON.stringify(first)}\n${JSON.stringify(second)}\n`);
  journal.close();
});

test('a torn last line is passed over, and counted', async () => {
  const events = streams.canaryFails();
  appendFileSync(write(events), '{"v":1,"type":"run_fin');
  const run = await readRun(dir, events[0]?.run ?? '');
  expect(run.events).toEqual(events);
  expect(run.damagedLines).toBe(1);
  const [ends] = await listRuns(dir, 10);
  expect(ends).toEqual({ id: events[0]?.run, started: events[0], finished: events.at(-1) });
});

test('a journal that cannot be opened is said in one line, and nothing is thrown', () => {
  const file = join(dir, 'a-file');
  writeFileSync(file, '');
  const warnings: string[] = [];
  const journal = openJournal(join(file, 'runs'), 'x', (message) => warnings.push(message));
  for (const event of streams.rolling()) journal.append(event);
  journal.close();
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain('cannot be written (');
});

test.skipIf(!existsSync('/dev/full'))('a full disk is said in one line, and nothing is thrown', () => {
  const full = openSync('/dev/full', 'w');
  const warnings: string[] = [];
  const journal = openJournal(
    dir,
    'x',
    (message) => warnings.push(message),
    (_, bytes, offset) => writeSync(full, bytes, offset),
  );
  for (const event of streams.rolling()) journal.append(event);
  journal.close();
  closeSync(full);
  expect(warnings).toEqual([
    `the journal ${dir}/x.jsonl cannot be written (ENOSPC: no space left on device, write); ` +
      "the run goes on, 'resume' and 'report' will miss events",
  ]);
});

test('after a disk was full for a while the journal goes on, and says how much is missing', async () => {
  const events = streams.canaryFails();
  const run = events[0]?.run ?? '';
  const warnings: string[] = [];
  let room = 1000;
  const journal = openJournal(
    dir,
    run,
    (message) => warnings.push(message),
    (descriptor, bytes, offset) => {
      const length = Math.min(bytes.length - offset, room);
      if (length === 0) throw new Error('ENOSPC: no space left on device, write');
      room -= length;
      return writeSync(descriptor, bytes, offset, length);
    },
  );
  for (const event of events.slice(0, 6)) journal.append(event);
  const written = (await readRun(dir, run)).events.length;
  room = Number.POSITIVE_INFINITY;
  for (const event of events.slice(6)) journal.append(event);
  journal.close();

  const stored = await readRun(dir, run);
  expect(warnings).toHaveLength(1);
  expect(stored.damagedLines).toBe(1);
  expect(stored.events.map(({ type }) => type)).toEqual([
    ...events.slice(0, written).map(({ type }) => type),
    events[6]?.type,
    'warning',
    ...events.slice(7).map(({ type }) => type),
  ]);
  expect(stored.events.find(({ type }) => type === 'warning')).toMatchObject({
    message: `${6 - written} events are missing here: the journal could not be written`,
  });
});

test('a run is found by the beginning of its id, and ambiguity is named', async () => {
  write(streams.rolling());
  write(streams.canaryFails());
  expect((await readRun(dir, '20261120-1504')).id).toBe('20261120-150432-x7f3');
  await expect(readRun(dir, '20261120-15')).rejects.toThrow(
    "2 runs begin with '20261120-15': 20261120-151007-b2kd, 20261120-150432-x7f3. Type more of the id.",
  );
  await expect(readRun(dir, 'nope')).rejects.toThrow(`no run 'nope': 'rollout history' lists the runs in ${dir}.`);
  await expect(readRun(join(dir, 'none'), 'x')).rejects.toThrow(`no run 'x': there is no run in ${join(dir, 'none')}.`);
});

test('runs are listed newest first by their ends, also where an end is longer than one read', async () => {
  const big = large(2000);
  write(big);
  write(streams.rolling());
  const runs = await listRuns(dir, 10);
  expect(runs.map(({ id }) => id)).toEqual(['20261120-153000-9mqa', '20261120-150432-x7f3']);
  expect(runs[0]).toEqual({ id: '20261120-153000-9mqa', started: big[0], finished: big.at(-1) });
  expect(await listRuns(dir, 1)).toHaveLength(1);
});

test('warnings before the start and after the end do not hide them, and a run that was cut off has no end', async () => {
  const events = streams.rolling();
  const [started] = events;
  if (started === undefined) throw new Error('no events');
  const warning = { v: 1 as const, at: 1, run: started.run, type: 'warning' as const, message: 'old' };
  write([warning, ...events, warning]);
  write(streams.canaryFails().slice(0, 20));
  expect(await listRuns(dir, 10)).toEqual([
    { id: '20261120-151007-b2kd', started: streams.canaryFails()[0], finished: undefined },
    { id: started.run, started, finished: events.at(-1) },
  ]);
});

test('run ids sort by time and can be typed', () => {
  expect(newRunId(Date.UTC(2026, 10, 20, 15, 4, 32), () => 0)).toBe('20261120-150432-2222');
  expect(newRunId(Date.UTC(2026, 10, 20, 15, 4, 32, 999), () => 0.999)).toBe('20261120-150432-zzzz');
});

test('ROLLOUT_STATE_DIR moves the journals', () => {
  expect(journalDir({}, '/srv/shop')).toBe('/srv/shop/.rollout/runs');
  expect(journalDir({ ROLLOUT_STATE_DIR: '/var/lib/shop' }, '/srv/shop')).toBe('/var/lib/shop/runs');
});
